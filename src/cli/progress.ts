/** Tells on a terminal how far a long command has come. */
import type { Io } from './io.ts';

/** Milliseconds between two lines: often enough to see that it goes on. */
const INTERVAL = 200;
/** To the start of the line, and away with what stands there. */
const CLEAR = '\r\u001b[K';

/** One line on standard error that is written over and over, and nothing where that is no terminal. */
export class Progress {
  readonly #io: Pick<Io, 'stderr' | 'stderrIsTTY'>;
  /** What takes less than an interval shows nothing. */
  #last = performance.now();
  #shown = false;

  constructor(io: Pick<Io, 'stderr' | 'stderrIsTTY'>) {
    this.#io = io;
  }

  /** Shows a text of less than a line, if the last one has been there for long enough. */
  show(text: string): void {
    const now = performance.now();
    if (!this.#io.stderrIsTTY || now - this.#last < INTERVAL) return;
    this.#last = now;
    this.#shown = true;
    this.#io.stderr.write(`${CLEAR}${text}`, () => undefined);
  }

  /** Takes the line away, before anything else is written. */
  clear(): void {
    if (this.#shown) this.#io.stderr.write(CLEAR, () => undefined);
    this.#shown = false;
  }
}
