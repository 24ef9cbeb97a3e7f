/** Input of which a part is to be left out, or can't be used. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { run } from './run.ts';

const home = process.cwd();
const roots: string[] = [];
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'readiness-partial-'));
  roots.push(root);
  process.chdir(root);
});
afterEach(() => process.chdir(home));
afterAll(() => roots.forEach((root) => rmSync(root, { recursive: true })));

function write(files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

const deployment = (name: string, more = ''): string =>
  `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  template:
    metadata: { labels: { app: ${name} ${more} } }
    spec: { containers: [{ name: app, image: 'shop/app:1' }] }
`;

/** Names of the workloads that were judged, with exit status and what standard error says. */
async function judged(...args: string[]) {
  const { status, stdout, stderr } = await run(['check', '-f', '.', '-o', 'json', ...args]);
  const { workloads } = (stdout === '' ? { workloads: [] } : JSON.parse(stdout)) as { workloads: { name: string }[] };
  return { status, names: workloads.map(({ name }) => name), stderr };
}

describe('--exclude', () => {
  const FILES = {
    'deploy/web.yaml': deployment('web'),
    'deploy/test/web.yaml': deployment('web-test'),
    'charts/db/values.yaml': 'a: 1\na: 2\n',
    'ansible/play.yaml': '{% if x %}\n',
  };

  test.each<[string, string[], string[]]>([
    ['by name, at any depth', ['ansible', 'values.yaml'], ['web-test', 'web']],
    ['by path', ['ansible/*', 'charts/**/values.yaml', './deploy/test/'], ['web']],
    ['by glob', ['ans*', 'val*.y?ml', '**/test'], ['web']],
  ])('%s', async (_, patterns, names) => {
    write(FILES);
    const outcome = await judged(...patterns.flatMap((pattern) => ['--exclude', pattern]));
    expect([outcome.stderr, outcome.names]).toEqual(['', names]);
  });

  test('and the ignore file of the working directory', async () => {
    write({ ...FILES, '.readinessignore': '# not ours\nansible\n\n/charts/\n' });
    expect((await judged()).names).toEqual(['web-test', 'web']);
    expect((await judged('--exclude', 'test')).names).toEqual(['web']);
  });

  test('what is named itself is read', async () => {
    write({ 'web.yaml': deployment('web') });
    const { stdout } = await run(['check', 'web.yaml', '--exclude', 'web.yaml', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ workloads: [{ name: 'web' }] });
  });
});

describe('--keep-going', () => {
  const BAD = {
    'a.yaml': 'key: 1\nkey: 2\n',
    'b.yaml': deployment('web').replace('spec:\n', 'spec:\n  replicas: many\n'),
    'c.yaml': 'apiVersion: v1\nkind: Secret\nmetadata: {}\n',
    'd.yaml': deployment('api'),
  };

  test('judges the rest, tells what is wrong, and is 2 all the same', async () => {
    write(BAD);
    const { status, names, stderr } = await judged('--keep-going');
    expect([status, names]).toEqual([2, ['api']]);
    expect(stderr.split('\n')).toEqual([
      expect.stringContaining('error: a.yaml:2:1: '),
      expect.stringContaining('error: c.yaml:3:1: Secret: metadata.name: is required'),
      expect.stringContaining('error: b.yaml:5:13: Deployment: spec.replicas: must be an integer'),
      '',
    ]);
  });

  test('without it nothing is judged, and each problem is told once', async () => {
    write(BAD);
    const { status, names, stderr } = await judged();
    expect([status, names]).toEqual([2, []]);
    expect(stderr).toContain('error: a.yaml:2:1: ');
    write({ 'a.yaml': '' });
    expect((await judged()).stderr.match(/^error: /gm)).toHaveLength(2);
  });

  test('a policy that can not be used stops all', async () => {
    write({
      'd.yaml': deployment('api'),
      'p.yaml':
        'apiVersion: readiness-operator.dev/v1alpha1\nkind: ReadinessPolicy\nmetadata: {name: p}\nspec: {profile: nobodys}\n',
    });
    expect(await judged('--keep-going')).toMatchObject({ status: 2, names: [] });
  });
});

test('fields that are null are left out, as kubectl apply does', async () => {
  const limits = 'resources: { limits: { cpu: null, memory: 1Gi } }';
  write({ 'a.yaml': deployment('web', ', team:').replace("'shop/app:1'", `'shop/app:1', env: null, ${limits}`) });
  const { names, stderr } = await judged();
  expect([names, stderr]).toEqual([['web'], '']);
});

test.each([
  ['${REPLICAS:=3}', 'flux envsubst'],
  ['${REPLICAS}', 'flux envsubst'],
  ["'{{ .Values.replicas }}'", 'helm template'],
])('what is a template says how to render it: %s', async (replicas, hint) => {
  write({ 'a.yaml': deployment('web').replace('spec:\n', `spec:\n  replicas: ${replicas}\n`) });
  const { status, stderr } = await judged();
  expect([status, stderr]).toEqual([2, expect.stringMatching(new RegExp(`must be an integer; .*${hint}`))]);
});

test('SARIF holds no more than GitHub takes, and what is left out is of the least priority', async () => {
  const containers = Array.from({ length: 400 }, (_, index) => `{ name: c${index}, image: 'shop/app:1' }`).join(', ');
  const many = deployment('web').replace("{ name: app, image: 'shop/app:1' }", containers);
  write({
    'a.yaml': Array.from({ length: 6 }, (_, index) => many.replace('name: web', `name: web-${index}`)).join('---\n'),
  });
  const { stdout } = await run(['check', '-f', '.', '-o', 'sarif']);
  const [{ results, invocations }] = (
    JSON.parse(stdout) as { runs: [{ results: { properties: { priority: string } }[]; invocations: unknown }] }
  ).runs;
  const all = JSON.parse((await run(['check', '-f', '.', '-o', 'json'])).stdout) as {
    workloads: { findings: { priority: string }[] }[];
  };
  const count = (findings: { priority: string }[], priority: string): number =>
    findings.filter((one) => one.priority === priority).length;
  const found = all.workloads.flatMap(({ findings }) => findings);
  expect(found.length).toBeGreaterThan(25_000);
  expect(results).toHaveLength(25_000);
  const kept = results.map(({ properties }) => properties);
  expect(count(kept, 'Critical')).toBe(count(found, 'Critical'));
  expect(count(kept, 'NiceToHave')).toBeLessThan(count(found, 'NiceToHave'));
  expect(JSON.stringify(invocations)).toContain('results are left out');
});
