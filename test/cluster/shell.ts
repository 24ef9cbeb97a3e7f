/** What a POSIX shell makes of a command line. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A word such that a shell takes it as it is: in quotes where it needs them. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A line that sets an environment variable in a shell. */
export function exportOf(name: string, value: string): string {
  return `export ${name}=${quoted(value)}`;
}

/** Does a shell find this program? `more` are folders to look into besides those of the PATH. */
export function isOnPath(program: string, more: readonly string[] = []): boolean {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...more].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
