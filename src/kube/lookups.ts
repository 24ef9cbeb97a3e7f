/**
 * Answers about objects that are not watched: each is read from the API server when it is asked for, a few at one time,
 * and kept for a short while. Bounded in memory.
 */
import { deepEqual } from '../engine/equal.ts';
import type { Answer } from '../engine/related.ts';
import type { Clock } from './clock.ts';
import { Gate } from './gate.ts';

/** How long an answer holds, in milliseconds; after that it is asked for anew, and given meanwhile. */
const FRESH = 60_000;
/** After this, in milliseconds, an answer is given no more. */
const STALE = 10 * 60_000;
const MOST_ANSWERS = 10_000;
const AT_ONCE = 4;

interface Kept<T> {
  readonly answer: Answer<T>;
  readonly at: number;
  /** Of the object, as it was asked for. */
  readonly version: string | undefined;
}

export interface LookupsOptions<T> {
  /** Reads one object. Never throws. */
  readonly read: (namespace: string, name: string) => Promise<Answer<T>>;
  /** Told that the answer about an object is another one now. */
  readonly onChange: (namespace: string, name: string) => void;
  readonly clock: Clock;
}

export class Lookups<T> {
  readonly #options: LookupsOptions<T>;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept<T>>();
  readonly #reading = new Set<string>();
  readonly #gate = new Gate(AT_ONCE);
  #stopped = false;

  constructor(options: LookupsOptions<T>) {
    this.#options = options;
  }

  /**
   * What is known of an object; undefined: nothing yet. Asks for what is not known or not fresh; `onChange` tells.
   *
   * @param version - where the object's version is known: an answer about that version holds until there is another
   */
  find(namespace: string, name: string, version?: string): Answer<T> | undefined {
    const key = `${namespace}/${name}`;
    const present = this.#kept.get(key);
    const kept = present?.version === version ? present : undefined;
    if (version !== undefined && kept !== undefined && kept.answer.state !== 'unknown') return kept.answer;
    const age = kept === undefined ? Infinity : this.#options.clock.monotonic() - kept.at;
    if (age > FRESH) void this.#read(key, namespace, name, version);
    return age > STALE ? undefined : kept?.answer;
  }

  /** Takes no more questions. */
  stop(): void {
    this.#stopped = true;
    this.#kept.clear();
  }

  async #read(key: string, namespace: string, name: string, version: string | undefined): Promise<void> {
    // What does not get a place now is asked for again when it is needed again.
    if (this.#stopped || this.#reading.has(key) || this.#reading.size >= MOST_ANSWERS) return;
    this.#reading.add(key);
    try {
      const answer = await this.#gate.pass(() => this.#options.read(namespace, name));
      if (this.#stopped) return;
      const present = this.#kept.get(key);
      const before = present?.version === version ? present?.answer : undefined;
      this.#kept.delete(key);
      this.#kept.set(key, { answer, at: this.#options.clock.monotonic(), version });
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size <= MOST_ANSWERS) break;
        this.#kept.delete(oldest);
      }
      if (!deepEqual(answer, before)) this.#options.onChange(namespace, name);
    } finally {
      this.#reading.delete(key);
    }
  }
}
