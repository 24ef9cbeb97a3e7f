/** So much at once, and so much in the long run. */
export class TokenBucket {
  readonly #burst: number;
  readonly #interval: number;
  #tokens: number;
  #at: number;

  /**
   * @param burst - how many may be taken at once
   * @param interval - milliseconds in which one more comes
   * @param now - milliseconds of any steady clock
   */
  constructor(burst: number, interval: number, now: number) {
    this.#burst = burst;
    this.#interval = interval;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes one, if there is one. */
  take(now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) / this.#interval);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
