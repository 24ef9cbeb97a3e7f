/**
 * Leader election by a Lease (coordination.k8s.io/v1), as client-go's leaderelection does it: whoever holds the Lease and
 * renews it leads; the others wait until it has not changed for its whole duration, by their own steady clock, so that
 * clocks that differ or jump decide nothing.
 */
import { hasStatus, pathOf, type KubeClient } from './client.ts';
import type { Cancel, Clock } from './clock.ts';

/** Milliseconds. A leader that dies is followed within `duration` and one `retry`. */
export interface LeaseTimes {
  /** How long the Lease holds without being renewed. */
  readonly duration: number;
  /** A leader that could not renew for so long stops leading: well before anyone else may begin. */
  readonly renewDeadline: number;
  /** Time between two tries to renew or to acquire. */
  readonly retry: number;
}

const TIMES: LeaseTimes = { duration: 12_000, renewDeadline: 8000, retry: 2000 };
const LEASES = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };

export interface LeaderElectionOptions {
  /** A client of its own, so that no burst of other requests holds up the renewal. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Different for each replica, and for each start of one. */
  readonly identity: string;
  /** Called when this replica begins to lead. */
  readonly onStarted: () => void;
  /** Called when it no longer leads. Awaited before the Lease is given back at a stop. */
  readonly onStopped: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly times?: LeaseTimes;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

interface Lease {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec?: LeaseSpec;
}

export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #times: LeaseTimes;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #leading = false;
  /** Ends the leadership when the last renewal is too old, even while a request hangs. */
  #cancelDeadline: Cancel | undefined;
  #stopped: Promise<void> = Promise.resolve();
  /** The Lease as this replica wrote it last; undefined: it must be read before it is written. */
  #held: Lease | undefined;
  /** The Lease as it was seen last, and when that was first seen (steady clock). */
  #seen: { readonly version: string; readonly at: number } | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Starts once; further calls do nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops leading and gives the Lease back, so that another replica leads at once. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#stopped;
      const startedAt = this.#clock.monotonic();
      try {
        if (await this.#tryToHold()) {
          this.#lead(startedAt);
        } else {
          await this.#follow();
        }
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#options.onError(error);
      }
      await this.#pause();
    }
    const led = this.#leading;
    await this.#follow();
    if (led) await this.#release().catch((error: unknown) => this.#options.onError(error));
  }

  /** Up to a fifth longer than told, so that replicas do not ask in step. */
  async #pause(): Promise<void> {
    const time = this.#times.retry * (1 + this.#clock.random() / 5);
    await this.#clock.sleep(time, this.#stop.signal);
  }

  /** @param since - when the request that renewed the Lease was sent (steady clock) */
  #lead(since: number): void {
    this.#cancelDeadline?.();
    const left = since + this.#times.renewDeadline - this.#clock.monotonic();
    // An answer that comes this late renewed nothing that may be relied on.
    if (left <= 0) {
      void this.#follow();
      return;
    }
    this.#cancelDeadline = this.#clock.after(left, () => void this.#follow());
    if (this.#leading) return;
    this.#leading = true;
    this.#options.onStarted();
  }

  #follow(): Promise<void> {
    this.#cancelDeadline?.();
    if (this.#leading) {
      this.#leading = false;
      this.#stopped = this.#options.onStopped();
    }
    return this.#stopped;
  }

  /** Renews or acquires the Lease. @returns whether this replica holds it now */
  async #tryToHold(): Promise<boolean> {
    const { identity, name } = this.#options;
    const now = new Date(this.#clock.now()).toISOString().replace('Z', '000Z');
    const held: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#times.duration / 1000),
      renewTime: now,
    };
    // One request, not two: an API server that takes seconds for each must not cost the leadership.
    const last = this.#held;
    this.#held = undefined;
    if (last !== undefined) {
      try {
        await this.#send('PUT', { ...last, spec: { ...last.spec, ...held } });
        return true;
      } catch (error) {
        if (!hasStatus(error, 404, 409)) throw error;
      }
    }
    const present = await this.#read();
    try {
      if (present === undefined) {
        await this.#send('POST', { metadata: { name }, spec: { ...held, acquireTime: now, leaseTransitions: 0 } });
        return true;
      }
      const { holderIdentity = '', acquireTime, leaseTransitions = 0 } = present.spec ?? {};
      if (holderIdentity === identity) {
        await this.#send('PUT', { ...present, spec: { ...held, acquireTime: acquireTime ?? now, leaseTransitions } });
        return true;
      }
      if (holderIdentity !== '' && !this.#hasRunOut(present)) return false;
      const taken = { ...held, acquireTime: now, leaseTransitions: leaseTransitions + 1 };
      await this.#send('PUT', { ...present, spec: taken });
      return true;
    } catch (error) {
      // Another replica was faster.
      if (hasStatus(error, 409)) return false;
      throw error;
    }
  }

  /** Has the Lease stayed as it is for the whole duration that its holder promised to renew it in? */
  #hasRunOut({ metadata: { resourceVersion }, spec }: Lease): boolean {
    const now = this.#clock.monotonic();
    if (this.#seen?.version !== resourceVersion) this.#seen = { version: resourceVersion, at: now };
    return now - this.#seen.at > (spec?.leaseDurationSeconds ?? 0) * 1000;
  }

  async #release(): Promise<void> {
    const present = await this.#read();
    if (present?.spec?.holderIdentity !== this.#options.identity) return;
    const { leaseTransitions = 0 } = present.spec;
    await this.#send('PUT', {
      ...present,
      spec: { holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions },
    });
  }

  #read(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    return client.getIfThere<Lease>(pathOf(LEASES, namespace, name), { timeout: this.#timeout });
  }

  async #send(method: 'POST' | 'PUT', lease: object): Promise<void> {
    const { client, namespace, name } = this.#options;
    const path = pathOf(LEASES, namespace, method === 'POST' ? undefined : name);
    this.#held = await client.request<Lease>(method, path, {
      body: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', ...lease },
      timeout: this.#timeout,
    });
  }

  get #clock(): Clock {
    return this.#options.client.clock;
  }

  /** One request takes at most so long: a renewal that hangs must leave time for another. */
  get #timeout(): number {
    return this.#times.renewDeadline / 2;
  }
}
