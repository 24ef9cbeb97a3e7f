/** What a command reads from and writes to: the process, or a test. */

/** A stream that text is written to; `process.stdout` is one. */
export interface TextSink {
  write(text: string, done: (error?: Error | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

/** The surroundings of a command. */
export interface Io {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Chunks of bytes; read only where the user names `-`. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Is standard output a terminal? */
  readonly isTTY: boolean;
  /** Is standard error a terminal? */
  readonly stderrIsTTY: boolean;
  /** Width of the terminal in characters; undefined if it is none. */
  readonly columns: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The process's own. */
export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process;
  // Types alone: a stream of a process without a terminal has neither field.
  const { isTTY, columns } = stdout as { isTTY?: boolean; columns?: number };
  const stderrIsTTY = (stderr as { isTTY?: boolean }).isTTY === true;
  return { stdout, stderr, stdin, env, isTTY: isTTY === true, stderrIsTTY, columns };
}

/**
 * Writes a text and waits until it is out, so that a pipe gets all of it before the process ends. A reader that closes
 * the pipe early, such as `head`, has seen enough: that is no error.
 *
 * @throws Error if the text can't be written for any other reason
 */
export async function print(sink: TextSink, text: string): Promise<void> {
  if (text === '') return;
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error | null): void => {
      if (error === undefined || error === null || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    };
    // Without a listener the same error would end the process.
    sink.once('error', settle);
    sink.write(text, settle);
  });
}

/** Are colours wanted? FORCE_COLOR decides, then NO_COLOR (https://no-color.org), then whether it is a terminal. */
export function wantsColour({ env, isTTY }: Pick<Io, 'env' | 'isTTY'>): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false;
  return isTTY;
}
