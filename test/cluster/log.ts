/** Progress of long steps, for a person at a terminal and for a build log alike. */

/**
 * Receives progress, one line a call, without a line end.
 *
 * `update`, present only where the output is a terminal, shows a line that the next one replaces.
 */
export interface Log {
  (line: string): void;
  update?: (line: string) => void;
}

/** How often a step without a terminal says that it is still at work, in milliseconds. */
const LINE_EVERY_MS = 15_000;
/** How often the line on a terminal is refreshed, in milliseconds. */
const UPDATE_EVERY_MS = 1_000;
/** A step shorter than this, in milliseconds, is not worth a line of its own. */
const WORTH_A_LINE_MS = 1_000;

/** A log that goes nowhere. */
export const silent: Log = () => {};

/**
 * A log on a stream, standard error unless told: standard output stays free for what a program reads (paths, `export ...`).
 * On a terminal, updates overwrite one line; elsewhere there are none.
 */
export function streamLog(stream: NodeJS.WriteStream = process.stderr): Log {
  if (!stream.isTTY) return (line) => void stream.write(`${line}\n`);
  const clear = '\r\u001b[2K';
  const log: Log = (line) => void stream.write(`${clear}${line}\n`);
  log.update = (line) => {
    // A line that wraps could not be overwritten.
    stream.write(clear + line.slice(0, Math.max(20, stream.columns - 1)));
  };
  return log;
}

/** A duration in milliseconds as people read it: `0.4s`, `12s`, `4m07s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds}s`;
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

/**
 * Does one long step and shows that it is alive, with the elapsed time: a line updated each second on a terminal, else a
 * line each 15 s, and how long it took at the end.
 *
 * `work` gets a function with which it says how far it is (`312 packages`). Its result and its errors pass through.
 */
export async function step<T>(
  log: Log,
  title: string,
  work: (report: (detail: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now();
  let detail = '';
  const line = () => `${title}: ${duration(performance.now() - started)}${detail && `, ${detail}`}`;
  const { update } = log;
  const timer = setInterval(() => (update ?? log)(line()), update ? UPDATE_EVERY_MS : LINE_EVERY_MS);
  try {
    const result = await work((text) => (detail = text));
    const took = performance.now() - started;
    if (took >= WORTH_A_LINE_MS) log(`${title}: done in ${duration(took)}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
