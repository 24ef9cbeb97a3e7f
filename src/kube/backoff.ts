/** Waiting times that double from a first to a longest one, each drawn from the upper half of its span. */
export class Backoff {
  readonly #first: number;
  readonly #longest: number;
  #failures = 0;

  /** Both in milliseconds. */
  constructor(first: number, longest: number) {
    this.#first = first;
    this.#longest = longest;
  }

  /** The next waiting time in milliseconds. */
  next(): number {
    const span = Math.min(this.#longest, this.#first * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return span * (0.5 + Math.random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
