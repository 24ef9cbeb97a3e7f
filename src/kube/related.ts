/** What checks know of the objects around a workload, from copies that informers keep. */
import { deepEqual } from '../engine/equal.ts';
import {
  RELATED_KINDS,
  WHOLE_CLUSTER,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKind,
  type RelatedKindName,
} from '../engine/related.ts';
import { hasStatus, pathOf, type KubeClient } from './client.ts';
import type { Cancel } from './clock.ts';
import { Informer, type InformerState } from './informer.ts';
import { Lookups } from './lookups.ts';
import { PlaceIndex } from './place-index.ts';
import type { Requester } from './restraint.ts';
import { secretFromRow, type SecretAccess, type SecretRow } from './secret.ts';

type AnyFacts = RelatedFacts[RelatedKindName];

/** Names one look-up: `Secret/shop/db`. A change of an object is told by the look-ups that it can change. */
export type Dependency = string;

export function dependencyOf(kind: RelatedKindName, namespace: string, key: string): Dependency {
  return `${kind}/${namespace}/${key}`;
}

const NO_SECRETS = {
  state: 'unknown',
  // The setting first: warnings are cut short.
  cause: '--secret-access=None: the operator is set not to read secrets',
} as const;
const ABSENT: Answer<never> = { state: 'absent' };
const NOT_SERVED: Answer<never> = { state: 'absent', notServed: true };
const SECRET_NOT_READ: Answer<never> = {
  state: 'unknown',
  cause: 'the operator reads secrets one by one (--secret-access=Get) and has not read this one yet',
  live: true,
};
/** What is in a Secret and not in its metadata. */
type SecretPart = 'SecretKeys' | 'ServingCertificate';
const SECRET_PARTS: readonly SecretPart[] = ['SecretKeys', 'ServingCertificate'];
const PART_NOT_READ: Readonly<Record<SecretPart, Extract<Answer<never>, { state: 'unknown' }>>> = {
  // A request waits for them: what is denied or let pass for a key must not depend on who asked before.
  SecretKeys: { state: 'unknown', cause: 'the operator has not read them yet', live: true },
  ServingCertificate: { state: 'unknown', cause: 'the operator has not read the certificate yet' },
};
/** How often what depends on objects that are read one by one is judged anew, in milliseconds. */
const SWEEP = 10 * 60_000;
/** For one read of such an object, in milliseconds. */
const LOOKUP_TIMEOUT = 10_000;

export interface InformedRelatedOptions {
  readonly client: KubeClient;
  readonly secretAccess: SecretAccess;
  /** Told of each look-up whose answer may have changed; `undefined`: all look-ups of the kind. */
  readonly onChange: (kind: RelatedKindName, dependency: Dependency | undefined) => void;
  readonly onState: (kind: RelatedKindName, state: InformerState) => void;
  readonly onError: (kind: RelatedKindName, error: unknown, what: string) => void;
}

/** Helm keeps its releases in Secrets, large and many; no pod names one. */
const NO_HELM_RELEASES = 'type!=helm.sh/release.v1';

export class InformedRelated implements Related {
  readonly #options: InformedRelatedOptions;
  readonly #informers = new Map<RelatedKindName, Informer<AnyFacts>>();
  readonly #index = new PlaceIndex<AnyFacts>();
  /** Only with the access `Get`. */
  readonly #secrets: Lookups<RelatedFacts['Secret']> | undefined;
  /** Not with the access `None`. Secrets are watched without their data, so what is in them is read one by one. */
  readonly #parts: { readonly [K in SecretPart]: Lookups<RelatedFacts[K]> } | undefined;
  readonly #endSweep: Cancel | undefined;

  constructor(options: InformedRelatedOptions) {
    this.#options = options;
    if (options.secretAccess === 'None') return;
    this.#parts = {
      SecretKeys: this.#lookupsOf('SecretKeys'),
      ServingCertificate: this.#lookupsOf('ServingCertificate'),
    };
    if (options.secretAccess === 'Get') this.#secrets = this.#lookupsOf('Secret');
    this.#endSweep = options.client.clock.every(SWEEP, () => {
      if (this.#secrets !== undefined) options.onChange('Secret', undefined);
      for (const part of SECRET_PARTS) options.onChange(part, undefined);
    });
  }

  /** Begins to watch kinds that are not watched yet. Resolves when each has its first answer, whichever it is. */
  async ensure(kinds: Iterable<RelatedKindName>): Promise<void> {
    const settled: Promise<void>[] = [];
    for (const asked of kinds) {
      const kind = RELATED_KINDS[asked].partOf ?? asked;
      if (kind === 'Secret' && this.#options.secretAccess !== 'Watch') continue;
      let informer = this.#informers.get(kind);
      if (informer === undefined) {
        informer = this.#informerOf(RELATED_KINDS[kind]);
        this.#informers.set(kind, informer);
        informer.start();
      }
      settled.push(informer.settled);
    }
    await Promise.all(settled);
  }

  find<K extends RelatedKindName>(kind: K, namespace: string, key: string): Answer<RelatedFacts[K]> {
    if (kind === 'SecretKeys' || kind === 'ServingCertificate') {
      return this.#part(kind, namespace, key) as Answer<RelatedFacts[K]>;
    }
    if (kind === 'Secret' && this.#options.secretAccess !== 'Watch') {
      if (this.#secrets === undefined) return NO_SECRETS;
      return (this.#secrets.find(namespace, key) ?? SECRET_NOT_READ) as Answer<RelatedFacts[K]>;
    }
    const state: InformerState = this.#informers.get(kind)?.state ?? { state: 'pending' };
    switch (state.state) {
      case 'pending':
        return { state: 'unknown', cause: `the operator has not read ${RELATED_KINDS[kind].resource} yet` };
      case 'failed':
        return {
          state: 'unknown',
          cause: `the operator could not read ${RELATED_KINDS[kind].resource}: ${state.cause}`,
        };
      case 'notServed':
        return NOT_SERVED;
      case 'synced': {
        const values = this.#index.find(kind, namespace, key) as readonly RelatedFacts[K][] | undefined;
        return values === undefined ? ABSENT : { state: 'found', values };
      }
    }
  }

  /** The watched kinds with their informers. */
  get informers(): ReadonlyMap<RelatedKindName, Informer<AnyFacts>> {
    return this.#informers;
  }

  /** For admission: a Secret that is not watched is to be read live, however short ago another read was. */
  get live(): Related {
    if (this.#secrets === undefined) return this;
    return {
      find: (kind, namespace, key) => (kind === 'Secret' ? SECRET_NOT_READ : this.find(kind, namespace, key)),
    };
  }

  /** Why a kind can't be looked up at present, in words for a person; undefined if it can. */
  unreadable(kind: RelatedKindName): string | undefined {
    const read = RELATED_KINDS[kind].partOf ?? kind;
    if (read === 'Secret' && this.#options.secretAccess === 'None') return NO_SECRETS.cause;
    const state = this.#informers.get(read)?.state;
    return state?.state === 'failed' ? state.cause : undefined;
  }

  /** Is the cluster known not to serve a kind? It is asked again all the time. */
  unserved(kind: RelatedKindName): boolean {
    return this.#informers.get(kind)?.state.state === 'notServed';
  }

  async stop(): Promise<void> {
    this.#endSweep?.();
    this.#secrets?.stop();
    for (const part of SECRET_PARTS) this.#parts?.[part].stop();
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  #lookupsOf<K extends 'Secret' | SecretPart>(kind: K): Lookups<RelatedFacts[K]> {
    const { client, onChange } = this.#options;
    return new Lookups({
      clock: client.clock,
      read: (namespace, name) => readLive(client, kind, namespace, name, LOOKUP_TIMEOUT),
      onChange: (namespace, name) => onChange(kind, dependencyOf(kind, namespace, name)),
    });
  }

  /** Never waits: what is not there is read behind the scenes. A watched Secret's version tells whether it still holds. */
  #part(part: SecretPart, namespace: string, name: string): Answer<RelatedFacts[SecretPart]> {
    if (this.#parts === undefined) return NO_SECRETS;
    let version: string | undefined;
    if (this.#options.secretAccess === 'Watch') {
      const secret = this.find('Secret', namespace, name);
      if (secret.state !== 'found') return secret;
      version = this.#informers.get('Secret')?.versionOf(`${namespace}/${name}`);
    }
    const known = this.#parts[part].find(namespace, name, version);
    if (known === undefined) return PART_NOT_READ[part];
    return known.state === 'unknown' ? { ...PART_NOT_READ[part], cause: known.cause } : known;
  }

  #informerOf(related: RelatedKind): Informer<AnyFacts> {
    const { kind, group, versions, resource } = related;
    const isSecret = kind === 'Secret';
    return new Informer<AnyFacts>({
      client: this.#options.client,
      group,
      versions,
      resource,
      keep: isSecret ? (row: SecretRow) => secretFromRow(row) : (object) => related.read(object),
      ...(isSecret ? { table: true, fieldSelector: NO_HELM_RELEASES } : {}),
      onChange: (key, before, after) => {
        // Objects without a namespace have no slash in their key.
        const namespace = key.slice(0, Math.max(0, key.indexOf('/')));
        // What changed is not kept, a status mostly: nobody needs to look again.
        const isSame = before !== undefined && after !== undefined && deepEqual(before, after);
        if (before !== undefined) this.#remove(related, namespace, key, before, !isSame);
        if (after !== undefined) this.#add(related, namespace, key, after, !isSame);
        if (isSecret) {
          // They are not in what is kept of the Secret.
          const name = key.slice(key.indexOf('/') + 1);
          for (const part of SECRET_PARTS) this.#options.onChange(part, dependencyOf(part, namespace, name));
        }
      },
      onState: (state) => {
        this.#options.onState(kind, state);
        this.#options.onChange(kind, undefined);
        if (isSecret) for (const part of SECRET_PARTS) this.#options.onChange(part, undefined);
      },
      onError: (error, what) => this.#options.onError(kind, error, what),
    });
  }

  #add(related: RelatedKind, namespace: string, key: string, facts: AnyFacts, tells: boolean): void {
    for (const place of related.placesOf(facts, namespace)) {
      this.#index.add(related.kind, place.namespace, place.key, key, facts);
      if (tells) this.#options.onChange(related.kind, dependencyOf(related.kind, place.namespace, place.key));
    }
  }

  #remove(related: RelatedKind, namespace: string, key: string, facts: AnyFacts, tells: boolean): void {
    for (const place of related.placesOf(facts, namespace)) {
      this.#index.remove(related.kind, place.namespace, place.key, key);
      if (tells) this.#options.onChange(related.kind, dependencyOf(related.kind, place.namespace, place.key));
    }
  }
}

/**
 * Reads one named object from the API server, past the informers. A Secret is read whole, and only the names of its keys
 * stay: whoever may write it can write in its managedFields that it has others.
 *
 * @param namespace - WHOLE_CLUSTER for kinds without namespaces
 * @param timeout - milliseconds
 */
export async function readLive<K extends RelatedKindName>(
  client: Requester,
  kind: K,
  namespace: string,
  name: string,
  timeout: number,
): Promise<Answer<RelatedFacts[K]>> {
  const { group, versions, resource, read } = RELATED_KINDS[kind];
  const place = namespace === WHOLE_CLUSTER ? undefined : namespace;
  const path = pathOf({ group, version: versions[0] ?? 'v1', resource }, place, name);
  try {
    return { state: 'found', values: [read(await client.request('GET', path, { timeout }))] };
  } catch (error) {
    if (hasStatus(error, 404)) return { state: 'absent' };
    return { state: 'unknown', cause: error instanceof Error ? error.message : String(error) };
  }
}
