/** The README's table of what never waits for a policy, played with an operator that is frozen and with one that is killed. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator, type Operator } from '../cluster/operator.ts';
import { teamPolicy } from '../support/manifests.ts';
import { until } from '../support/until.ts';
import type { Json } from './stage.ts';

/** Rows of the README's table, as they begin, with commands for each. NS is the namespace, NEW a new name. */
const WORKS: Readonly<Record<string, readonly string[]>> = {
  "system namespaces and the operator's own": [
    '-n kube-system create deployment NEW --image=x:latest',
    '-n readiness-operator create deployment NEW --image=x:latest',
    '-n NS delete deployment/old',
    // A finalizer keeps it: it is being deleted.
    '-n NS delete deployment/kept --wait=false',
    '-n NS set image deployment/kept app=x:2',
    '-n NS patch deployment/kept --type=merge -p {"metadata":{"finalizers":null}}',
  ],
  "Kubernetes' own controllers": [
    '-n NS create deployment NEW --image=x:latest --as=system:serviceaccount:kube-system:job-controller --as-group=system:masters',
  ],
  'changes of labels, annotations': [
    '-n NS label deployment/web statefulset/web cronjob/web seen=yes',
    '-n NS annotate deployment/web statefulset/web cronjob/web seen=yes',
    '-n NS patch deployment/web --type=merge -p {"metadata":{"finalizers":["example.com/kept"]}}',
    '-n NS patch deployment/web --type=merge -p {"metadata":{"finalizers":null}}',
    '-n NS patch deployment/web --subresource=status --type=merge -p {"status":{"collisionCount":1}}',
    '-n NS rollout pause deployment/web',
    '-n NS rollout resume deployment/web',
    '-n NS rollout restart deployment/web statefulset/web daemonset/web',
    '-n NS patch cronjob/web --type=merge -p {"spec":{"suspend":true}}',
    '-n NS patch job/web --type=merge -p {"spec":{"template":{"spec":{"nodeSelector":{"queue":"fast"}}}}}',
  ],
  'raising the replica count': ['-n NS scale deployment/web statefulset/web --replicas=5'],
};
const FAILS: Readonly<Record<string, readonly string[]>> = {
  '`kubectl rollout undo`': [
    '-n NS rollout undo deployment/web --to-revision=1',
    '-n NS create job NEW --from=cronjob/web',
  ],
};
/** What is judged whatever the table says. */
const JUDGED: readonly string[] = [
  '-n NS create deployment NEW --image=x:latest',
  '-n NS set image deployment/web app=x:2',
  '-n NS scale deployment/web --replicas=1',
];

let cluster: Cluster;
let operator: Operator;
let commands = 0;

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  operator = await startOperator(cluster);
});
afterAll(() => cluster?.stop());

const apply = (object: Json): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object) });

/** Workloads that no policy would let pass, so that what goes through has not been judged; and then a policy. */
async function enforceUpon(namespace: string): Promise<void> {
  await kubectl(cluster, ['create', 'namespace', namespace]);
  await kubectl(cluster, ['label', 'namespace', namespace, `team=${namespace}`]);
  const labels = { app: 'web' };
  const pod = { containers: [{ name: 'app', image: 'x:0' }] };
  const template = { metadata: { labels }, spec: pod };
  const scaled = { replicas: 2, selector: { matchLabels: labels }, template };
  const ending = { template: { spec: { ...pod, restartPolicy: 'Never' } } };
  const workload = (apiVersion: string, kind: string, spec: Json, metadata: Json = {}): Json => ({
    apiVersion,
    kind,
    metadata: { name: 'web', namespace, ...metadata },
    spec,
  });
  const items = [
    workload('apps/v1', 'Deployment', scaled),
    workload('apps/v1', 'Deployment', scaled, { name: 'old' }),
    workload('apps/v1', 'Deployment', scaled, { name: 'kept', finalizers: ['example.com/kept'] }),
    workload('apps/v1', 'StatefulSet', { ...scaled, serviceName: 'web' }),
    workload('apps/v1', 'DaemonSet', { selector: scaled.selector, template }),
    workload('batch/v1', 'Job', { ...ending, suspend: true }),
    workload('batch/v1', 'CronJob', { schedule: '0 0 1 1 *', jobTemplate: { spec: ending } }),
  ];
  await apply({ apiVersion: 'v1', kind: 'List', items });
  // A second version, so that there is one to go back to.
  await kubectl(cluster, ['-n', namespace, 'set', 'image', 'deployment/web', 'app=x:1']);
  await until('its two revisions', async () => {
    const { stdout } = await kubectl(cluster, ['-n', namespace, 'get', 'replicasets', '-l', 'app=web', '-o', 'json']);
    const owners = (JSON.parse(stdout) as Json)['items'].map((one: Json) => one['metadata'].ownerReferences[0].name);
    return owners.filter((name: string) => name === 'web').length === 2;
  });
  await apply(teamPolicy(namespace, { profile: 'production-v1' }));
  await enforced(cluster, namespace);
}

/** Runs a command. @returns it, and what came of it: `works`, or why not */
async function outcome(command: string, namespace: string): Promise<[command: string, outcome: string]> {
  const args = command.replaceAll('NS', namespace).replaceAll('NEW', `new-${commands++}`).split(' ');
  const { code, stderr } = await kubectl(cluster, args, { allowFailure: true });
  if (code === 0) return [command, 'works'];
  return [command, stderr.includes('failed calling webhook') ? 'waits for the operator' : stderr];
}

async function play(namespace: string): Promise<void> {
  for (const command of Object.values(WORKS).flat()) {
    expect(await outcome(command, namespace)).toEqual([command, 'works']);
  }
  // A frozen operator is waited for: all of them at once.
  const waiting = [...Object.values(FAILS).flat(), ...JUDGED];
  const outcomes = await Promise.all(waiting.map((command) => outcome(command, namespace)));
  expect(outcomes).toEqual(waiting.map((command) => [command, 'waits for the operator']));
}

test('what the table says works with the operator frozen, and with no operator at all', async () => {
  await enforceUpon('frozen');
  await enforceUpon('killed');
  operator.process.signal('SIGSTOP');
  await play('frozen');
  await operator.kill();
  await play('killed');
});

test('the table says of each row whether it works with every replica gone', async () => {
  const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| ([^|]+?) +\| (yes|no)\b/gm)].map(
    ([, row = '', works]) => [row, works] as const,
  );
  const told = (works: string): string[] => rows.filter(([, said]) => said === works).map(([row]) => row);
  for (const begin of Object.keys(WORKS)) expect(told('yes')).toContainEqual(expect.stringContaining(begin));
  for (const begin of Object.keys(FAILS)) expect(told('no')).toContainEqual(expect.stringContaining(begin));
});
