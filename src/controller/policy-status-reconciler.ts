import { deepEqual } from '../engine/equal.ts';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { POLICIES, type PolicyState } from './policies.ts';
import { policyStatus, type StatusFacts } from './policy-status.ts';
import type { Tally } from './tally.ts';

/** Changes that come together are written together; milliseconds. */
const SETTLE = 250;
/** A status is written at most once in this time, in milliseconds. */
const INTERVAL = 2000;

export interface PolicyStatusReconcilerOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly state: (policy: string) => PolicyState | undefined;
  readonly tally: (policy: string) => Tally | undefined;
  /** The rest of what a status is made from. */
  readonly facts: () => Omit<StatusFacts, 'state' | 'tally' | 'now'>;
}

/** Keeps the status of each policy, and its metrics, as the numbers are. */
export class PolicyStatusReconciler {
  readonly #options: PolicyStatusReconcilerOptions;
  readonly #queue: WorkQueue;
  /** When each was written last (monotonic clock). */
  readonly #written = new Map<string, number>();
  /** Label values under which findings of a policy were last published. */
  readonly #published = new Map<string, readonly { readonly check: string; readonly priority: string }[]>();

  /** The same of excepted findings. */
  readonly #publishedExcepted = new Map<string, readonly { readonly check: string }[]>();

  constructor(options: PolicyStatusReconcilerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      clock: options.client.clock,
      reconcile: (name) => this.#reconcile(name),
      onError: (policy, error, retryIn) =>
        options.logger.warn('a policy status could not be written', { policy, error, retryIn }),
    });
  }

  /** Something that a policy's status tells may have changed. */
  changed(policy: string): void {
    const sinceLast = this.#options.client.clock.monotonic() - (this.#written.get(policy) ?? -Infinity);
    this.#queue.addAfter(policy, Math.max(SETTLE, INTERVAL - sinceLast));
  }

  /** Writes no more, and takes its numbers out of the metrics: another replica publishes them from now on. */
  stop(): void {
    this.#queue.stop();
    this.#options.metrics.findings.reset();
    this.#options.metrics.exceptedFindings.reset();
    this.#options.metrics.workloads.reset();
  }

  async #reconcile(policy: string): Promise<void> {
    const { client, state, tally, facts } = this.#options;
    const present = state(policy);
    this.#publish(policy, present === undefined ? undefined : tally(policy));
    if (present === undefined) {
      this.#written.delete(policy);
      return;
    }
    const status = policyStatus({ ...facts(), state: present, tally: tally(policy), now: client.clock.now() });
    if (deepEqual(status, present.object['status'])) return;
    this.#written.set(policy, client.clock.monotonic());
    try {
      await client.request('PATCH', pathOf(POLICIES, undefined, policy, 'status'), {
        contentType: 'application/merge-patch+json',
        // What is absent must be named to be taken away.
        body: { status: { inForce: null, ...status } },
      });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }

  #publish(policy: string, tally: Tally | undefined): void {
    const { findings, workloads, exceptedFindings } = this.#options.metrics;
    const checks = tally?.checks ?? [];
    const excepted = tally?.excepted ?? [];
    for (const { check } of this.#publishedExcepted.get(policy) ?? []) {
      if (!excepted.some((now) => now.check === check)) exceptedFindings.remove({ policy, check });
    }
    this.#publishedExcepted.set(policy, excepted);
    for (const { check, count } of excepted) exceptedFindings.set({ policy, check }, count);
    for (const { check, priority } of this.#published.get(policy) ?? []) {
      if (!checks.some((now) => now.check === check && now.priority === priority)) {
        findings.remove({ policy, check, priority });
      }
    }
    this.#published.set(policy, checks);
    for (const { check, priority, count } of checks) findings.set({ policy, check, priority }, count);
    for (const state of ['ready', 'notReady', 'unknown'] as const) {
      if (tally === undefined) workloads.remove({ policy, state });
      else workloads.set({ policy, state }, tally.workloads[state]);
    }
    if (tally === undefined) {
      this.#published.delete(policy);
      this.#publishedExcepted.delete(policy);
    }
  }
}
