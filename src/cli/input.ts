/** Finds and reads the files of a command line. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Problems, UnreadableInput } from './problems.ts';

/** The path that stands for standard input. */
export const STDIN = '-';
/** What messages call it. */
const STDIN_NAME = 'stdin';
/** In bytes. A parsed file takes about 50 times its size in memory; no API server takes objects near this size. */
const LARGEST = 16 * 1024 * 1024;
const MANIFEST = /\.(?:ya?ml|json)$/i;

/** One file as text. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/**
 * Reads files, directories and standard input. A directory stands for its *.yaml, *.yml and *.json, at any depth and by
 * name, save what is hidden and node_modules; a file that is named twice is read once.
 *
 * @param stdin - what standard input held, where one of the paths is `-`
 * @throws UnreadableInput naming every file that can't be read: missing, too large, not UTF-8
 */
export function readFiles(paths: readonly string[], stdin?: Uint8Array): TextFile[] {
  const problems = new Problems();
  const files: TextFile[] = [];
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (path === STDIN) {
      if (!seen.has(path)) files.push({ file: STDIN_NAME, text: decode(STDIN_NAME, stdin ?? new Uint8Array()) });
      seen.add(path);
      return;
    }
    // Links may lead in circles; the name says little, and <(a pipe) has no real path.
    const stat = attempt(path, () => statSync(path));
    const identity = `${stat.dev}:${stat.ino}`;
    if (seen.has(identity)) return;
    seen.add(identity);
    if (stat.isDirectory()) {
      for (const below of manifestsIn(path)) problems.attempt(() => visit(below));
      return;
    }
    if (stat.size > LARGEST) throw tooLarge(path);
    const bytes = attempt(path, () => readFileSync(path));
    if (bytes.length > LARGEST) throw tooLarge(path);
    files.push({ file: path, text: decode(path, bytes) });
  };
  for (const path of paths) problems.attempt(() => visit(path));
  problems.throwIfAny();
  return files;
}

/**
 * Reads standard input to its end.
 *
 * @throws UnreadableInput if it is larger than a file may be
 */
export async function readStdin(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    size += chunk.length;
    if (size > LARGEST) throw tooLarge(STDIN_NAME);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The manifests and directories directly in a directory, by name. */
function manifestsIn(directory: string): string[] {
  return attempt(directory, () => readdirSync(directory))
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true || MANIFEST.test(path));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ELOOP: 'a link that leads to itself',
};

function attempt<T>(file: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UnreadableInput([{ file, at: undefined, message: REASONS[code ?? ''] ?? message }]);
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableInput([{ file, at: undefined, message: 'is not UTF-8 text' }]);
  }
}

function tooLarge(file: string): UnreadableInput {
  return new UnreadableInput([{ file, at: undefined, message: `is larger than ${LARGEST / 1024 / 1024} MiB` }]);
}
