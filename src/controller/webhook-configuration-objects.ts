/** The configuration objects of one kind, validating or mutating, in the cluster: read, compared and written. */
import { deepEqual } from '../engine/equal.ts';
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { hasStatus, pathOf, type ApiError, type KubeClient, type Query, type ResourceAddress } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import type { Logger } from '../logger.ts';
import { isRefusal, RefusedEntries, refusedGroups } from './refused-entries.ts';
import type { Entry, EntryGroup, WebhookAddress } from './webhook-configuration.ts';
import { shardNames, shardsOf } from './webhook-shards.ts';

/** A kind of webhook configuration, and the names that its objects may bear. */
export interface ConfigurationKind extends ResourceAddress {
  readonly kind: string;
  /** @param name - of the first */
  readonly names: (name: string) => readonly string[];
}

const GROUP = 'admissionregistration.k8s.io';
export const VALIDATING: ConfigurationKind = {
  group: GROUP,
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  names: shardNames,
};
export const MUTATING: ConfigurationKind = {
  group: GROUP,
  version: 'v1',
  resource: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
  // Its entries do not depend on policies, so that one object holds them.
  names: (name) => [name],
};

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Why a group of entries is not in the cluster: the objects have no room for it, or the API server refuses it. */
export interface Omission {
  readonly reason: 'NoRoom' | 'EntryRefused';
  /** The API server's own words; empty if there is no room. */
  readonly why: string;
}

/** What is to be written so that the cluster has the entries that are wanted. */
export interface Plan {
  /** The objects that differ, `Kind/name`. */
  readonly names: readonly string[];
  /** The objects were as we wanted them, and somebody else changed them. */
  readonly isRepair: boolean;
  /**
   * Writes them, without what the API server refuses.
   *
   * @returns the groups that the cluster does not have, by name
   * @throws ApiError, also where somebody else has written meanwhile
   */
  readonly write: () => Promise<ReadonlyMap<string, Omission>>;
}

export interface ConfigurationObjectsOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly kind: ConfigurationKind;
  /** Of the first object. */
  readonly name: string;
  /** Told that somebody, perhaps we, changed one of them. */
  readonly onChange: () => void;
}

export class ConfigurationObjects {
  readonly informer: Informer<ReadonlySet<string>>;
  readonly #options: ConfigurationObjectsOptions;
  readonly #names: readonly string[];
  readonly #refused: RefusedEntries;
  /** What was written last, to tell a repair from a change of ours. */
  #applied: unknown;

  constructor(options: ConfigurationObjectsOptions) {
    this.#options = options;
    const { client, logger, kind, name, onChange } = options;
    this.#names = kind.names(name);
    this.#refused = new RefusedEntries(client.clock);
    this.informer = new Informer<ReadonlySet<string>>({
      client,
      ...kind,
      versions: [kind.version],
      keep: (object: RawObject) =>
        this.#names.includes(String(valueAt(object, ['metadata', 'name']))) ? entryNamesOf(object) : undefined,
      onChange,
      onError: (error, what) => logger.warn('watching webhook configurations', { kind: kind.kind, what, error }),
    });
  }

  /** @param owner - with which the objects are to go; undefined: nothing */
  async plan(groups: readonly EntryGroup[], owner: OwnerReference | undefined): Promise<Plan> {
    const { client, logger, kind } = this.#options;
    // Read from the API server, not from the informer: what is compared must not be older than what was written last.
    const objects = new Map<string, RawObject>();
    for (const name of this.#names) {
      const object = await read(client, kind, name);
      // Objects are made one after the other: behind the first that is missing there is none, unless somebody deleted it.
      if (object !== undefined) objects.set(name, object);
      else if (this.informer.size <= objects.size) break;
    }
    const present = new Map([...objects].map(([name, object]) => [name, entryNamesOf(object)]));
    const refused = this.#refused.among(groups);
    const { objects: wanted, left } = shardsOf(
      groups.filter(({ name }) => !refused.has(name)),
      this.#names,
      present,
    );
    const changes = [...wanted].filter(
      ([name, entries]) => !isAsWanted(objects.get(name), entries, owner) && (entries.length > 0 || objects.has(name)),
    );
    return {
      names: changes.map(([name]) => `${kind.kind}/${name}`),
      isRepair: changes.length > 0 && deepEqual(this.#applied, [...wanted]),
      write: async () => {
        for (const [name, entries] of changes) {
          const writing: Writing = { client, kind, name, owner, present: objects.get(name) };
          try {
            await write(writing, entries);
          } catch (error) {
            if (!isRefusal(error)) throw error;
            await this.#blame(error, writing, entries, groups);
            // At least one group fewer is wanted now, so this comes to an end.
            return (await this.plan(groups, owner)).write();
          }
          logger.info('webhook configuration written', { kind: kind.kind, name, entries: entries.length });
        }
        this.#applied = [...wanted];
        return new Map<string, Omission>([
          ...left.map((name) => [name, { reason: 'NoRoom', why: '' }] as const),
          ...[...refused].map(([name, why]) => [name, { reason: 'EntryRefused', why }] as const),
        ]);
      },
    };
  }

  /** Notes for which groups the API server refused an object. @throws ApiError if it is none of a policy's */
  async #blame(
    error: ApiError,
    writing: Writing,
    entries: readonly Entry[],
    groups: readonly EntryGroup[],
  ): Promise<void> {
    const here = groups.filter((group) => group.entries.some((entry) => entries.includes(entry)));
    const refused = await refusedGroups(error, entries, here, (some) =>
      write(
        writing,
        some.flatMap((group) => group.entries),
        { dryRun: 'All' },
      ),
    );
    for (const group of here) {
      const why = refused.get(group.name);
      if (why === undefined) continue;
      this.#refused.add(group, why);
      this.#options.logger.error('the API server refuses the entries of a policy: they are left out', {
        policy: group.name,
        why,
      });
    }
  }
}

/**
 * Takes every entry out of the objects of a kind. They stay, because the operator may not delete them.
 *
 * @param name - of the first
 */
export async function emptyObjects(client: KubeClient, kind: ConfigurationKind, name: string): Promise<void> {
  for (const shard of kind.names(name)) {
    for (let attempt = 0; ; attempt++) {
      const object = await read(client, kind, shard);
      if (object === undefined || entryNamesOf(object).size === 0) break;
      try {
        await client.request('PUT', pathOf(kind, undefined, shard), { body: { ...object, webhooks: [] } });
        break;
      } catch (error) {
        // Another replica wrote at the same time.
        if (!hasStatus(error, 409) || attempt >= 5) throw error;
      }
    }
  }
}

/**
 * The URL paths by which the API server is told to call for validation; none if it is not told to call at all.
 *
 * @param name - of the first object, which is never empty while any other one is not
 * @param address - what stands before our own paths
 * @param timeout - milliseconds
 */
export async function calledPaths(
  client: KubeClient,
  name: string,
  address: WebhookAddress,
  timeout: number,
): Promise<string[]> {
  const object = await client.getIfThere<RawObject>(pathOf(VALIDATING, undefined, name), { timeout });
  const entries = (object?.['webhooks'] ?? []) as readonly { readonly clientConfig: CalledBy }[];
  return entries.map(({ clientConfig: { url, service } }) => {
    if (url === undefined) return service?.path ?? '/';
    return 'url' in address && url.startsWith(address.url) ? url.slice(address.url.length) : new URL(url).pathname;
  });
}

/** How the API server calls, as admissionregistration.k8s.io/v1 WebhookClientConfig. */
interface CalledBy {
  readonly url?: string;
  readonly service?: { readonly path?: string };
}

function read(client: KubeClient, address: ConfigurationKind, name: string): Promise<RawObject | undefined> {
  return client.getIfThere<RawObject>(pathOf(address, undefined, name));
}

/** One object that is to be made or replaced. */
interface Writing {
  readonly client: KubeClient;
  readonly kind: ConfigurationKind;
  readonly name: string;
  readonly owner: OwnerReference | undefined;
  /** As the cluster has it; undefined: it is to be made. */
  readonly present: RawObject | undefined;
}

async function write(
  { client, kind, name, owner, present }: Writing,
  webhooks: readonly Entry[],
  query: Query = {},
): Promise<void> {
  const resourceVersion = valueAt(present, ['metadata', 'resourceVersion']);
  const body = {
    apiVersion: `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: {
      name,
      labels: { 'app.kubernetes.io/managed-by': 'readiness-operator' },
      // Azure's admission enforcer would otherwise add selectors of its own, and we would take them away, for ever.
      annotations: { 'admissions.enforcer/disabled': 'true' },
      ...(owner === undefined ? {} : { ownerReferences: [owner] }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    webhooks,
  };
  if (present === undefined) await client.request('POST', pathOf(kind), { body, query });
  else await client.request('PUT', pathOf(kind, undefined, name), { body, query });
}

function entryNamesOf(object: RawObject): ReadonlySet<string> {
  return new Set(((object['webhooks'] ?? []) as readonly Entry[]).map(({ name }) => String(name)));
}

function isAsWanted(
  present: RawObject | undefined,
  wanted: readonly Entry[],
  owner: OwnerReference | undefined,
): boolean {
  return (
    present !== undefined &&
    deepEqual(present['webhooks'] ?? [], wanted) &&
    deepEqual(valueAt(present, ['metadata', 'ownerReferences']), owner === undefined ? undefined : [owner])
  );
}
