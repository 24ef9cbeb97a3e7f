import type { Clock } from './clock.ts';

/** Waiting times that double from a first to a longest one, each drawn from the upper half of its span. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  readonly #clock: Clock;
  #failures = 0;

  /** Both in milliseconds. */
  constructor(clock: Clock, first: number, longest: number) {
    this.#clock = clock;
    this.#first = first;
    this.#longest = longest;
  }

  /** The next waiting time in milliseconds. */
  next(): number {
    const span = Math.min(this.#longest, this.#first * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return span * (0.5 + this.#clock.random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
