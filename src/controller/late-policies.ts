/**
 * Policies about which the API server already asks, because another replica knows them, while they are still on their way
 * to this one: its watch is broken, or it waits before it looks for the CustomResourceDefinition again.
 */
import type { Clock } from '../kube/clock.ts';

/** How long a request waits for a policy, in milliseconds; less than what a request may take in all. */
const PATIENCE = 2500;
/** Milliseconds between two looks. */
const POLL = 25;
/** A watch that works tells within this time, in milliseconds; one that does not is opened anew. */
const WATCH_TELLS = 100;

export interface LatePoliciesOptions {
  readonly clock: Clock;
  /** Does the API server know a policy of this name? @throws if that can't be found out in time (milliseconds) */
  readonly exists: (name: string, timeout: number) => Promise<boolean>;
  readonly isInForce: (name: string) => boolean;
  /** Looks now for what the watch has not told. */
  readonly hurry: () => void;
  /** Requests that may wait at one time, so that there is room for those of other policies. */
  readonly mostWaiting: number;
}

export class LatePolicies {
  readonly #options: LatePoliciesOptions;
  readonly #awaited = new Map<string, Promise<boolean>>();
  #waiting = 0;

  constructor(options: LatePoliciesOptions) {
    this.#options = options;
  }

  /**
   * Waits until requests by a route can be judged. All who wait for the same policy ask once.
   *
   * @param name - of a policy that is not in force here
   * @returns true: it is in force now, or there is no such policy; false: neither, or too many wait, so we must not answer
   *   for it
   */
  async judgeable(name: string): Promise<boolean> {
    if (this.#waiting >= this.#options.mostWaiting) return false;
    this.#waiting += 1;
    try {
      return await this.#arrival(name);
    } finally {
      this.#waiting -= 1;
    }
  }

  #arrival(name: string): Promise<boolean> {
    const awaited = this.#awaited.get(name);
    if (awaited !== undefined) return awaited;
    const asked = this.#await(name).finally(() => this.#awaited.delete(name));
    this.#awaited.set(name, asked);
    return asked;
  }

  async #await(name: string): Promise<boolean> {
    const { clock, exists, isInForce, hurry } = this.#options;
    const start = clock.monotonic();
    try {
      if (!(await exists(name, PATIENCE))) return true;
    } catch {
      return false;
    }
    for (;;) {
      if (isInForce(name)) return true;
      const waited = clock.monotonic() - start;
      if (waited >= PATIENCE) return false;
      if (waited >= WATCH_TELLS) hurry();
      await clock.sleep(POLL);
    }
  }
}
