import { deepEqual } from '../engine/equal.ts';
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { Backoff } from '../kube/backoff.ts';
import { hasStatus, pathOf, type KubeClient, type ResourceAddress } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { Route } from '../policy/routes.ts';
import { validatingEntries, type Entry, type WebhookConfigurationInput } from './webhook-configuration.ts';
import { shardNames, shardsOf } from './webhook-shards.ts';

const GROUP = 'admissionregistration.k8s.io';
const VALIDATING: Configurations = {
  group: GROUP,
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
};
const CLUSTER_ROLES = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };
/** How long to wait before the next repair when somebody else keeps changing what we write, in milliseconds. */
const HEALING = { first: 100, longest: 60_000 };

interface Configurations extends ResourceAddress {
  readonly kind: string;
}

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface WebhookConfigurationReconcilerOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly name: string;
  /** Name of the ClusterRole that owns the configurations, so that they go with it; undefined: nothing does. */
  readonly ownerClusterRole: string | undefined;
  /** What the configurations are to say now; undefined as long as no request could be answered. */
  readonly desired: () => WebhookConfigurationInput | undefined;
  /** Told that the API server has these routes, and trusts these authorities (PEM) in every entry. */
  readonly onApplied: (routes: readonly Route[], caBundle: string) => void;
}

/** Keeps the webhook configurations as the policies want them: written when they change, healed when edited or deleted. */
export class WebhookConfigurationReconciler {
  readonly #options: WebhookConfigurationReconcilerOptions;
  readonly #names: readonly string[];
  readonly #queue: WorkQueue;
  readonly #informer: Informer<ReadonlySet<string>>;
  readonly #healing = new Backoff(HEALING.first, HEALING.longest);
  /** What was written last, to tell a repair from a change of ours. */
  #applied: unknown;
  /** By the steady clock. */
  #repairNotBefore = 0;

  constructor(options: WebhookConfigurationReconcilerOptions) {
    this.#options = options;
    const { client, logger, name } = options;
    this.#names = shardNames(name);
    this.#queue = new WorkQueue({
      reconcile: () => this.#reconcile(),
      onError: (_key, error, retryIn) =>
        logger.warn('the webhook configuration could not be written', { error, retryIn }),
    });
    this.#informer = new Informer<ReadonlySet<string>>({
      client,
      ...VALIDATING,
      versions: [VALIDATING.version],
      keep: (object: RawObject) =>
        this.#names.includes(String(valueAt(object, ['metadata', 'name']))) ? entryNamesOf(object) : undefined,
      onChange: () => this.changed(),
      onError: (error, what) => logger.warn('watching the webhook configuration', { what, error }),
    });
  }

  start(): void {
    this.#informer.start();
    this.changed();
  }

  /** To be called when `desired` may say something new. */
  changed(): void {
    this.#queue.add('');
  }

  get informer(): Informer<ReadonlySet<string>> {
    return this.#informer;
  }

  async stop(): Promise<void> {
    this.#queue.stop();
    await this.#informer.stop();
  }

  async #reconcile(): Promise<void> {
    const { client, logger, desired, onApplied } = this.#options;
    const input = desired();
    if (input === undefined) return;
    await this.#informer.settled;
    const owner = await ownerOf(this.#options);
    if (owner === 'gone') {
      logger.info('the installation is being removed: the webhook configuration is left alone');
      return;
    }
    // Read from the API server, not from the informer: what is compared must not be older than what was written last.
    const objects = new Map<string, RawObject>();
    for (const name of this.#names) {
      const object = await read(client, VALIDATING, name);
      // Objects are made one after the other: behind the first that is missing there is none, unless somebody deleted it.
      if (object !== undefined) objects.set(name, object);
      else if (this.#informer.size <= objects.size) break;
    }
    const present = new Map([...objects].map(([name, object]) => [name, entryNamesOf(object)]));
    const { objects: wanted, left } = shardsOf(validatingEntries(input), this.#names, present);
    const changes = [...wanted].filter(
      ([name, entries]) => !isAsWanted(objects.get(name), entries, owner) && (entries.length > 0 || objects.has(name)),
    );
    const isRepair = changes.length > 0 && deepEqual(this.#applied, [...wanted]);
    if (isRepair && !this.#mayRepair(changes.map(([name]) => name))) return;
    for (const [name, webhooks] of changes) {
      await write(client, VALIDATING, name, webhooks, owner, objects.get(name));
      logger.info('webhook configuration written', { name, entries: webhooks.length });
    }
    this.#applied = [...wanted];
    if (left.length > 0) logger.error('too many policies: the API server is not told of some', { policies: left });
    onApplied(
      input.routes.filter(({ name }) => !left.includes(name)),
      input.caBundle,
    );
  }

  /** The first repair is done at once; one that follows soon waits longer and longer, lest two controllers fight. */
  #mayRepair(names: readonly string[]): boolean {
    const now = performance.now();
    if (now < this.#repairNotBefore) {
      this.#queue.addAfter('', this.#repairNotBefore - now);
      return false;
    }
    if (now > this.#repairNotBefore + HEALING.longest) this.#healing.reset();
    this.#repairNotBefore = now + this.#healing.next();
    this.#options.logger.warn('the webhook configuration was changed by somebody else and is repaired', { names });
    return true;
  }
}

/**
 * Takes every entry out of the configurations, so that the API server asks nobody: to be done before the last replica
 * goes for good. The objects stay, because the operator may not delete them.
 */
export async function withdrawEntries(client: KubeClient, name: string): Promise<void> {
  for (const shard of shardNames(name)) {
    for (let attempt = 0; ; attempt++) {
      const object = await read(client, VALIDATING, shard);
      if (object === undefined || entryNamesOf(object).size === 0) break;
      try {
        await client.request('PUT', pathOf(VALIDATING, undefined, shard), { body: { ...object, webhooks: [] } });
        break;
      } catch (error) {
        // Another replica wrote at the same time.
        if (!hasStatus(error, 409) || attempt >= 5) throw error;
      }
    }
  }
}

async function read(client: KubeClient, resource: Configurations, name: string): Promise<RawObject | undefined> {
  try {
    return await client.request<RawObject>('GET', pathOf(resource, undefined, name));
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

async function write(
  client: KubeClient,
  { kind, ...address }: Configurations,
  name: string,
  webhooks: readonly Entry[],
  owner: OwnerReference | undefined,
  present: RawObject | undefined,
): Promise<void> {
  const resourceVersion = valueAt(present, ['metadata', 'resourceVersion']);
  const body = {
    apiVersion: `${address.group}/${address.version}`,
    kind,
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
  if (present === undefined) await client.request('POST', pathOf(address), { body });
  else await client.request('PUT', pathOf(address, undefined, name), { body });
}

async function ownerOf({
  client,
  ownerClusterRole: name,
}: WebhookConfigurationReconcilerOptions): Promise<OwnerReference | 'gone' | undefined> {
  if (name === undefined) return undefined;
  try {
    const role = await client.request<RawObject>('GET', pathOf(CLUSTER_ROLES, undefined, name));
    if (valueAt(role, ['metadata', 'deletionTimestamp']) !== undefined) return 'gone';
    const uid = valueAt(role, ['metadata', 'uid']) as string;
    return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name, uid };
  } catch (error) {
    if (hasStatus(error, 404)) return 'gone';
    throw error;
  }
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
