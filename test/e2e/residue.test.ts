/** A node that is killed in whatever way leaves nothing on the machine. */
import { expect, jest, test } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastNode, nodeRuns, removeRemains } from '../cluster/remains.ts';

jest.setTimeout(120_000);

const NODE = join(import.meta.dirname, '../cluster/node.ts');
const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });

/** All on the machine that a node could leave behind. */
function machine(): Record<string, string> {
  const processes = run('ps', '-eo', 'args=')
    .split('\n')
    .filter((line) => /readiness-node|containerd|kubelet|kube-|coredns|pause|etcd|supervisor\.ts/.test(line));
  return {
    processes: processes.toSorted().join('\n'),
    mounts: run('cat', '/proc/self/mounts'),
    cgroups: run('find', '/sys/fs/cgroup', '-type', 'd', '-name', 'readiness*'),
    links: run('ip', '-o', 'link', 'show').replaceAll(/qlen \d+/g, ''),
    routes: run('ip', 'route', 'show', 'table', 'all'),
    rules: run('nft', 'list', 'ruleset'),
    folders: readdirSync(tmpdir())
      .filter((name) => name.startsWith('readiness-node-'))
      .join('\n'),
  };
}

/** Starts a node from a process of its own; resolves when it is up, or once its first process is there. */
async function harness(until: 'up' | 'begun' = 'up'): Promise<ChildProcess> {
  const script = `import(${JSON.stringify(NODE)}).then(({ startNode }) => startNode({ log: console.error })).then(() => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (until === 'up') await new Promise((resolve) => child.stdout.once('data', resolve).once('close', resolve));
  else while (!nodeRuns() && child.exitCode === null) await sleep(50);
  return child;
}

async function settled(before: Record<string, string>): Promise<void> {
  const same = () => JSON.stringify(machine()) === JSON.stringify(before);
  for (const until = Date.now() + 30_000; !same() && Date.now() < until; await sleep(200));
  expect(machine()).toEqual(before);
}

test.each([
  ['while it is up', 'up'],
  ['while it comes up', 'begun'],
] as const)('kill -9 of the process that started it, %s', async (_when, until) => {
  const before = machine();
  const child = await harness(until);
  expect(nodeRuns()).toBe(true);
  expect(machine()).not.toEqual(before);
  child.kill('SIGKILL');
  await settled(before);
});

test('kill -9 of its supervisor too: all ends, and the next start or down removes the folder', async () => {
  const before = machine();
  const child = await harness();
  const { pid } = lastNode()!;
  child.kill('SIGSTOP');
  process.kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
  await removeRemains();
  await settled(before);
});

test('a second node is refused with what to do', async () => {
  const child = await harness();
  const { startNode } = await import('../cluster/node.ts');
  await expect(startNode()).rejects.toThrow(/a node runs on this machine already .*npm run cluster -- down/);
  child.kill('SIGKILL');
  await removeRemains();
});
