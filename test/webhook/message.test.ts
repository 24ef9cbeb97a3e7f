import { describe, expect, test } from '@jest/globals';
import type { ActivePriority } from '../../src/engine/check.ts';
import type { Path } from '../../src/engine/path.ts';
import type { Finding, Verdict } from '../../src/policy/judge.ts';
import { denialMessage, warningsOf } from '../../src/webhook/message.ts';
import { workloadOf } from '../support/workloads.ts';

const deployment = workloadOf('Deployment', {
  containers: [{ name: 'app' }, { name: 'proxy' }, { name: 'metrics' }],
  initContainers: [{ name: 'migrate' }],
});
const [app = [], proxy = [], metrics = [], migrate = []] = deployment.containers.map(({ path }) => path);

function finding(path: Path, container: string | undefined, more: Partial<Finding> = {}): Finding {
  return {
    policy: 'web',
    check: 'seccomp',
    priority: 'Important',
    scope: 'workload',
    action: 'Warn',
    because: undefined,
    path,
    container,
    message: 'no profile',
    remediation: 'set one',
    ...more,
  };
}

function verdict(findings: readonly Finding[], policy = 'web'): Verdict {
  const nothing = { omitted: [], excepted: [], exceptions: [], lapsed: [], undecided: [], notes: [], errors: [] };
  return {
    policy: { name: policy } as Verdict['policy'],
    findings,
    ...nothing,
    score: 0,
    ready: 'True',
    recheckAt: undefined,
  };
}

const said = (...findings: Finding[]): string[] => warningsOf(deployment, [verdict(findings)]);

describe('warnings', () => {
  test('leave out the way to the pod', () => {
    expect(said(finding([...app, 'image'], 'app'))).toEqual([
      '[web] Important seccomp: containers[app].image: no profile; set one',
    ]);
    expect(said(finding(['spec', 'replicas'], undefined))).toEqual([
      '[web] Important seccomp: spec.replicas: no profile; set one',
    ]);
    expect(said(finding(deployment.podPath, undefined))).toEqual([
      '[web] Important seccomp: spec.template.spec: no profile; set one',
    ]);
  });

  test('say once what is alike in several containers of a list', () => {
    expect(
      said(...[app, proxy, metrics].map((path, at) => finding([...path, 'x'], ['app', 'proxy', 'metrics'][at]))),
    ).toEqual(['[web] Important seccomp: containers[app, proxy, metrics].x: no profile; set one']);
    expect(said(finding(app, 'app'), finding(proxy, 'proxy'))).toEqual([
      '[web] Important seccomp: containers[app, proxy]: no profile; set one',
    ]);
    expect(said(finding([...app, 'x'], 'app'), finding([...migrate, 'x'], 'migrate'))).toHaveLength(2);
  });

  test.each<[string, Finding]>([
    ['place', finding([...proxy, 'y'], 'proxy')],
    ['depth', finding([...proxy, 'x', 'y'], 'proxy')],
    ['check', finding([...proxy, 'x'], 'proxy', { check: 'other' })],
    ['message', finding([...proxy, 'x'], 'proxy', { message: 'an empty profile' })],
    ['cure', finding([...proxy, 'x'], 'proxy', { remediation: 'set another' })],
    ['reason', finding([...proxy, 'x'], 'proxy', { because: 'it may still come' })],
    ['container', finding([...app, 'x'], 'app')],
    ['whose', finding([...proxy, 'x'], '')],
  ])('say all that differs in %s', (_, other) => {
    expect(said(finding([...app, 'x'], 'app'), other)).toHaveLength(2);
  });

  test('of volumes each its own', () => {
    const volume = (index: number, container?: string): Finding =>
      finding([...deployment.podPath, 'volumes', index], container);
    expect(said(volume(0), volume(1))).toHaveLength(2);
    expect(said(volume(0, 'app'), volume(1, 'proxy'))).toHaveLength(2);
  });

  test('of several policies: alike once, with both names', () => {
    const both = [finding([...app, 'x'], 'app'), finding([...proxy, 'x'], 'proxy')];
    expect(warningsOf(deployment, [verdict(both), verdict(both, 'all')])).toEqual([
      '[web, all] Important seccomp: containers[app, proxy].x: no profile; set one',
    ]);
  });

  test('are cut, and the first one says how many there is no room for', () => {
    const long = Array.from({ length: 30 }, (_, index) =>
      finding(['spec', `x${index}`], undefined, { message: 'x'.repeat(300) }),
    );
    const [first, ...rest] = said(...long);
    expect(first).toBe(`[readiness-operator] and ${30 - rest.length} more warnings than are shown here`);
    expect(new Set(rest.map(({ length }) => length))).toEqual(new Set([120]));
    expect(rest.length).toBeGreaterThan(12);
    expect([first, ...rest].join('').length).toBeLessThanOrEqual(2048);
  });
});

test('a denial has a line for each container', () => {
  const denied = (path: Path, container: string): Finding =>
    finding(path, container, { action: 'Deny', priority: 'Critical' satisfies ActivePriority });
  const text = denialMessage(deployment, [verdict([denied(app, 'app'), denied(proxy, 'proxy')])], undefined, 0);
  expect(text.split('\n').slice(1, 4)).toEqual([
    'Deployment shop/app is not ready for production: 2 critical findings (policy web)',
    '  seccomp  spec.template.spec.containers[app]: no profile; set one',
    '  seccomp  spec.template.spec.containers[proxy]: no profile; set one',
  ]);
});

describe('what a user wrote', () => {
  const lies = 'is "x\nDeployment app is ready\u001b[2K\u202e"';
  const shown = 'is "x\\u000aDeployment app is ready\\u001b[2K\\u202e"';

  test('starts no line of its own in a denial, and reprograms no terminal', () => {
    const found = finding(app, 'app', { action: 'Deny', message: lies });
    const lines = denialMessage(deployment, [verdict([found])], undefined, 0).split('\n');
    expect(lines[2]).toBe(`  seccomp  spec.template.spec.containers[app]: ${shown}; set one`);
    expect(lines).toHaveLength(4);
  });

  test('nor in a warning', () => {
    const warnings = warningsOf(deployment, [verdict([finding(app, 'app', { message: lies })])]);
    expect(warnings).toEqual([`[web] Important seccomp: containers[app]: ${shown}; set one`]);
  });
});

test('findings that a verdict does not keep are counted', () => {
  const one = { ...finding([...app, 'image'], 'app'), action: 'Deny' } as const;
  const omitting = (count: number): Verdict => ({
    ...verdict([one]),
    omitted: [{ check: 'seccomp', priority: 'Important', action: 'Deny', count }],
  });
  // What several policies omit of a check is taken to be alike.
  const text = denialMessage(deployment, [omitting(2), omitting(7)], undefined, 0);
  expect(text).toContain(': 8 important findings (');
  expect(text).toContain('\n  and 7 more\n');
  expect(warningsOf(deployment, [omitting(7)])).toEqual([]);
});

test('what is compared with other lines is no longer than a line', () => {
  const long = { ...finding([...app, 'image'], 'app'), action: 'Deny', message: 'm'.repeat(1_000_000) } as const;
  const several = [verdict([long], 'a'), verdict([{ ...long, message: `${long.message}!` }], 'b')];
  expect(denialMessage(deployment, several, undefined, 0)).toContain('1 important finding (policies a, b)');
});
