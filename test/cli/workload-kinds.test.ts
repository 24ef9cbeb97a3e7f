import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'readiness-workload-kinds-'));
afterAll(() => rmSync(folder, { recursive: true }));

function temporaryFile(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const ROLLOUT = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  replicas: 1
  template:
    spec:
      containers:
        - image: x:1
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: by-reference }
spec: { workloadRef: { kind: Deployment, name: web } }
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-1
  namespace: shop
  ownerReferences: [{ apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, uid: u, controller: true }]
spec: { template: { spec: { containers: [{ name: app, image: x }] } } }
`;
const KINDS =
  '[{"group":"argoproj.io","version":"v1alpha1","kind":"Rollout","resource":"rollouts","replicas":"spec.replicas"}]';
const VALUES = `image: { repository: x }
workloadKinds:
  - group: argoproj.io
    version: v1alpha1
    kind: Rollout
    resource: rollouts
    replicas: spec.replicas
`;

interface Document {
  readonly workloads: readonly {
    readonly kind: string;
    readonly name: string;
    readonly findings: readonly { readonly check: string; readonly path: string; readonly line: number }[];
  }[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

const check = async (...more: string[]): Promise<Document> => {
  const { stdout, stderr } = await run(['check', '-f', '-', '-o', 'json', ...more], { stdin: ROLLOUT });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Document;
};

test.each([
  ['as JSON', () => KINDS],
  ['in a file', () => temporaryFile('kinds.json', KINDS)],
  ["in the chart's values", () => temporaryFile('values.yaml', VALUES)],
])('custom kinds %s are checked as any other', async (_, value) => {
  const { workloads, skipped } = await check('--workload-kinds', value());
  expect(workloads.map(({ kind, name }) => [kind, name])).toEqual([['Rollout', 'web']]);
  const [found] = workloads;
  const placeOf = (name: string) => found?.findings.find((finding) => finding.check === name);
  expect(placeOf('minReplicas')).toMatchObject({ path: 'spec.replicas', line: 5 });
  expect(placeOf('memoryLimits')).toMatchObject({
    path: 'spec.template.spec.containers[0].resources.limits',
    line: 9,
  });
  expect(skipped).toMatchObject([
    { name: 'web-1', reason: 'judged through its owner, Rollout web' },
    { name: 'by-reference', reason: 'it holds no pod template' },
  ]);
});

test('without the option it is told that such a kind is not judged', async () => {
  const { workloads, skipped } = await check();
  expect(workloads.map(({ kind, name }) => [kind, name])).toEqual([['ReplicaSet', 'web-1']]);
  expect(skipped).toMatchObject([
    {
      name: 'web',
      reason:
        'it holds a pod template, but Rollout of argoproj.io/v1alpha1 is not judged; name its kind with --workload-kinds',
    },
  ]);
});

test.each([
  ['a wrong field', '[{"kind":"Rollout"}]', '--workload-kinds:1:2: workloadKinds[0].group: is required'],
  ['no JSON', '[{', 'error: --workload-kinds:'],
  ['no file', 'nowhere.yaml', 'error: nowhere.yaml: no such file or directory'],
])('%s is told, and nothing is judged', async (_, value, message) => {
  const { status, stderr, stdout } = await run(['check', '-f', '-', '--workload-kinds', value], { stdin: ROLLOUT });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test('a field of a file is told with its line', async () => {
  const file = temporaryFile('values.yaml', VALUES.replace('kind: Rollout', 'kind: Job'));
  const { stderr } = await run(['check', '-f', '-', '--workload-kinds', file], { stdin: ROLLOUT });
  expect(stderr).toContain(`${file}:5:11: workloadKinds[0].kind: Job is a kind of Kubernetes itself`);
  const none = temporaryFile('values.yaml', 'image: x\n');
  const other = await run(['check', '-f', '-', '--workload-kinds', none], { stdin: ROLLOUT });
  expect(other.stderr).toContain('holds no list of workloadKinds');
});
