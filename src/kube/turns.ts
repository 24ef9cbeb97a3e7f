/** Long work in turns: between them requests are answered, and whether anyone still waits for the work is looked at. */
import type { Clock } from './clock.ts';

/** How long one thing is worked on without a look at the others, in milliseconds. */
const SLICE = 25;

/** The caller has hung up: what it asked for is of no use to anyone any more. */
export class CallerGone extends Error {
  constructor() {
    super('the caller has gone');
    this.name = 'CallerGone';
  }
}

/** The turns of one piece of work. */
export class Turns {
  readonly #clock: Clock;
  readonly #isWanted: () => boolean;
  #since: number;

  /** @param isWanted - does the caller still wait? Absent: there is none who could go */
  constructor(clock: Clock, isWanted: () => boolean = () => true) {
    this.#clock = clock;
    this.#isWanted = isWanted;
    this.#since = clock.monotonic();
  }

  /** To be asked between two steps. @returns undefined: go on at once; what is to be waited for rejects with CallerGone */
  next(): Promise<void> | undefined {
    return this.#clock.monotonic() - this.#since < SLICE ? undefined : this.giveWay();
  }

  /** Lets all others go first that are ready. Rejects with CallerGone. */
  async giveWay(): Promise<void> {
    await this.#clock.sleep(0);
    if (!this.#isWanted()) throw new CallerGone();
    this.#since = this.#clock.monotonic();
  }
}

/** Does some work for each item, in their order; at once if that takes no more than one turn. */
export function mapInTurns<T, U>(items: readonly T[], turns: Turns, work: (item: T) => U): U[] | Promise<U[]> {
  const results: U[] = [];
  const from = (start: number): U[] | Promise<U[]> => {
    for (let index = start; index < items.length; index++) {
      const waiting = index === 0 ? undefined : turns.next();
      if (waiting !== undefined) {
        return waiting.then(() => {
          results.push(work(items[index] as T));
          return from(index + 1);
        });
      }
      results.push(work(items[index] as T));
    }
    return results;
  };
  return from(0);
}
