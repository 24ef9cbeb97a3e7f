import type { Clock } from './clock.ts';

/**
 * One read for all who ask at about the same time. Each is answered by a read that began after the question, so that nobody
 * is told what had already changed when they asked.
 */
export class SharedRead<T> {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #read: () => Promise<T>;
  /** Not begun yet; undefined: nobody waits for one that has not. */
  #next: Promise<T> | undefined;
  #begunAt = -Infinity;

  /** @param interval - milliseconds between the beginnings of two reads */
  constructor(clock: Clock, interval: number, read: () => Promise<T>) {
    this.#clock = clock;
    this.#interval = interval;
    this.#read = read;
  }

  /** @throws what the read throws */
  ask(): Promise<T> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  /** May the next read begin at once? */
  get isIdle(): boolean {
    return this.#next === undefined && this.#untilNext() <= 0;
  }

  async #begin(): Promise<T> {
    await (this.#untilNext() > 0 ? this.#clock.sleep(this.#untilNext()) : undefined);
    this.#begunAt = this.#clock.monotonic();
    this.#next = undefined;
    return this.#read();
  }

  #untilNext(): number {
    return this.#begunAt + this.#interval - this.#clock.monotonic();
  }
}
