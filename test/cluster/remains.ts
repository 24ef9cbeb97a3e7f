/**
 * What a node leaves on the machine when its namespaces are gone, and how it is removed: its cgroups, its folder, the file
 * that tells of it. Processes, mounts, links, routes and rules go with the namespaces.
 *
 * Run as `node remains.ts [--wait]`; does nothing while a node runs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../support/until.ts';

/** Held by the node's first process, so it can't be left behind. One node at a time: addresses and cgroups are shared. */
export const LOCK = '/run/readiness-node.lock';
/** Who runs the node and where, as JSON ({@link Running}). */
export const INFO = '/run/readiness-node.json';
/** The node's cgroup, below the root of each hierarchy. */
export const CGROUP = 'readiness-node';
/** The machine's end of the connection to the node. */
export const LINK = 'readiness0';
/** `flock`'s exit code when somebody else has the lock. */
export const LOCKED = 99;

const CGROUPS = '/sys/fs/cgroup';
/** A node that is being ended runs no longer than this, in seconds. */
const ENDS_WITHIN = 20;

/** A node that runs. */
export interface Running {
  /** The supervisor, which a SIGTERM ends with all that is the node's. */
  readonly pid: number;
  readonly dir: string;
  readonly kubeconfig: string;
}

/** The node that {@link INFO} tells of; it may be gone. */
export function lastNode(): Running | undefined {
  return existsSync(INFO) ? (JSON.parse(readFileSync(INFO, 'utf8')) as Running) : undefined;
}

/** Is a node's first process there? */
export function nodeRuns(): boolean {
  return spawnSync('flock', ['-n', '-E', String(LOCKED), LOCK, 'true']).status === LOCKED;
}

/** The roots of all hierarchies: one with cgroup v2, several with v1 (among them, without controllers, one of v2). */
export function cgroupRoots(): string[] {
  if (existsSync(join(CGROUPS, 'cgroup.controllers'))) return [CGROUPS];
  const folders = readdirSync(CGROUPS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => join(CGROUPS, name)).filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

/**
 * Removes what is left; does nothing while a node runs, if it does not end.
 *
 * @throws Error if processes stay in a cgroup
 */
export async function removeRemains(): Promise<void> {
  const ended = await until('the node to end', () => !nodeRuns(), ENDS_WITHIN).catch(() => false);
  if (!ended) return;
  await until('its cgroups to be empty', () => {
    const busy = cgroupRoots()
      .map((root) => join(root, CGROUP))
      .filter((group) => !removeGroup(group));
    if (busy.length > 0) throw new Error(`processes stay in ${busy.join(', ')}`);
    return true;
  });
  const last = lastNode();
  if (last) rmSync(last.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  rmSync(INFO, { force: true });
}

/** Removes a cgroup with those below it; false if a process is in one. */
function removeGroup(group: string): boolean {
  if (!existsSync(group)) return true;
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeGroup(join(group, entry.name))) return false;
    }
    rmdirSync(group);
    return true;
  } catch {
    return !existsSync(group);
  }
}

if (import.meta.main) await removeRemains();
