/** The program as a process: what streams and exit statuses really do. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { print, type TextSink } from '../../src/cli/io.ts';
import { fixture, textOf } from './run.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function shell(script: string, input = ''): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NODE: process.execPath, MAIN, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' };
  return spawnSync('bash', ['-c', script], {
    input,
    encoding: 'utf8',
    env,
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Enough output to fill the pipe several times. */
const MANY = `${textOf('no-limit.yaml')}---\n`.repeat(400);

describe('the process', () => {
  test.each([
    [0, 'ready.yaml'],
    [1, 'no-limit.yaml'],
  ])('exits with %i', (status, name) => {
    const outcome = shell('$NODE $MAIN check -f -', textOf(name));
    expect([outcome.status, outcome.stderr]).toEqual([status, '']);
  });

  test('exits with 2 on bad usage and on input that can not be read', () => {
    expect(shell('$NODE $MAIN check').status).toBe(2);
    expect(shell('$NODE $MAIN check -f -', 'a: [').status).toBe(2);
    expect(shell('$NODE $MAIN explain nothing').status).toBe(2);
  });

  test('a pipe gets all of a long output', () => {
    const { stdout } = shell('$NODE $MAIN check -f - -o json | cat', MANY);
    expect((JSON.parse(stdout) as { workloads: unknown[] }).workloads).toHaveLength(400);
  });

  test('a reader that has seen enough is no error', () => {
    const { stdout, stderr } = shell('$NODE $MAIN check -f - | head -n 1; echo "${PIPESTATUS[0]}"', MANY);
    expect(stdout).toMatch(/^stdin:1 {2}Deployment default\/web {2}NOT READY {2}score \d+\n1\n$/);
    expect(stderr).toBe('');
  });

  test('a process substitution is a file like any other', () => {
    const { status, stdout } = shell(
      `$NODE $MAIN check -f <(cat) --policy ${fixture('memory-policy.yaml')}`,
      textOf('ready.yaml'),
    );
    expect([status, stdout.includes('READY  score 100')]).toEqual([0, true]);
  });
});

describe('printing', () => {
  const failing = (code: string): TextSink => ({
    write: (_, done) => done(Object.assign(new Error('no'), { code })),
    once: () => undefined,
  });

  test('to a closed pipe is no error', async () => {
    await expect(print(failing('EPIPE'), 'text')).resolves.toBeUndefined();
  });

  test('to a full disk is one', async () => {
    await expect(print(failing('ENOSPC'), 'text')).rejects.toThrow('no');
  });

  test('nothing writes nothing', async () => {
    await expect(print(failing('ENOSPC'), '')).resolves.toBeUndefined();
  });
});
