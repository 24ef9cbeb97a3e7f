/**
 * The versions of Kubernetes that we support. `binaries/kubernetes` pins the newest, and its source is written for that one;
 * `binaries/kubernetes-1.32` and its like pin the newest patch of each older minor version, and hold what differs there.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GoMod } from './module-source.ts';

const BINARIES = join(import.meta.dirname, 'binaries');

/** The folders by minor version, the oldest version first. */
const FOLDERS: ReadonlyMap<string, string> = new Map(
  readdirSync(BINARIES)
    .filter((name) => /^kubernetes(-|$)/.test(name))
    .map((name) => join(BINARIES, name))
    .map((folder) => [minorOf(folder), folder] as const)
    .toSorted(([one], [other]) => one.localeCompare(other, 'en', { numeric: true })),
);

/** The minor versions of Kubernetes that we support, such as `1.32`, the oldest first. Each can be built and is tested. */
export const SUPPORTED: readonly string[] = [...FOLDERS.keys()];

/**
 * The folders from whose files the programs of the wanted version are built: that of the newest version, and then each next
 * older one, down to the wanted. A file takes the place of one of the same name in an earlier folder.
 *
 * The wanted version is that of the environment variable READINESS_KUBERNETES, such as `1.32`; the newest where it is unset.
 *
 * @throws Error if that is no supported version; the message names those that are
 */
export function kubernetesFolders(): [string, ...string[]] {
  const newest = join(BINARIES, 'kubernetes');
  const wanted = process.env['READINESS_KUBERNETES'] || minorOf(newest);
  const index = SUPPORTED.indexOf(wanted);
  if (index < 0) throw new Error(`READINESS_KUBERNETES=${wanted}: the supported versions are ${SUPPORTED.join(', ')}`);
  const older = [...FOLDERS.values()].slice(index).filter((folder) => folder !== newest);
  return [newest, ...older.toReversed()];
}

/** The minor version that a folder pins, such as `1.32`. */
function minorOf(folder: string): string {
  const version = new GoMod(join(folder, 'go.mod')).versionOf('k8s.io/kubernetes');
  return version.replace(/^v(\d+\.\d+)\..*/, '$1');
}
