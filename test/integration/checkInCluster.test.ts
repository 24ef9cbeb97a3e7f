/** `readiness-operator check --cluster` as a process, against a real API server. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { apply, attempt, kube, Stage, type Json } from './stage.ts';

const BIN = join(import.meta.dirname, '../../bin/readiness-operator.js');
const ADMIN = process.env['READINESS_TEST_KUBECONFIG'] ?? '';
const only = (checks: Json, more: Json = {}): Json => ({ profile: 'none', checks, ...more });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readiness-cluster-'));
});
afterAll(() => rm(folder, { recursive: true }));

let stage: Stage;
afterEach(() => stage?.close());

interface Checked {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** `check: message` of each finding, `check? cause` of what could not be found out. */
  readonly said: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** Checks objects given on standard input. */
async function check(objects: readonly Json[], args: readonly string[] = [], kubeconfig = ADMIN): Promise<Checked> {
  const input = objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
  const child = spawn(process.execPath, [BIN, 'check', '-f', '-', '--cluster', '-o', 'json', ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: kubeconfig },
    stdio: 'pipe',
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const report = (texts.stdout === '' ? { workloads: [], skipped: [] } : JSON.parse(texts.stdout)) as Json;
  const said = (report['workloads'] as Json[]).flatMap(({ findings, unknown }) => [
    ...(findings as Json[]).map(({ check: name, message }) => `${String(name)}: ${String(message)}`),
    ...(unknown as Json[]).map(({ check: name, cause }) => `${String(name)}? ${String(cause)}`),
  ]);
  return { code, ...texts, said, skipped: report['skipped'] as Checked['skipped'] };
}

test('policies, and the namespaces that they select by label', async () => {
  stage = await Stage.open('in-cluster-policies', {
    ...only({ memoryLimits: { priority: 'Critical' } }),
    match: { namespaceSelector: { matchLabels: { conformance: 'chosen' } } },
  });
  const bad = stage.deployment('web', (_spec, container) => delete container['resources']['limits']);
  const outside = await check([bad], ['--allow-empty']);
  expect([outside.code, outside.said]).toEqual([0, []]);
  expect(outside.skipped).toEqual([expect.objectContaining({ name: 'web', reason: 'no policy matches it' })]);

  await kube(['label', 'namespace', stage.namespace, 'conformance=chosen']);
  const inside = await check([bad]);
  expect([inside.code, inside.stderr, inside.said]).toEqual([1, '', ['memoryLimits: no memory limit']]);

  // A manifest is what the cluster would have after an apply.
  const milder = stage.policyObject({
    ...only({ memoryLimits: { priority: 'Critical' } }, { enforcement: { critical: 'Warn' } }),
    match: { namespaceSelector: { matchLabels: { conformance: 'chosen' } } },
  });
  expect((await check([bad, milder])).code).toBe(0);
  const relabelled = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: stage.namespace, labels: {} } };
  expect((await check([bad, relabelled])).said).toEqual([]);
});

test('exceptions of the cluster count, and a manifest wins over them', async () => {
  stage = await Stage.open('in-cluster-exceptions', only({ memoryLimits: { priority: 'Critical' } }));
  const bad = stage.deployment('web', (_spec, container) => delete container['resources']['limits']);
  expect((await check([bad])).code).toBe(1);
  const exception = (checks: string[]): Json => ({
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessException',
    metadata: { name: 'legacy', namespace: stage.namespace },
    spec: { selector: {}, checks, reason: 'TICKET-1', expiresAt: new Date(Date.now() + 3_600_000).toISOString() },
  });
  expect((await apply(exception(['memoryLimits']))).code).toBe(0);
  expect((await check([bad])).code).toBe(0);
  expect((await check([bad, exception(['imageTag'])])).code).toBe(1);
});

test('references: Secrets by key, without a guess', async () => {
  stage = await Stage.open('in-cluster-references', only({ secretReferences: { priority: 'Critical' } }));
  const using = (name: string, key: string): Json =>
    stage.deployment('web', (_spec, container) => {
      container['env'] = [{ name: 'A', valueFrom: { secretKeyRef: { name, key } } }];
    });
  expect((await check([using('db', 'password')])).said).toEqual([expect.stringMatching(/^secretReferences: .*db/)]);
  await kube(['create', 'secret', 'generic', 'db', '-n', stage.namespace, '--from-literal=password=FAKE-EXAMPLE']);
  const there = await check([using('db', 'password')]);
  expect([there.code, there.said]).toEqual([0, []]);
  expect(there.stdout + there.stderr).not.toContain('FAKE-EXAMPLE');
  const wrongKey = await check([using('db', 'pass')]);
  expect([wrongKey.code, wrongKey.said]).toEqual([1, [expect.stringContaining('pass')]]);
  // What is among the manifests takes the place of what is in the cluster.
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: stage.namespace },
    stringData: { pass: 'x' },
  };
  expect((await check([using('db', 'pass'), secret])).said).toEqual([]);
});

test('companions: an autoscaler of the cluster, and one that a manifest replaces', async () => {
  stage = await Stage.open('in-cluster-companions', only({ minReplicas: { priority: 'Critical', replicas: 3 } }));
  const two = stage.deployment('web');
  const autoscaler = (name: string, target: string, minReplicas: number): Json => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: stage.namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target }, minReplicas, maxReplicas: 9 },
  });
  expect((await check([two])).code).toBe(1);
  expect((await apply(autoscaler('web', 'web', 3))).code).toBe(0);
  expect((await check([two])).said).toEqual([]);
  expect((await check([two, autoscaler('web', 'other', 3)])).code).toBe(1);
  expect((await check([two, autoscaler('web', 'web', 1)])).code).toBe(1);
});

test('what may not be read is unknown with the reason, or told', async () => {
  stage = await Stage.open('in-cluster-forbidden', only({ secretReferences: { priority: 'Critical' } }));
  const token = (await kube(['create', 'token', 'default', '-n', stage.namespace])).trim();
  const config = parse(await readFile(ADMIN, 'utf8')) as Json;
  config['users'] = [{ name: 'poor', user: { token } }];
  for (const { context } of config['contexts']) context.user = 'poor';
  const poor = join(folder, 'poor.yaml');
  await writeFile(poor, stringify(config));
  const using = stage.deployment('web', (_spec, container) => {
    container['envFrom'] = [{ secretRef: { name: 'db' } }];
  });
  const policies = await check([using], [], poor);
  expect([policies.code, policies.stdout]).toEqual([2, '']);
  expect(policies.stderr).toMatch(
    /^error: cluster: its ReadinessPolicies can't be read, name policies with --policy or --profile: .*forbidden/,
  );

  const own = await check([using], ['--profile', 'production-v1'], poor);
  expect(own.said).toContainEqual(expect.stringMatching(/^secretReferences\? .*forbidden/));
});

test('a cluster that is not there', async () => {
  stage = await Stage.open('in-cluster-nowhere');
  const config = parse(await readFile(ADMIN, 'utf8')) as Json;
  for (const { cluster } of config['clusters']) cluster.server = 'https://127.0.0.1:1';
  const nowhere = join(folder, 'nowhere.yaml');
  await writeFile(nowhere, stringify(config));
  for (const args of [[], ['--profile', 'production-v1']]) {
    const { code, stdout, stderr } = await check([stage.deployment('web')], args, nowhere);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: cluster: .*ECONNREFUSED/);
  }
  const broken = join(folder, 'broken.yaml');
  await writeFile(broken, 'a: [');
  expect((await check([stage.deployment('web')], [], broken)).stderr).toMatch(
    /^error: cluster: the kubeconfig can't be used: /,
  );
});

test('--cluster writes nothing', async () => {
  stage = await Stage.open('in-cluster-nothing', only({ memoryLimits: { priority: 'Critical' } }));
  const before = await attempt(['get', 'all,secrets,configmaps', '-n', stage.namespace, '-o', 'name']);
  await check([stage.deployment('web')]);
  expect((await attempt(['get', 'all,secrets,configmaps', '-n', stage.namespace, '-o', 'name'])).stdout).toBe(
    before.stdout,
  );
});
