/** A clock that stands still until a test moves it: what the product promises about time is tested without waiting for it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Cancel, Clock } from '../../src/kube/clock.ts';

interface Timer {
  due: number;
  /** Milliseconds after which it fires again; undefined: it fires once. */
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** Any date: nothing may depend on it. */
const EPOCH = Date.parse('2026-05-04T03:02:01Z');

export class TestClock implements Clock {
  /** What `random` answers: 0 makes every spread wait the shortest that it can be. */
  chance = 0;
  #epoch = EPOCH;
  #elapsed = 0;
  readonly #timers = new Set<Timer>();
  readonly #onTimer = new Set<() => void>();

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  random(): number {
    return this.chance;
  }

  after(milliseconds: number, callback: () => void): Cancel {
    return this.#add({ due: this.#elapsed + Math.max(0, milliseconds), every: undefined, callback });
  }

  every(milliseconds: number, callback: () => void): Cancel {
    return this.#add({ due: this.#elapsed + milliseconds, every: milliseconds, callback });
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.after(milliseconds, done);
      signal?.addEventListener('abort', done);
    });
  }

  /** In how many milliseconds each pending timer fires, soonest first. */
  get pending(): readonly number[] {
    return [...this.#timers].map(({ due }) => due - this.#elapsed).toSorted((a, b) => a - b);
  }

  /**
   * Waits, for as long as it takes, until a timer is pending that fires within a span of time from now: the sign that what
   * is tested has done its work and waits.
   *
   * @returns in how many milliseconds it fires
   */
  async waiting(least: number, most = least): Promise<number> {
    for (;;) {
      const found = this.pending.find((left) => left >= least && left <= most);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onTimer.add(resolve));
    }
  }

  /** Moves on, and fires in order what becomes due. What that starts gets a turn of the event loop before the next. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#elapsed + milliseconds;
    // What has just been started comes to wait first.
    await nextTurn();
    for (;;) {
      const [next] = [...this.#timers].filter(({ due }) => due <= end).toSorted((a, b) => a.due - b.due);
      if (next === undefined) break;
      this.#elapsed = next.due;
      if (next.every === undefined) this.#timers.delete(next);
      else next.due += next.every;
      next.callback();
      await nextTurn();
    }
    this.#elapsed = end;
    await nextTurn();
  }

  /** Lets time pass without a turn of the event loop, as long work does. */
  spend(milliseconds: number): void {
    this.#elapsed += milliseconds;
  }

  /** Sets the machine's clock forward or, with a negative number, back; the monotonic clock stands still. */
  jump(milliseconds: number): void {
    this.#epoch += milliseconds;
  }

  #add(timer: Timer): Cancel {
    this.#timers.add(timer);
    for (const resolve of this.#onTimer) resolve();
    this.#onTimer.clear();
    return () => this.#timers.delete(timer);
  }
}
