/** What a row asserts, and what came of it. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Outcome {
  readonly what: string;
  readonly ok: boolean;
  /** Measured, or why not. */
  readonly detail: string;
}

const POLL = 50;

export class Checks {
  readonly outcomes: Outcome[] = [];

  /** Takes note of a fact. */
  that(what: string, ok: boolean, detail: unknown = ''): void {
    this.outcomes.push({ what, ok, detail: String(detail) });
  }

  /**
   * Waits until a probe says true, and notes how long that took.
   *
   * @param limit - milliseconds
   * @param since - from when the time counts (performance.now()); now unless told
   */
  async within(what: string, limit: number, probe: () => Promise<unknown>, since = performance.now()): Promise<void> {
    let last: unknown;
    for (;;) {
      try {
        last = await probe();
      } catch (error) {
        last = error instanceof Error ? error.message : error;
      }
      const took = performance.now() - since;
      if (last === true) {
        this.that(what, took <= limit, `${(took / 1000).toFixed(1)} s, ${limit / 1000} s allowed`);
        return;
      }
      if (took > limit) {
        this.that(what, false, `not within ${limit / 1000} s: ${String(last).slice(0, 300)}`);
        return;
      }
      await sleep(POLL);
    }
  }
}
