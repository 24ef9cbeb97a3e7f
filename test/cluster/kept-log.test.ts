import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { Component } from './component.ts';
import { keepLog } from './kept-log.ts';
import { startOperator } from './operator.ts';
import { Supervisor, type RunOptions } from './supervised.ts';

let supervisor: Supervisor;
beforeEach(async () => {
  supervisor = new Supervisor(await mkdtemp(join(tmpdir(), 'readiness-kept-')), { removeFolder: true });
});
afterEach(() => supervisor.stop());

/** A component whose whole work is a line of shell. */
function component(script: string, serves: boolean, tell: (line: string) => void): Component {
  const run = { command: '/bin/sh', args: ['-c', script], env: {}, log: join(supervisor.folder, 'worker.log') };
  return new Component(supervisor, 'worker', run, async () => serves, tell);
}

/** Reads the log that a message names, once its cluster is gone; removes it. */
async function logNamedBy(message: string): Promise<string> {
  await supervisor.stop();
  expect(existsSync(supervisor.folder)).toBe(false);
  const [log = ''] = /\/\S+\.log\b/.exec(message) ?? [];
  const text = readFileSync(log, 'utf8');
  await rm(dirname(log), { recursive: true });
  return text;
}

test('of a component that does not start', async () => {
  const told: string[] = [];
  const worker = component('echo first words; exit 3', false, (line) => told.push(line));
  const message = await worker.start().then(String, (error: Error) => error.message);
  expect(message).toContain('worker ended while it started (exit code 3)');
  expect(await logNamedBy(message)).toBe('first words\n');
  expect(told).toEqual([]);
});

test('of a component that ends by itself', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  await component('sleep 0.2; echo last words; exit 3', true, resolve).start();
  const told = await promise;
  expect(told).toContain('worker ended by itself (exit code 3)');
  expect(await logNamedBy(told)).toBe('last words\n');
});

test('of a component that ends at once, whether it has been found to serve by then or not', async () => {
  for (let run = 0; run < 20; run++) {
    const message = await new Promise<string>((resolve) => {
      void component('echo quick words; exit 3', true, resolve)
        .start()
        .catch((error: Error) => resolve(error.message));
    });
    expect(message).toMatch(/worker ended (?:by itself|while it started) \(exit code 3\)/);
    const [log = ''] = /\/\S+\.log\b/.exec(message) ?? [];
    await rm(dirname(log), { recursive: true });
  }
});

test('of an operator that ends while it starts', async () => {
  const program = join(supervisor.folder, 'program.js');
  await writeFile(program, "console.log('only words'); process.exit(3);");
  // Of the cluster it needs no more than a folder and a supervisor until it is ready.
  const cluster = { dir: supervisor.folder, run: (run: RunOptions) => supervisor.run(run) } as Cluster;
  const started = startOperator(cluster, [], { program, kubeconfig: 'none' });
  const message = await started.then(String, (error: Error) => error.message);
  expect(message).toContain('the operator ended while it started');
  expect(await logNamedBy(message)).toBe('only words\n');
});

test('a log that is gone is named with a word on that', () => {
  const log = join(supervisor.folder, 'no-such.log');
  expect(keepLog(log)).toContain(`${log} (which is gone)`);
});
