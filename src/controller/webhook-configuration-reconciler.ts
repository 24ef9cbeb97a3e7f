import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { Backoff } from '../kube/backoff.ts';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import type { Informer } from '../kube/informer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { Route } from '../policy/routes.ts';
import { mutatingEntries, validatingEntries, type WebhookConfigurationInput } from './webhook-configuration.ts';
import {
  ConfigurationObjects,
  emptyObjects,
  MUTATING,
  VALIDATING,
  type OwnerReference,
} from './webhook-configuration-objects.ts';

const CLUSTER_ROLES = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };
/** How long to wait before the next repair when somebody else keeps changing what we write, in milliseconds. */
const HEALING = { first: 100, longest: 60_000 };
/** What each kind of configuration holds. */
const CONTENTS = [
  { kind: VALIDATING, groups: validatingEntries },
  { kind: MUTATING, groups: mutatingEntries },
] as const;

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
  readonly #contents: readonly {
    readonly objects: ConfigurationObjects;
    readonly groups: (typeof CONTENTS)[number]['groups'];
  }[];
  readonly #queue: WorkQueue;
  readonly #healing: Backoff;
  /** By the steady clock. */
  #repairNotBefore = 0;

  constructor(options: WebhookConfigurationReconcilerOptions) {
    this.#options = options;
    const { client, logger, name } = options;
    this.#healing = new Backoff(client.clock, HEALING.first, HEALING.longest);
    this.#queue = new WorkQueue({
      clock: client.clock,
      reconcile: () => this.#reconcile(),
      onError: (_key, error, retryIn) =>
        logger.warn('the webhook configurations could not be written', { error, retryIn }),
    });
    this.#contents = CONTENTS.map(({ kind, groups }) => ({
      objects: new ConfigurationObjects({ client, logger, kind, name, onChange: () => this.changed() }),
      groups,
    }));
  }

  start(): void {
    for (const informer of this.informers) informer.start();
    this.changed();
  }

  /** To be called when `desired` may say something new. */
  changed(): void {
    this.#queue.add('');
  }

  get informers(): readonly Informer<ReadonlySet<string>>[] {
    return this.#contents.map(({ objects }) => objects.informer);
  }

  async stop(): Promise<void> {
    this.#queue.stop();
    await Promise.all(this.informers.map((informer) => informer.stop()));
  }

  async #reconcile(): Promise<void> {
    const { logger, desired, onApplied } = this.#options;
    const input = desired();
    if (input === undefined) return;
    await Promise.all(this.informers.map(({ settled }) => settled));
    const owner = await ownerOf(this.#options);
    if (owner === 'gone') {
      logger.info('the installation is being removed: the webhook configurations are left alone');
      return;
    }
    const plans = await Promise.all(this.#contents.map(({ objects, groups }) => objects.plan(groups(input), owner)));
    const repaired = plans.flatMap(({ isRepair, names }) => (isRepair ? names : []));
    const mayRepair = repaired.length === 0 || this.#mayRepair(repaired);
    for (const { isRepair, write } of plans) if (!isRepair || mayRepair) await write();
    if (!mayRepair) return;
    const left = plans.flatMap((plan) => plan.left);
    if (left.length > 0) logger.error('too many policies: the API server is not told of some', { policies: left });
    // Only now that every configuration is as it is to be: whoever is told may rely on each of them.
    onApplied(
      input.routes.filter(({ name }) => !left.includes(name)),
      input.caBundle,
    );
  }

  /** The first repair is done at once; one that follows soon waits longer and longer, lest two controllers fight. */
  #mayRepair(names: readonly string[]): boolean {
    const now = this.#options.client.clock.monotonic();
    if (now < this.#repairNotBefore) {
      this.#queue.addAfter('', this.#repairNotBefore - now);
      return false;
    }
    if (now > this.#repairNotBefore + HEALING.longest) this.#healing.reset();
    this.#repairNotBefore = now + this.#healing.next();
    this.#options.logger.warn('a webhook configuration was changed by somebody else and is repaired', { names });
    return true;
  }
}

/**
 * Takes every entry out of the configurations, so that the API server asks nobody: to be done before the last replica
 * goes for good.
 */
export async function withdrawEntries(client: KubeClient, name: string): Promise<void> {
  for (const { kind } of CONTENTS) await emptyObjects(client, kind, name);
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
