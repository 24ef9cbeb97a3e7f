/** A node that is killed in whatever way leaves nothing on the machine. */
import { expect, test } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CGROUP, cgroupRoots, INFO, lastNode, LINK, nodeRuns, removeRemains } from '../cluster/remains.ts';
import { until } from '../support/until.ts';

const NODE = join(import.meta.dirname, '../cluster/node.ts');

/** By what the traces of one node are told from whatever else is on the machine, and begins and ends beside it. */
interface Marks {
  /** Of the supervisor and what it runs; its id is the supervisor's. */
  readonly session: number;
  /** The node's network namespace, in which everything else of it is, save pods. */
  readonly network: string;
  readonly folder: string;
}

/** A process as /proc shows it. @returns undefined if it has just ended */
function look(pid: string): { session: number; network: string; cgroups: string; command: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it may have spaces and brackets.
    const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      session: Number(session),
      network: readlinkSync(`/proc/${pid}/ns/net`),
      cgroups: readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
    };
  } catch {
    return undefined;
  }
}

function processes() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => look(pid) ?? []);
}

/** The marks of the node that runs. */
function marksOf(): Marks {
  const { pid: session, dir: folder } = lastNode()!;
  const outside = readlinkSync('/proc/self/ns/net');
  const inside = processes().find((one) => one.session === session && one.network !== outside);
  return { session, folder, network: inside!.network };
}

/** All on the machine that is of a node, by kind. Its rules are in its network namespace, which ends with its last process. */
function traces({ session, network, folder }: Marks): Record<string, string[]> {
  const lines = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).split('\n');
  return {
    processes: processes()
      .filter((one) => one.session === session || one.network === network || one.cgroups.includes(`/${CGROUP}`))
      .map(({ command }) => command),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(folder)),
    cgroups: cgroupRoots()
      .map((root) => join(root, CGROUP))
      .filter((path) => existsSync(path)),
    links: lines('ip', '-o', 'link', 'show').filter((line) => line.includes(LINK)),
    routes: lines('ip', 'route', 'show', 'table', 'all').filter((line) => line.includes(LINK)),
    files: [folder, INFO].filter((path) => existsSync(path)),
  };
}

const NOTHING = { processes: [], mounts: [], cgroups: [], links: [], routes: [], files: [] };

/** Starts a node from a process of its own; resolves when it is up, or once its first process is there. */
async function harness(state: 'up' | 'begun' = 'up'): Promise<ChildProcess> {
  const script = `import(${JSON.stringify(NODE)}).then(({ startNode }) => startNode({ log: console.error })).then(() => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const reached = () => (state === 'up' ? output !== '' : nodeRuns() && lastNode() !== undefined);
  await until(`the node to be ${state}`, () => child.exitCode !== null || reached(), 240);
  expect(child.exitCode).toBeNull();
  return child;
}

async function gone(marks: Marks): Promise<void> {
  await until('the end of all that was the node', () => {
    expect(traces(marks)).toEqual(NOTHING);
    return true;
  });
}

test.each([
  ['while it is up', 'up'],
  ['while it comes up', 'begun'],
] as const)('kill -9 of the process that started it, %s', async (_when, state) => {
  const child = await harness(state);
  const marks = marksOf();
  const there = Object.entries(traces(marks)).filter(([, some]) => some.length > 0);
  const seen = state === 'up' ? ['processes', 'cgroups', 'links', 'routes', 'files'] : ['processes', 'files'];
  expect(there.map(([kind]) => kind)).toEqual(expect.arrayContaining(seen));
  child.kill('SIGKILL');
  await gone(marks);
});

test('kill -9 of its supervisor too: all ends, and the next start or down removes the folder', async () => {
  const child = await harness();
  const marks = marksOf();
  child.kill('SIGSTOP');
  process.kill(marks.session, 'SIGKILL');
  child.kill('SIGKILL');
  await removeRemains();
  await gone(marks);
});

test('a second node is refused with what to do', async () => {
  const child = await harness();
  const { startNode } = await import('../cluster/node.ts');
  await expect(startNode()).rejects.toThrow(/a node runs on this machine already .*npm run cluster -- down/);
  child.kill('SIGKILL');
  await removeRemains();
});
