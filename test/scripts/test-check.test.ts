import { expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

// A process each, and what it imports.
jest.setTimeout(60_000);

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = join(import.meta.dirname, '../../scripts/test-check.ts');
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}

test('runs the fixtures and mutants of one check', () => {
  const { status, stdout } = run('minReplicas');
  expect(stdout).toMatch(/^ok {3}minReplicas +\d+ of \d+ mutants killed by \d+ fixtures\n$/);
  expect(status).toBe(0);
});

test.each([
  [['minRelpicas'], 'no check is named minRelpicas; near are minReplicas'],
  [['replicas'], 'no check is named replicas; near are maxReplicas, minReplicas'],
  [['xylophone'], 'no check is named xylophone; there are alertRules, '],
  [[], 'name a check; there are alertRules, '],
])('%j is no check', (args, said) => {
  const { status, stderr } = run(...args);
  expect(stderr).toContain(said);
  expect(status).toBe(2);
});
