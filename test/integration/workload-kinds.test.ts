/** Custom kinds that hold a pod template, named by value: judged, reported and scaled like those of Kubernetes itself. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { helm, kubectl, type CommandResult } from '../cluster/kubectl.ts';
import {
  enforced,
  installOperator,
  OPERATOR_IDENTITY,
  permitted,
  startOperator,
  type Operator,
} from '../cluster/operator.ts';
import { teamPolicy } from '../support/manifests.ts';
import { until } from '../support/until.ts';

type Json = Record<string, any>;
const CHART = join(import.meta.dirname, '../../charts/readiness-operator');
const KINDS = JSON.stringify([
  {
    group: 'argoproj.io',
    version: 'v1alpha1',
    kind: 'Rollout',
    resource: 'rollouts',
    replicas: 'spec.replicas',
    history: 'ReplicaSet',
  },
  { group: 'serving.knative.dev', version: 'v1', kind: 'Service', resource: 'services' },
  // Its template does not stand under spec.
  {
    group: 'example.com',
    version: 'v1',
    kind: 'Runner',
    resource: 'runners',
    template: 'worker.pod',
    replicas: 'spec.count',
  },
]);
/** A custom controller that the installation lets pass. */
const CONTROLLER = 'system:serviceaccount:argo-rollouts:argo-rollouts';

let cluster: Cluster;
let operator: Operator;

const run = (...args: string[]): Promise<CommandResult> =>
  kubectl(cluster, ['-n', 'shop', ...args], { allowFailure: true });
const apply = (object: Json): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object), allowFailure: true });
const patch = (what: string, change: Json): Promise<CommandResult> =>
  run('patch', what, '--type=merge', '-p', JSON.stringify(change));

/** A definition that takes any field, with a scale subresource where the kind has a count. */
function definitionOf(group: string, version: string, kind: string, plural: string, replicas?: string): Json {
  const scale = { specReplicasPath: replicas, statusReplicasPath: '.status.replicas' };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          subresources: { status: {}, ...(replicas === undefined ? {} : { scale }) },
        },
      ],
    },
  };
}

async function define(...definition: Parameters<typeof definitionOf>): Promise<void> {
  const { stderr } = await apply(definitionOf(...definition));
  expect(stderr).toBe('');
  await kubectl(cluster, ['wait', '--for=condition=Established', `crd/${definition[3]}.${definition[0]}`]);
}

const GOOD = { limits: { memory: '64Mi' } };
const template = (name: string, resources: Json = GOOD, image = 'x:1'): Json => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: 'app', image, resources }] },
});
const rollout = (name: string, spec: Json): Json => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Rollout',
  metadata: { name, namespace: 'shop' },
  spec: { replicas: 2, selector: { matchLabels: { app: name } }, ...spec },
});
const runner = (name: string, count: number, resources: Json = GOOD): Json => ({
  apiVersion: 'example.com/v1',
  kind: 'Runner',
  metadata: { name, namespace: 'shop' },
  worker: { pod: template(name, resources) },
  spec: { count },
});

async function enforce(critical: 'Deny' | 'Warn'): Promise<void> {
  const policy = teamPolicy('shop', {
    profile: 'none',
    enforcement: { critical },
    checks: { memoryLimits: { priority: 'Critical' }, minReplicas: { priority: 'Critical' } },
  });
  const { stderr } = await apply(policy);
  expect(stderr).toBe('');
  await enforced(cluster, 'shop');
}

/** Waits until the policy tells of these kinds that the cluster does not serve them, and of no other. */
async function notServedAre(kinds: string[]): Promise<void> {
  await until('the kinds that are not served', async () => {
    const { stdout } = await kubectl(cluster, ['get', 'rpol', 'shop', '-o', 'json']);
    const told = (((JSON.parse(stdout) as Json)['status'].notCovered ?? []) as Json[])
      .filter(({ reason }) => reason === 'NotServed')
      .map(({ kind }) => kind as string);
    expect(told.toSorted()).toEqual(kinds);
    return true;
  });
}

/** Waits for a report. */
function reportOf(name: string): Promise<Json> {
  return until(`the report ${name}`, async () => {
    const report = JSON.parse((await run('get', 'rrep', name, '-o', 'json')).stdout) as Json;
    return report['ready'] !== undefined && report;
  });
}

const PASSES = { code: 0, stderr: '' };

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  const { stdout } = await helm(cluster, [
    'template',
    'readiness-operator',
    CHART,
    '--namespace=readiness-operator',
    '--set=image.repository=x',
    `--set-json=workloadKinds=${KINDS}`,
    '--show-only=templates/rbac.yaml',
  ]);
  await kubectl(cluster, ['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: stdout });
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'shop' } } });
  operator = await startOperator(cluster, [], {
    env: { READINESS_OPERATOR_WORKLOAD_KINDS: KINDS, READINESS_OPERATOR_EXCLUDE_USER: `somebody,${CONTROLLER}` },
  });
  await enforce('Warn');
});
afterAll(async () => {
  await cluster?.stop();
});

test('what the cluster does not serve is told, and noticed when it comes', async () => {
  await notServedAre(['Rollout', 'Runner', 'Service']);
  await define('argoproj.io', 'v1alpha1', 'Rollout', 'rollouts', '.spec.replicas');
  await define('example.com', 'v1', 'Runner', 'runners', '.spec.count');
  await define('serving.knative.dev', 'v1', 'Service', 'services');
  await notServedAre([]);
});

test('the chart grants reading of just these resources', async () => {
  const as = [`--as=${OPERATOR_IDENTITY.user}`, ...OPERATOR_IDENTITY.groups.map((group) => `--as-group=${group}`)];
  await define('argoproj.io', 'v1alpha1', 'AnalysisRun', 'analysisruns');
  const can = async (verb: string, what: string): Promise<string> =>
    (await run('auth', 'can-i', verb, what, ...as)).stdout.trim();
  expect(
    await Promise.all(['get', 'list', 'watch', 'update'].map((verb) => can(verb, 'rollouts.argoproj.io'))),
  ).toEqual(['yes', 'yes', 'yes', 'no']);
  expect(await can('list', 'analysisruns.argoproj.io')).toBe('no');
});

test('what runs is reported, with the path in its own object', async () => {
  // Before anything is denied: a version that ran before.
  await apply(rollout('old', { template: template('old', {}, 'x:0') }));
  await apply(rollout('old', { template: template('old', {}) }));
  await apply(runner('old', 1, {}));
  const found = await reportOf('rollout-old');
  expect(found['workload']).toEqual({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'old' });
  expect((found['findings'] as Json[]).map(({ path }) => path as string)).toEqual([
    'spec.template.spec.containers[0].resources.limits',
  ]);
  const other = await reportOf('runner-old');
  expect((other['findings'] as Json[]).map(({ path }) => path as string).toSorted()).toEqual([
    'spec.count',
    'worker.pod.spec.containers[0].resources.limits',
  ]);
});

test('refused with the path in the own object, admitted when it is right', async () => {
  await enforce('Deny');

  const bad = await apply(rollout('web', { template: template('web', {}), replicas: 1 }));
  expect(bad.code).toBe(1);
  expect(bad.stderr).toContain('Rollout shop/web is not ready for production: 2 critical findings (policy shop)');
  expect(bad.stderr).toContain('spec.template.spec.containers[app].resources.limits');
  expect(bad.stderr).toContain('spec.replicas: is 1');
  expect(await apply(rollout('web', { template: template('web') }))).toMatchObject(PASSES);

  const badRunner = await apply(runner('web', 1, {}));
  expect(badRunner.stderr).toContain('worker.pod.spec.containers[app].resources.limits');
  expect(badRunner.stderr).toContain('spec.count: is 1');
  expect(await apply(runner('web', 2))).toMatchObject(PASSES);
});

test('a kind without a count, and containers without names, as Knative has them', async () => {
  const service = (resources: Json): Json => ({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace: 'shop' },
    spec: { template: { spec: { containers: [{ image: 'x:1', resources }] } } },
  });
  const bad = await apply(service({}));
  expect(bad.stderr).toContain('Service shop/hello is not ready for production: 1 critical finding (policy shop)');
  expect(bad.stderr).toContain('spec.template.spec.containers[0].resources.limits');
  expect(await apply(service(GOOD))).toMatchObject(PASSES);
});

test('the replica count, by the object and by its scale', async () => {
  for (const what of ['rollout/web', 'runner/web']) {
    const scaled = await run('scale', what, '--replicas=1');
    expect([what, scaled.code, scaled.stderr]).toEqual([what, 1, expect.stringContaining('is 1, at least 2')]);
    expect(await run('scale', what, '--replicas=3')).toMatchObject(PASSES);
  }
  expect((await patch('rollout/web', { spec: { replicas: 1 } })).stderr).toContain('spec.replicas: is 1');
  expect((await patch('runner/web', { spec: { count: 1 } })).stderr).toContain('spec.count: is 1');
  // To stop is a decision, and raising is never denied.
  expect(await patch('runner/old', { spec: { count: 0 } })).toMatchObject(PASSES);
  expect(await patch('rollout/old', { spec: { replicas: 4 } })).toMatchObject(PASSES);
});

test('a template that ran before only warns', async () => {
  await until('the report to hold both', async () => (await reportOf('rollout-old'))['templates'].length === 2);
  const undone = await apply(rollout('old', { template: template('old', {}, 'x:0') }));
  expect([undone.code, undone.stderr]).toEqual([0, expect.stringContaining('a template that ran before')]);
});

test('a restart and whatever is no new version pass, a new version does not', async () => {
  const restartedAt = { 'kubectl.kubernetes.io/restartedAt': '2027-01-01T00:00:00Z' };
  const restart = { metadata: { annotations: restartedAt } };
  expect(await patch('rollout/old', { spec: { template: restart } })).toMatchObject(PASSES);
  expect(await patch('runner/old', { worker: { pod: restart } })).toMatchObject(PASSES);
  expect(await patch('rollout/old', { spec: { paused: true }, metadata: { labels: { a: 'b' } } })).toMatchObject(
    PASSES,
  );
  expect((await apply(rollout('old', { template: template('old', {}, 'x:2') }))).stderr).toContain('memoryLimits');
  expect((await apply(runner('old', 0, { limits: { cpu: '1' } }))).stderr).toContain('memoryLimits');
});

test('an object without a template is not judged: it makes no pods of its own', async () => {
  const workloadRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  expect(await apply(rollout('by-reference', { workloadRef }))).toMatchObject(PASSES);
  expect(await run('scale', 'rollout/by-reference', '--replicas=1')).toMatchObject(PASSES);
});

test('what the users do whom the installation lets pass is not judged', async () => {
  for (const name of ['argo-rollouts', 'another']) {
    await run('create', 'rolebinding', name, '--clusterrole=edit', `--serviceaccount=argo-rollouts:${name}`);
    await permitted(cluster, 'shop', `system:serviceaccount:argo-rollouts:${name}`, 'create', 'deployments.apps');
  }
  const create = (as: string, name: string): Promise<CommandResult> =>
    run('create', 'deployment', name, '--image=x:1', '--replicas=2', `--as=${as}`);
  expect(await create(CONTROLLER, 'passes')).toMatchObject(PASSES);
  expect((await create('system:serviceaccount:argo-rollouts:another', 'refused')).stderr).toContain('memoryLimits');
});

test('with no operator left, what is never judged still works', async () => {
  await operator.kill();
  expect(await patch('rollout/web', { metadata: { labels: { c: 'd' } } })).toMatchObject(PASSES);
  expect(await patch('runner/web', { metadata: { labels: { c: 'd' } }, other: 1 })).toMatchObject(PASSES);
  expect(await run('scale', 'rollout/web', '--replicas=5')).toMatchObject(PASSES);
  expect(await patch('rollout/web', { spec: { paused: true } })).toMatchObject(PASSES);
  const restart = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': '2027-02-02T00:00:00Z' } } };
  expect(await patch('runner/web', { worker: { pod: restart } })).toMatchObject(PASSES);
  expect((await patch('runner/web', { spec: { count: 1 } })).stderr).toContain('failed calling webhook');
  expect((await patch('runner/web', { worker: { pod: { spec: { dnsPolicy: 'Default' } } } })).stderr).toContain(
    'failed calling webhook',
  );
});
