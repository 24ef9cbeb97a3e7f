import { describe, expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import { expectGolden, run } from './run.ts';

describe('explain', () => {
  test('lists every check once, with what it wants', async () => {
    const { status, stdout } = await run(['explain']);
    expect(status).toBe(0);
    for (const { name, metWhen, group } of CHECKS) {
      expect(stdout.split('\n').filter((line) => line.startsWith(`  ${name} `) && line.endsWith(metWhen))).toHaveLength(
        1,
      );
      expect(stdout.split('\n').filter((line) => line === group)).toHaveLength(1);
    }
  });

  test('wraps to the terminal', async () => {
    const { stdout } = await run(['explain'], { columns: 120, env: { NO_COLOR: '1' } });
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120);
  });

  test.each(['minReplicas', 'secretReferences', 'memoryLimits', 'probeTiming'])('tells all about %s', async (name) => {
    const { status, stdout } = await run(['explain', name]);
    expect(status).toBe(0);
    expectGolden(`explain-${name}.txt`, stdout);
  });

  test.each(CHECKS.map(({ name }) => name))('has every fact of %s', async (name) => {
    const check = CHECKS.find((candidate) => candidate.name === name) ?? CHECKS[0];
    const { stdout } = await run(['explain', name]);
    const { title, metWhen, rationale, remediation, source, items, priorities, parameters } =
      check as (typeof CHECKS)[0] & object;
    for (const text of [title, metWhen, rationale, remediation, source, ...items]) expect(stdout).toContain(text);
    expect(stdout).toContain(
      `${priorities['production-v1']} in production-v1, ${priorities['baseline-v1']} in baseline-v1`,
    );
    const { properties } = parameters as unknown as { properties: Record<string, { description: string }> };
    for (const [parameter, { description }] of Object.entries(properties)) {
      expect(stdout).toMatch(new RegExp(`^  ${parameter} .*`, 'm'));
      expect(stdout).toContain(description);
    }
    expect(stdout).toMatch(/^ {2}priority /m);
    expect(/^ {2}exclude /m.test(stdout)).toBe(check?.perContainer === true);
  });

  test.each([
    ['memorylimit', 'error: no check is named memorylimit; did you mean memoryLimits?\n'],
    ['readynesProbe', 'error: no check is named readynesProbe; did you mean readinessProbe?\n'],
    ['quantumEntanglement', 'error: no check is named quantumEntanglement; all of them: readiness-operator explain\n'],
  ])('does not know %s', async (name, message) => {
    expect(await run(['explain', name])).toEqual({ status: 2, stdout: '', stderr: message });
  });
});

describe('profiles', () => {
  test('shows each check with its priorities', async () => {
    const { status, stdout } = await run(['profiles']);
    expect(status).toBe(0);
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
    for (const { name, priorities } of CHECKS) {
      const shown = [priorities['production-v1'], priorities['baseline-v1']].map((priority) =>
        priority === 'Disabled' ? '-' : priority,
      );
      expect(rows).toContainEqual([name, ...shown]);
    }
    const critical = CHECKS.filter(({ priorities }) => priorities['production-v1'] === 'Critical').length;
    expect(stdout).toContain(`\nproduction-v1: ${critical} Critical, `);
  });

  test('as JSON', async () => {
    const { profiles } = JSON.parse((await run(['profiles', '-o', 'json'])).stdout) as {
      profiles: { name: string; checks: { check: string; priority: string }[] }[];
    };
    expect(profiles.map(({ name }) => name)).toEqual(['production-v1', 'baseline-v1', 'none']);
    expect(profiles[0]?.checks).toEqual(
      CHECKS.map(({ name, priorities }) => ({ check: name, priority: priorities['production-v1'] })),
    );
    expect(new Set(profiles[2]?.checks.map(({ priority }) => priority))).toEqual(new Set(['Disabled']));
  });
});

test.each(['check', 'explain', 'profiles'])('%s --help exits with 0', async (command) => {
  const { status, stdout, stderr } = await run([command, '--help']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`Usage: readiness-operator ${command} [options]`);
});

test.each([
  ['explain', 'a', 'b'],
  ['profiles', 'x'],
  ['profiles', '-o', 'sarif'],
])('%s %s: bad usage', async (...args) => {
  const { status, stdout, stderr } = await run(args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^error: /);
});
