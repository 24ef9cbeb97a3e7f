/**
 * A set of keys that wait to be reconciled. A key that is added again while it waits is done once; one that is added
 * while it is being done is done again after; one that fails comes back later and later.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Backoff } from './backoff.ts';
import type { Cancel, Clock } from './clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Brings the world in line with one key. What it throws means: try again later. */
  readonly reconcile: (key: string) => Promise<void>;
  /** Told of each failure, with the waiting time before the next try in milliseconds. */
  readonly onError: (key: string, error: unknown, retryIn: number) => void;
  readonly concurrency?: number;
}

const FIRST_RETRY = 100;
const LONGEST_RETRY = 60_000;
/** Work without I/O yields to admission requests at least this often, in milliseconds. */
const SLICE = 4;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #active = new Set<string>();
  readonly #timers = new Map<string, { readonly at: number; readonly cancel: Cancel }>();
  readonly #backoffs = new Map<string, Backoff>();
  #workers = 0;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Adds a key; it is done as soon as a worker is free. */
  add(key: string): void {
    if (this.#stopped) return;
    this.#dropTimer(key);
    this.#waiting.add(key);
    this.#start();
  }

  /** Adds a key after a time in milliseconds, unless it comes sooner by itself. */
  addAfter(key: string, delay: number): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    const at = clock.monotonic() + delay;
    const present = this.#timers.get(key);
    if (present !== undefined && present.at <= at) return;
    this.#dropTimer(key);
    // A key that comes too early, because the clock cuts long times, is merely looked at once more.
    this.#timers.set(key, { at, cancel: clock.after(delay, () => this.add(key)) });
  }

  /** How many keys wait or are being done. */
  get size(): number {
    return this.#waiting.size + this.#active.size;
  }

  /** Takes no more keys and starts no more work; what runs ends by itself. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #dropTimer(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #start(): void {
    if (this.#workers >= (this.#options.concurrency ?? 1)) return;
    this.#workers += 1;
    void this.#work();
  }

  async #work(): Promise<void> {
    const { clock } = this.#options;
    await nextTurn();
    let sliceStart = clock.monotonic();
    for (;;) {
      const key = this.#next();
      if (key === undefined) break;
      await this.#do(key);
      if (clock.monotonic() - sliceStart > SLICE) {
        await nextTurn();
        sliceStart = clock.monotonic();
      }
    }
    this.#workers -= 1;
  }

  #next(): string | undefined {
    for (const key of this.#waiting) {
      if (this.#active.has(key)) continue;
      this.#waiting.delete(key);
      return key;
    }
    return undefined;
  }

  async #do(key: string): Promise<void> {
    this.#active.add(key);
    try {
      await this.#options.reconcile(key);
      this.#backoffs.delete(key);
    } catch (error) {
      if (this.#stopped) return;
      const backoff = this.#backoffs.get(key) ?? new Backoff(this.#options.clock, FIRST_RETRY, LONGEST_RETRY);
      this.#backoffs.set(key, backoff);
      const retryIn = backoff.next();
      this.#options.onError(key, error, retryIn);
      this.addAfter(key, retryIn);
    } finally {
      this.#active.delete(key);
    }
  }
}
