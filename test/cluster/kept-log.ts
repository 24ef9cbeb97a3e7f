/** Logs that outlive their cluster, whose folder goes when it ends. */
import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/**
 * Copies a log, as it is now, to where it stays. Whoever names a log in a message of a failure names the copy.
 *
 * @returns the path of the copy; of a log that is gone already, its path with a word on that
 */
export function keepLog(log: string): string {
  if (!existsSync(log)) return `${log} (which is gone)`;
  const copy = join(mkdtempSync(join(tmpdir(), 'readiness-log-')), basename(log));
  copyFileSync(log, copy);
  return copy;
}
