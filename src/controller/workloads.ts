/** The workloads of the cluster, as far as policies concern their kinds: trimmed copies, and nothing of owned objects. */
import { apiVersionOf, judgedFields, judgedThrough, type WorkloadKind } from '../engine/kinds.ts';
import { deepEqual, NestedTooDeep } from '../engine/equal.ts';
import { valueAt } from '../engine/path.ts';
import {
  hasTemplate,
  LAST_APPLIED,
  readWorkload,
  type ControllerReference,
  type FieldProblem,
  type RawObject,
  type Workload,
} from '../engine/workload.ts';
import type { KubeClient } from '../kube/client.ts';
import { templateHash } from '../policy/template-hash.ts';
import { withholdCredentials } from './withhold.ts';
import { Informer, type InformerState } from '../kube/informer.ts';

/** What is kept of a workload. */
interface KeptWorkload {
  readonly object: RawObject;
  /** Of its pod template, credentials included; undefined where nothing asks for it. */
  readonly templateHash: string | undefined;
}

/** `Deployment/shop/web` */
export type WorkloadKey = string;

export interface WorkloadsOptions {
  readonly client: KubeClient;
  readonly kinds: readonly WorkloadKind[];
  readonly onChange: (key: WorkloadKey) => void;
  readonly onState: (kind: string, state: InformerState) => void;
  readonly onError: (kind: string, error: unknown, what: string) => void;
}

export class Workloads {
  readonly #options: WorkloadsOptions;
  readonly #informers = new Map<string, Informer<KeptWorkload>>();

  constructor(options: WorkloadsOptions) {
    this.#options = options;
  }

  /** Begins to watch kinds that are not watched yet; absent: all. Resolves when each has its first answer. */
  async ensure(kinds: readonly string[] | undefined): Promise<void> {
    const settled: Promise<void>[] = [];
    for (const kind of this.#options.kinds) {
      if (kinds !== undefined && !kinds.includes(kind.kind)) continue;
      let informer = this.#informers.get(kind.kind);
      if (informer === undefined) {
        informer = this.#informerOf(kind);
        this.#informers.set(kind.kind, informer);
        informer.start();
      }
      settled.push(informer.settled);
    }
    await Promise.all(settled);
  }

  /** The object under a key, as it is kept. */
  object(key: WorkloadKey): RawObject | undefined {
    return this.#kept(key)?.object;
  }

  /** The hash of a workload's pod template; undefined for kinds that keep no older templates. */
  templateHash(key: WorkloadKey): string | undefined {
    return this.#kept(key)?.templateHash;
  }

  /** The workload under a key: undefined if there is none. */
  read(key: WorkloadKey): { readonly workload: Workload } | { readonly problem: FieldProblem } | undefined {
    const object = this.object(key);
    const kind = this.#options.kinds.find((candidate) => candidate.kind === split(key).kind);
    return object === undefined || kind === undefined ? undefined : readWorkload(object, kind);
  }

  /** Is a kind watched, so that the absence of an object means that there is none? */
  isSynced(kind: string): boolean {
    return this.#informers.get(kind)?.state.state === 'synced';
  }

  /** How far the copy of a kind can be trusted; undefined: no policy asks for it. */
  state(kind: string): InformerState | undefined {
    return this.#informers.get(kind)?.state;
  }

  *keys(namespace?: string): Iterable<WorkloadKey> {
    for (const [kind, informer] of this.#informers) {
      for (const [rest] of informer.entries()) {
        if (namespace === undefined || rest.startsWith(`${namespace}/`)) yield `${kind}/${rest}`;
      }
    }
  }

  #kept(key: WorkloadKey): KeptWorkload | undefined {
    const { kind, rest } = split(key);
    return this.#informers.get(kind)?.get(rest);
  }

  get informers(): Iterable<Informer<KeptWorkload>> {
    return this.#informers.values();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  #informerOf(kind: WorkloadKind): Informer<KeptWorkload> {
    const { client, kinds, onChange, onState, onError } = this.#options;
    return new Informer<KeptWorkload>({
      client,
      group: kind.group,
      versions: [kind.version],
      resource: kind.resource,
      keep: (object: RawObject) => {
        const kept = trimmed(object, kind, kinds);
        if (kept === undefined) return undefined;
        return { object: withholdCredentials(kept, kind), templateHash: hashOf(object, kind) };
      },
      onChange: (key, before, after) => {
        // A status that changed changes nothing that is kept.
        if (before === undefined || after === undefined || differs(before, after)) onChange(`${kind.kind}/${key}`);
      },
      onState: (state) => onState(kind.kind, state),
      onError: (error, what) => onError(kind.kind, error, what),
    });
  }
}

/** Of kinds with a history alone. A custom kind may be nested too deep to be told apart. */
function hashOf(object: RawObject, { history, template }: WorkloadKind): string | undefined {
  if (history === undefined) return undefined;
  try {
    return templateHash(valueAt(object, template));
  } catch (error) {
    if (error instanceof NestedTooDeep) return undefined;
    throw error;
  }
}

/** A custom kind may be nested too deep to compare. */
function differs(before: KeptWorkload, after: KeptWorkload): boolean {
  if (before.templateHash !== after.templateHash) return true;
  try {
    return !deepEqual(before.object, after.object);
  } catch (error) {
    if (error instanceof NestedTooDeep) return true;
    throw error;
  }
}

function split(key: WorkloadKey): { readonly kind: string; readonly rest: string } {
  const slash = key.indexOf('/');
  return { kind: key.slice(0, slash), rest: key.slice(slash + 1) };
}

export function keyOf({ kind, namespace, name }: Workload): WorkloadKey {
  return `${kind.kind}/${namespace}/${name}`;
}

interface KubernetesMetadata {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly (ControllerReference & { readonly controller?: boolean })[];
  readonly [field: string]: unknown;
}

const METADATA = [
  'name',
  'namespace',
  'uid',
  'generation',
  'labels',
  'creationTimestamp',
  'deletionTimestamp',
  'ownerReferences',
];

/** What is kept of an object: nothing of one that is judged through its owner, or that has no template. */
function trimmed(object: RawObject, kind: WorkloadKind, kinds: readonly WorkloadKind[]): RawObject | undefined {
  const metadata = object['metadata'] as KubernetesMetadata;
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (judgedThrough(kind.kind, owner, kinds) !== undefined) return undefined;
  if (!hasTemplate(object, kind)) return undefined;
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations ?? {};
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      ...Object.fromEntries(METADATA.filter((field) => field in metadata).map((field) => [field, metadata[field]])),
      annotations,
    },
    ...Object.fromEntries(judgedFields(kind).map((field) => [field, object[field]])),
  };
}
