import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { Backoff } from '../kube/backoff.ts';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import type { Informer } from '../kube/informer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { Route } from '../policy/routes.ts';
import { REFUSAL_LASTS } from './refused-entries.ts';
import { mutatingEntries, validatingEntries, type WebhookConfigurationInput } from './webhook-configuration.ts';
import {
  ConfigurationObjects,
  emptyObjects,
  MUTATING,
  VALIDATING,
  type Omission,
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

/** What the configurations in the cluster say. */
export interface Applied {
  /** Those that were wanted. */
  readonly routes: readonly Route[];
  /** Names of the routes among them that the API server yet does not have, and why. */
  readonly omitted: ReadonlyMap<string, Omission>;
  /** The authorities (PEM) that the API server trusts in every entry. */
  readonly caBundle: string;
}

export interface WebhookConfigurationReconcilerOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly name: string;
  /** Name of the ClusterRole that owns the configurations, so that they go with it; undefined: nothing does. */
  readonly ownerClusterRole: string | undefined;
  /** What the configurations are to say now; undefined as long as no request could be answered. */
  readonly desired: () => WebhookConfigurationInput | undefined;
  /** Told what the API server has now. */
  readonly onApplied: (applied: Applied) => void;
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
    const omitted = new Map<string, Omission>();
    for (const { isRepair, write } of plans) {
      if (isRepair && !mayRepair) continue;
      for (const [name, omission] of await write()) omitted.set(name, omission);
    }
    if (!mayRepair) return;
    const without = (reason: Omission['reason']): string[] =>
      [...omitted].filter(([, omission]) => omission.reason === reason).map(([name]) => name);
    const homeless = without('NoRoom');
    if (homeless.length > 0) {
      logger.error('too many policies: the API server is not told of some', { policies: homeless });
    }
    if (without('EntryRefused').length > 0) this.#queue.addAfter('', REFUSAL_LASTS);
    // Only now that every configuration is as it is to be: whoever is told may rely on each of them.
    onApplied({ routes: input.routes, omitted, caBundle: input.caBundle });
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
