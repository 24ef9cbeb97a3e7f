/** Files that are left out of a directory: by `--exclude`, and by the ignore file of the working directory. */
import { readFileSync } from 'node:fs';
import { matchesGlob, relative } from 'node:path';
import { UnreadableInput } from './problems.ts';

/** Patterns that always hold in a repository, one a line, `#` before a comment. */
export const IGNORE_FILE = '.readinessignore';

/**
 * Tells which paths patterns leave out. A pattern is relative to the working directory; one without a slash matches names at
 * any depth, as in a .gitignore; one that matches a directory leaves out all that is in it.
 *
 * @param patterns - of the command line; those of the ignore file come with them
 * @throws UnreadableInput if the ignore file is there and can't be read
 */
export function exclusionsOf(patterns: readonly string[]): (path: string) => boolean {
  const all = [...patterns, ...ignored()].map((pattern) => pattern.replace(/^\.?\//, '').replace(/\/$/, ''));
  if (all.length === 0) return () => false;
  return (path) => {
    const from = relative(process.cwd(), path).replaceAll('\\', '/');
    const name = from.slice(from.lastIndexOf('/') + 1);
    return all.some((pattern) => matchesGlob(pattern.includes('/') ? from : name, pattern));
  };
}

function ignored(): string[] {
  try {
    const lines = readFileSync(IGNORE_FILE, 'utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new UnreadableInput([{ file: IGNORE_FILE, at: undefined, message }]);
  }
}
