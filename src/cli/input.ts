/** Finds and reads the files of a command line. */
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Problems, UnreadableInput } from './problems.ts';

/** The path that stands for standard input. */
export const STDIN = '-';
/** What messages call it. */
const STDIN_NAME = 'stdin';
/** In bytes. A parsed file takes about 50 times its size in memory; no API server takes objects near this size. */
const LARGEST = 16 * 1024 * 1024;
const CHUNK = 64 * 1024;
/** A directory with both is a Helm chart; its templates become manifests only when they are rendered. */
const CHART = 'Chart.yaml';
const TEMPLATES = 'templates';
const TEMPLATES_REASON =
  'templates of a Helm chart; check what they become: helm template ... | readiness-operator check -f -';
const MANIFEST = /\.(?:ya?ml|json)$/i;

/** One file as text. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
}

/** A directory whose files are no manifests. */
export interface SkippedDirectory {
  readonly file: string;
  readonly reason: string;
}

/** How files are read. */
export interface ReadOptions {
  /** Where files go that can't be read; absent: they are thrown. */
  readonly problems?: Problems;
  /** Is a file or directory below one that was named left out? */
  readonly isExcluded?: (path: string) => boolean;
}

/** What was found under the paths. */
export interface Files {
  readonly files: readonly TextFile[];
  readonly skipped: readonly SkippedDirectory[];
}

/**
 * Reads files, directories and standard input. A directory stands for its *.yaml, *.yml and *.json, at any depth and by
 * name, save what is hidden, node_modules and the templates of Helm charts; a file that is named twice is read once.
 *
 * @param stdin - what standard input held, where one of the paths is `-`
 * @param onRead - told how many files have been read so far
 * @throws UnreadableInput naming every file that can't be read: missing, too large, not UTF-8
 */
export function readFiles(
  paths: readonly string[],
  stdin?: Uint8Array,
  onRead: (files: number) => void = () => {},
  { problems = new Problems(), isExcluded = () => false }: ReadOptions = {},
): Files {
  const files: TextFile[] = [];
  const skipped: SkippedDirectory[] = [];
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
      const names = namesIn(path);
      const templates = names.includes(CHART) && names.includes(TEMPLATES);
      if (templates) skipped.push({ file: join(path, TEMPLATES), reason: TEMPLATES_REASON });
      for (const name of names) {
        if (templates && name === TEMPLATES) continue;
        const below = join(path, name);
        if (isExcluded(below)) continue;
        const kind = statSync(below, { throwIfNoEntry: false });
        // Reading a pipe or a device that merely lies there could take for ever.
        const wanted = kind?.isDirectory() === true || (MANIFEST.test(name) && (kind?.isFile() ?? true));
        if (wanted) problems.attempt(() => visit(below));
      }
      return;
    }
    files.push({
      file: path,
      text: decode(
        path,
        attempt(path, () => readBounded(path)),
      ),
    });
    onRead(files.length);
  };
  for (const path of paths) problems.attempt(() => visit(path));
  problems.throwIfAny();
  return { files, skipped };
}

/** Reads a file, a pipe or a device, but never more than a file may have. */
function readBounded(path: string): Uint8Array {
  const handle = openSync(path, 'r');
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const read = readSync(handle, chunk, 0, CHUNK, null);
      if (read === 0) return Buffer.concat(chunks);
      size += read;
      if (size > LARGEST) throw tooLarge(path);
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(handle);
  }
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

/** What lies directly in a directory, by name, save what is hidden. */
function namesIn(directory: string): string[] {
  return attempt(directory, () => readdirSync(directory))
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted((a, b) => (a < b ? -1 : 1));
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
    if (error instanceof UnreadableInput) throw error;
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
