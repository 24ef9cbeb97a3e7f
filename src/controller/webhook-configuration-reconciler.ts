import { deepEqual } from '../engine/equal.ts';
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { Route } from '../policy/routes.ts';
import { webhookConfiguration, type OwnerReference, type WebhookConfigurationInput } from './webhook-configuration.ts';

const ADDRESS = { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'validatingwebhookconfigurations' };
const CLUSTER_ROLES = { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'clusterroles' };

export interface WebhookConfigurationReconcilerOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly name: string;
  /** Name of the ClusterRole that owns the configuration; undefined: nothing does. */
  readonly ownerClusterRole: string | undefined;
  /** What the configuration is to say now; undefined as long as no request could be answered. */
  readonly desired: () => Omit<WebhookConfigurationInput, 'name' | 'owner'> | undefined;
  /** Told when the configuration in the cluster has these routes. */
  readonly onApplied: (routes: readonly Route[]) => void;
}

/** Keeps the ValidatingWebhookConfiguration as the policies want it: written when they change, healed when edited. */
export class WebhookConfigurationReconciler {
  readonly #options: WebhookConfigurationReconcilerOptions;
  readonly #queue: WorkQueue;
  readonly #informer: Informer<RawObject>;

  constructor(options: WebhookConfigurationReconcilerOptions) {
    this.#options = options;
    const { client, logger, name } = options;
    this.#queue = new WorkQueue({
      reconcile: () => this.#reconcile(),
      onError: (_key, error, retryIn) =>
        logger.warn('the webhook configuration could not be written', { error, retryIn }),
    });
    this.#informer = new Informer<RawObject>({
      client,
      group: ADDRESS.group,
      versions: [ADDRESS.version],
      resource: ADDRESS.resource,
      fieldSelector: `metadata.name=${name}`,
      keep: (object: RawObject) => object,
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

  async stop(): Promise<void> {
    this.#queue.stop();
    await this.#informer.stop();
  }

  async #reconcile(): Promise<void> {
    const { client, logger, name, desired, onApplied } = this.#options;
    const input = desired();
    if (input === undefined) return;
    const owner = await this.#owner();
    if (owner === 'gone') {
      logger.info('the installation is being removed: the webhook configuration is left alone');
      return;
    }
    const wanted = webhookConfiguration({ ...input, name, owner });
    const present = await this.#present();
    if (present === undefined) {
      await client.request('POST', pathOf(ADDRESS), { body: wanted });
      logger.info('webhook configuration created', { entries: wanted.webhooks.length });
    } else if (!isAsWanted(present, wanted)) {
      const resourceVersion = valueAt(present, ['metadata', 'resourceVersion']);
      const body = { ...wanted, metadata: { ...wanted.metadata, resourceVersion } };
      await client.request('PUT', pathOf(ADDRESS, undefined, name), { body });
      logger.info('webhook configuration updated', { entries: wanted.webhooks.length });
    }
    onApplied(input.routes);
  }

  /** Read from the API server, not from the informer: what is compared must not be older than what was written last. */
  async #present(): Promise<RawObject | undefined> {
    const { client, name } = this.#options;
    try {
      return await client.request<RawObject>('GET', pathOf(ADDRESS, undefined, name));
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  async #owner(): Promise<OwnerReference | 'gone' | undefined> {
    const { client, ownerClusterRole: name } = this.#options;
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
}

function isAsWanted(present: RawObject, wanted: ReturnType<typeof webhookConfiguration>): boolean {
  return (
    deepEqual(present['webhooks'], wanted.webhooks) &&
    deepEqual(valueAt(present, ['metadata', 'ownerReferences']), wanted.metadata.ownerReferences)
  );
}
