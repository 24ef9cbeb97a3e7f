import { deepEqual } from '../engine/equal.ts';
import { valueAt } from '../engine/path.ts';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import type { EventRecorder } from '../kube/events.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import { EXCEPTION_KIND } from '../policy/exception-schema.ts';
import { exceptionOutlook } from './exception-status.ts';
import { EXCEPTIONS, type ExceptionState } from './exceptions.ts';

/** Changes that come together are written together; milliseconds. */
const SETTLE = 250;

export interface ExceptionReconcilerOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  /** @param key - `namespace/name` */
  readonly state: (key: string) => ExceptionState | undefined;
  /** The policies in force. */
  readonly policies: () => readonly CompiledPolicy[];
  /** How many workloads an exception is in force for. @param key - `namespace/name` */
  readonly workloads: (key: string) => number;
  readonly events: EventRecorder;
}

/** Keeps the status of each exception as time, policies and workloads want it. */
export class ExceptionReconciler {
  readonly #options: ExceptionReconcilerOptions;
  readonly #queue: WorkQueue;

  constructor(options: ExceptionReconcilerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      clock: options.client.clock,
      reconcile: (key) => this.#reconcile(key),
      onError: (exception, error, retryIn) =>
        options.logger.warn('the status of an exception could not be written', { exception, error, retryIn }),
    });
  }

  /** Something that the status of an exception tells may have changed. @param key - `namespace/name` */
  changed(key: string): void {
    this.#queue.addAfter(key, SETTLE);
  }

  stop(): void {
    this.#queue.stop();
  }

  async #reconcile(key: string): Promise<void> {
    const { client, state, policies, workloads, events: recorder } = this.#options;
    const present = state(key);
    if (present === undefined) return;
    const { object, result } = present;
    const time = client.clock.now();
    const { status, events, recheckAt } = exceptionOutlook({
      object,
      result,
      policies: policies(),
      workloads: workloads(key),
      now: time,
    });
    if (recheckAt !== undefined) this.#queue.addAfter(key, recheckAt - time + 1);
    if (deepEqual(status, object['status'])) return;
    const [namespace = '', name = ''] = key.split('/');
    // Before the status, which says that they are told: one that can't be written is tried again.
    for (const { reason, message } of events) {
      await recorder.write(
        {
          reason,
          type: 'Warning',
          action: 'Expire',
          note: message,
          regarding: {
            apiVersion: `${EXCEPTIONS.group}/${EXCEPTIONS.version}`,
            kind: EXCEPTION_KIND,
            namespace,
            name,
            uid: valueAt(object, ['metadata', 'uid']) as string | undefined,
          },
        },
        String(valueAt(object, ['spec', 'expiresAt'])),
      );
    }
    try {
      await client.request('PATCH', pathOf(EXCEPTIONS, namespace, name, 'status'), {
        contentType: 'application/merge-patch+json',
        body: { status },
      });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }
}
