/**
 * Request bodies, bounded in bytes: each by itself, and all that are held at one time. When they are too much together, the
 * largest one that is still coming goes, so that a few slow and large ones can't keep all others out.
 */
import type { IncomingMessage } from 'node:http';

/** Why there is no body. */
export type Refusal = 'tooLarge' | 'tooMuch' | 'gone';

export interface Body {
  readonly bytes: Buffer;
  /** To be called when nothing that was made of it is needed any more. */
  release(): void;
}

interface Reading {
  size: number;
  /** Where it stands among all that are read; undefined: it is over. */
  at: number | undefined;
  refuse(refusal: Refusal): void;
}

export class Bodies {
  readonly #largest: number;
  readonly #most: number;
  /** In any order. A set would shrink and grow with each request. */
  readonly #reading: Reading[] = [];
  #held = 0;

  /** Bytes: of one body, and of all. */
  constructor(largest: number, most: number) {
    this.#largest = largest;
    this.#most = most;
  }

  /**
   * Reads a body. Events, not an async iterator: that costs as much as the rest of a request.
   *
   * @param take - called once, with the body or why there is none; must not throw
   */
  read(request: IncomingMessage, take: (body: Body | Refusal) => void): void {
    const chunks: Buffer[] = [];
    const reading: Reading = {
      size: 0,
      at: this.#reading.length,
      refuse: (refusal) => {
        if (!this.#over(reading)) return;
        this.#held -= reading.size;
        chunks.length = 0;
        take(refusal);
      },
    };
    this.#reading.push(reading);
    request.on('data', (chunk: Buffer) => {
      if (reading.at === undefined) return;
      reading.size += chunk.length;
      this.#held += chunk.length;
      chunks.push(chunk);
      if (reading.size > this.#largest) reading.refuse('tooLarge');
      else if (this.#held > this.#most) this.#largestReading()?.refuse('tooMuch');
    });
    request.on('end', () => {
      if (!this.#over(reading)) return;
      const [first] = chunks;
      take({
        bytes: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks),
        release: () => {
          this.#held -= reading.size;
          reading.size = 0;
        },
      });
    });
    // The client hung up; nobody is there to be answered. Without a listener an error is none (http.IncomingMessage).
    request.on('close', () => reading.refuse('gone'));
  }

  /** @returns false: it was over before */
  #over(reading: Reading): boolean {
    const { at } = reading;
    if (at === undefined) return false;
    reading.at = undefined;
    const last = this.#reading.pop();
    if (last !== undefined && last !== reading) {
      this.#reading[at] = last;
      last.at = at;
    }
    return true;
  }

  #largestReading(): Reading | undefined {
    let largest: Reading | undefined;
    for (const reading of this.#reading) if (reading.size > (largest?.size ?? -1)) largest = reading;
    return largest;
  }
}
