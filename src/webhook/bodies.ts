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
  refuse(refusal: Refusal): void;
}

export class Bodies {
  readonly #largest: number;
  readonly #most: number;
  readonly #reading = new Set<Reading>();
  #held = 0;

  /** Bytes: of one body, and of all. */
  constructor(largest: number, most: number) {
    this.#largest = largest;
    this.#most = most;
  }

  /** Reads a body. Events, not an async iterator: that costs as much as the rest of a request. */
  read(request: IncomingMessage): Promise<Body | Refusal> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const reading: Reading = {
        size: 0,
        refuse: (refusal) => {
          if (!this.#reading.delete(reading)) return;
          this.#held -= reading.size;
          chunks.length = 0;
          resolve(refusal);
        },
      };
      this.#reading.add(reading);
      request.on('data', (chunk: Buffer) => {
        if (!this.#reading.has(reading)) return;
        reading.size += chunk.length;
        this.#held += chunk.length;
        chunks.push(chunk);
        if (reading.size > this.#largest) reading.refuse('tooLarge');
        else if (this.#held > this.#most) this.#largestReading()?.refuse('tooMuch');
      });
      request.on('end', () => {
        if (!this.#reading.delete(reading)) return;
        const [first] = chunks;
        resolve({
          bytes: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks),
          release: () => {
            this.#held -= reading.size;
            reading.size = 0;
          },
        });
      });
      // The client hung up; nobody is there to be answered.
      request.on('error', () => reading.refuse('gone'));
      request.on('close', () => reading.refuse('gone'));
    });
  }

  #largestReading(): Reading | undefined {
    let largest: Reading | undefined;
    for (const reading of this.#reading) if (reading.size > (largest?.size ?? -1)) largest = reading;
    return largest;
  }
}
