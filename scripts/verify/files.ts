/** What no file in git may be or hold: large, a path of somebody's machine, the host of a package registry. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file as it is, or is about to be, in git. */
export interface GitFile {
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly content: Buffer;
}

/** In bytes. */
const LARGEST = 200_000;
/** Files that may be larger, each with the reason. */
const MAY_BE_LARGE: Readonly<Record<string, string>> = {
  'package-lock.json': 'npm writes it, and it grows with the dependencies',
};

/**
 * A path below a home folder, a folder of work, or a temporary folder with a hyphen in its name, as programs and people
 * make them. Not one that goes on from something else, such as the path of a URL or of a variable.
 */
const MACHINE_PATH =
  /(?<![\w.~})*-])\/(?:root|work|var\/folders|(?:home|Users)\/[\w.-]+|tmp(?=\/[\w.]+-[\w.-]+))\/[\w.-]+|\b[A-Z]:\\Users\\\w+/g;
/** Where such paths are of no machine, each with the reason. */
const MAY_HAVE_PATHS: readonly { readonly files: RegExp; readonly reason: string }[] = [
  { files: /^(?:test|docs)\/checks\//, reason: 'manifests: their paths are inside containers' },
  { files: /^test\/engine\/credentials\/innocent\.yaml$/, reason: 'values of variables, as containers get them' },
  { files: /^test\/scripts\/verify-files\.test\.ts$/, reason: 'shows what is refused' },
];

/** All files that git tracks, and those that it would with `git add --all`. */
export function gitFiles(root: string): GitFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  const paths = listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
  return paths.map((path) => ({ path, content: readFileSync(join(root, path)) }));
}

/** What is wrong with files, a line each, with the place. */
export function problemsOf(files: readonly GitFile[]): string[] {
  return files.flatMap((file) => [...sizeProblems(file), ...pathProblems(file), ...registryProblems(file)]);
}

function sizeProblems({ path, content }: GitFile): string[] {
  if (content.length <= LARGEST || Object.hasOwn(MAY_BE_LARGE, path)) return [];
  return [`${path}: has ${content.length} bytes, at most ${LARGEST} are allowed`];
}

function pathProblems({ path, content }: GitFile): string[] {
  if (content.includes(0) || MAY_HAVE_PATHS.some(({ files }) => files.test(path))) return [];
  const lines = content.toString('utf8').split('\n');
  return lines.flatMap((line, index) =>
    [...line.matchAll(MACHINE_PATH)].map(([found]) => `${path}:${index + 1}: ${found} is a path of somebody's machine`),
  );
}

/** A lock file with hosts installs from there alone, whatever registry the one who installs has. */
function registryProblems({ path, content }: GitFile): string[] {
  if (!/(?:^|\/)package-lock\.json$/.test(path)) return [];
  const { packages = {} } = JSON.parse(content.toString('utf8')) as {
    packages?: Record<string, { resolved?: string }>;
  };
  return Object.entries(packages).flatMap(([name, { resolved = '' }]) => {
    const [, host] = /^https?:\/\/([^/]+)/.exec(resolved) ?? [];
    return host === undefined ? [] : [`${path}: ${name} names the registry ${host}`];
  });
}
