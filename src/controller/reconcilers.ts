/** What only the leader does: the webhook configuration, reports and statuses. Made anew each time that it begins to lead. */
import type { WorkloadKind } from '../engine/kinds.ts';
import type { Related, RelatedKindName } from '../engine/related.ts';
import type { Labels } from '../engine/selectors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Informer } from '../kube/informer.ts';
import type { Dependency } from '../kube/related.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Exemptions } from '../policy/exemptions.ts';
import { Audit } from './audit.ts';
import { ExceptionReconciler } from './exception-reconciler.ts';
import type { ExceptionChange, Exceptions } from './exceptions.ts';
import type { Policies } from './policies.ts';
import type { Routing } from './policy-status.ts';
import { PolicyStatusReconciler } from './policy-status-reconciler.ts';
import type { WebhookConfigurationInput } from './webhook-configuration.ts';
import { WebhookConfigurationReconciler } from './webhook-configuration-reconciler.ts';
import type { WorkloadKey, Workloads } from './workloads.ts';

export interface ReconcilersOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly kinds: readonly WorkloadKind[];
  readonly exemptions: Exemptions;
  readonly policies: Policies;
  readonly exceptions: Exceptions;
  readonly workloads: Workloads;
  readonly related: Related;
  readonly events: EventRecorder;
  /** Why a related kind can't be looked up; undefined if it can. */
  readonly unreadable: (kind: RelatedKindName) => string | undefined;
  /** The cluster is known not to serve a related kind. */
  readonly unserved: (kind: RelatedKindName) => boolean;
  readonly namespaceLabels: (namespace: string) => Labels | undefined;
  readonly configuration: {
    readonly name: string;
    readonly ownerClusterRole: string | undefined;
    readonly desired: () => WebhookConfigurationInput | undefined;
    /** Told that the configurations in the cluster trust these authorities (PEM). */
    readonly onTrusted: (caBundle: string) => void;
  };
}

export class Reconcilers {
  readonly #policies: Policies;
  readonly #exceptions: Exceptions;
  readonly #configuration: WebhookConfigurationReconciler;
  readonly #audit: Audit;
  readonly #status: PolicyStatusReconciler;
  readonly #exceptionStatus: ExceptionReconciler;
  /** How the webhook configuration in the cluster routes each policy, by name. */
  #routing: ReadonlyMap<string, Routing> = new Map();

  constructor({ configuration, namespaceLabels, ...options }: ReconcilersOptions) {
    const { policies, exceptions, exemptions, kinds, workloads, unreadable, unserved } = options;
    this.#policies = policies;
    this.#exceptions = exceptions;
    this.#audit = new Audit({
      ...options,
      policies: () => policies.set,
      exceptions: exceptions.set,
      namespaceLabels,
      onTally: (name) => this.#status.changed(name),
      onException: (key) => this.#exceptionStatus.changed(key),
    });
    this.#exceptionStatus = new ExceptionReconciler({
      ...options,
      state: (key) => exceptions.state(key),
      policies: () => policies.set.policies,
      workloads: (key) => this.#audit.underException(key),
    });
    this.#status = new PolicyStatusReconciler({
      ...options,
      state: (name) => policies.state(name),
      tally: (name) => this.#audit.tally(name),
      facts: () => ({
        routing: this.#routing,
        kinds,
        workloadState: (kind) => workloads.state(kind),
        unreadable,
        unserved,
        exemptNamespaces: [...exemptions.namespaces].filter((name) => namespaceLabels(name) !== undefined).toSorted(),
      }),
    });
    this.#configuration = new WebhookConfigurationReconciler({
      ...options,
      ...configuration,
      onApplied: ({ routes, omitted, caBundle }) => {
        configuration.onTrusted(caBundle);
        this.#routing = new Map(
          routes.flatMap((route) =>
            route.policies.map(({ name, generation }) => [name, { generation, omission: omitted.get(route.name) }]),
          ),
        );
        for (const name of policies.names()) this.#status.changed(name);
      },
    });
  }

  start(): void {
    this.#configuration.start();
    this.#audit.start();
    this.policiesChanged();
  }

  async stop(): Promise<void> {
    this.#status.stop();
    this.#exceptionStatus.stop();
    await Promise.all([this.#configuration.stop(), this.#audit.stop()]);
  }

  /** The set of policies in force changed. */
  policiesChanged(): void {
    this.#configuration.changed();
    this.#audit.policiesChanged();
    for (const key of this.#exceptions.keys()) this.#exceptionStatus.changed(key);
    this.readabilityChanged();
  }

  /** A policy's status may have to say something else. */
  policyStatusChanged(name: string): void {
    this.#status.changed(name);
  }

  /** What the webhook configuration says beside the policies changed: the trusted certificates, or that we can answer. */
  configurationChanged(): void {
    this.#configuration.changed();
  }

  exceptionChanged(change: ExceptionChange): void {
    this.#audit.exceptionChanged(change);
  }

  /** An exception's status may have to say something else. @param key - `namespace/name` */
  exceptionStatusChanged(key: string): void {
    this.#exceptionStatus.changed(key);
  }

  workloadChanged(key: WorkloadKey): void {
    this.#audit.changed(key);
  }

  namespaceChanged(namespace: string): void {
    this.#audit.namespaceChanged(namespace);
  }

  /** An answer of Related may have changed; undefined: any of that kind. */
  relatedChanged(kind: RelatedKindName, dependency: Dependency | undefined): void {
    this.#audit.relatedChanged(kind, dependency);
    if (dependency === undefined) this.readabilityChanged();
  }

  /** What can be read of the cluster changed, and with it what policies say of themselves. */
  readabilityChanged(): void {
    for (const name of this.#policies.names()) this.#status.changed(name);
  }

  get informers(): Informer<any>[] {
    return [this.#audit.informer, ...this.#configuration.informers];
  }
}
