/** What a policy's enforcement options do, each both ways, by the identities that meet them. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator } from '../cluster/operator.ts';
import { until } from '../support/until.ts';
import { apply, attempt, kube, Stage, type Json, DEVELOPER, latest } from './stage.ts';

const policyOf = (check: string, settings: Json, enforcement: Json = {}): Json => ({
  profile: 'none',
  enforcement,
  checks: { [check]: { priority: 'Critical', ...settings } },
});

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

test('existingViolations: Deny holds a rollout up for what the old object had too; Warn for what is new alone', async () => {
  stage = await Stage.open('existing');
  await stage.grant('alice');
  await apply(stage.deployment('web', latest));
  const change = (name: string, value: string) =>
    attempt(['-n', 'existing', 'set', 'env', 'deployment/web', `${name}=${value}`], undefined, { as: DEVELOPER });

  await stage.enforce(policyOf('imageTag', {}, { existingViolations: 'Deny' }));
  expect((await change('A', '1')).stderr).toContain('imageTag  spec.template.spec.containers[app].image');

  await stage.enforce(policyOf('imageTag', {}, { existingViolations: 'Warn' }));
  const { code, stderr } = await change('A', '2');
  expect(code).toBe(0);
  expect(stderr).toContain('Critical imageTag (the old object had it too)');
  const worse = { op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'two', image: 'x:latest' } };
  const added = await attempt(
    ['-n', 'existing', 'patch', 'deployment', 'web', '--type=json', '-p', JSON.stringify([worse])],
    undefined,
    { as: DEVELOPER },
  );
  expect(added.stderr).toContain('1 critical finding');
  expect(added.stderr).toContain('containers[two].image');
});

test('companionGrace: what may still come only warns until it is over, then a new rollout is denied', async () => {
  stage = await Stage.open('grace');
  await stage.grant('alice');
  const awaits = (companionGrace: string): Json => policyOf('minReplicas', { autoscaler: 'Await' }, { companionGrace });
  await stage.enforce(awaits('1h'));
  const single = stage.deployment('web', (spec) => delete spec['replicas']);
  const created = await attempt(['apply', '-f', '-'], single, { as: DEVELOPER });
  expect(created.code).toBe(0);
  expect(created.stderr).toContain('Critical minReplicas (it may still come)');
  const rollout = (value: string) =>
    attempt(['-n', 'grace', 'set', 'env', 'deployment/web', `A=${value}`], undefined, { as: DEVELOPER });
  const within = await rollout('1');
  expect([within.code, within.stderr]).toEqual([0, expect.stringContaining('(it may still come)')]);

  await stage.enforce(awaits('1s'));
  const denied = await until('the grace to be over', async () => {
    const { code, stderr } = await rollout(String(performance.now()));
    return code !== 0 && stderr;
  });
  expect(denied).toContain('is 1, at least 2 are required');
});

test('unverifiedOwners: a custom controller may recreate its Pods, others may not, and Deny is for everybody', async () => {
  stage = await Stage.open('custom');
  const controller = 'system:serviceaccount:custom:controller';
  const local = 'system:serviceaccount:custom:local';
  const stranger = 'system:serviceaccount:custom:stranger';
  for (const name of ['controller', 'local', 'stranger']) await stage.run('create', 'serviceaccount', name);
  await apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'fleets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Fleet', plural: 'fleets', singular: 'fleet' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  await kube(['wait', '--for=condition=Established', 'crd/fleets.example.com']);
  await kube(['create', 'clusterrole', 'fleet-controller', '--verb=get,update', '--resource=fleets/status']);
  try {
    await kube([
      'create',
      'clusterrolebinding',
      'fleet-controller',
      '--clusterrole=fleet-controller',
      '--serviceaccount=custom:controller',
      '--user=alice',
    ]);
    for (const who of [controller, stranger, 'alice']) await stage.grant(who);
    await stage.grant(local, 'fleet-controller');
    const fleet = { apiVersion: 'example.com/v1', kind: 'Fleet', metadata: { name: 'f', namespace: 'custom' } };
    await until('the API to be served', async () => (await apply(fleet)).code === 0);
    const { uid } = (await stage.get('fleets.example.com', 'f'))['metadata'] as Json;
    const pod = (name: string): Json => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'custom',
        ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Fleet', name: 'f', uid, controller: true }],
      },
      spec: { containers: [{ name: 'app', image: 'x:latest' }] },
    });
    const create = (name: string, user: string) => attempt(['create', '-f', '-'], pod(name), { as: user });

    await stage.enforce(policyOf('imageTag', {}, { unverifiedOwners: 'Warn' }));
    const made = await create('one', controller);
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('(made for its owner by a controller)')]);
    expect((await create('two', stranger)).stderr).toContain('denied the request');
    // Whoever administers the namespace could have granted it that.
    expect((await create('local', local)).stderr).toContain('denied the request');
    // A person with the same permission is no controller.
    expect((await create('three', 'alice')).stderr).toContain('denied the request');

    await stage.enforce(policyOf('imageTag', {}, { unverifiedOwners: 'Deny' }));
    expect((await create('four', controller)).stderr).toContain('denied the request');
  } finally {
    await kube(['delete', 'crd', 'fleets.example.com']);
    await kube(['delete', 'clusterrole,clusterrolebinding', 'fleet-controller']);
  }
});

test('the autoscaler scales down, a developer does not', async () => {
  stage = await Stage.open('autoscaler');
  const autoscaler = 'system:serviceaccount:kube-system:horizontal-pod-autoscaler';
  await stage.grant('alice');
  // kubectl reads the Deployment first, which the autoscaler itself has no need to.
  await stage.grant(autoscaler);
  await apply(stage.deployment('web', (spec) => (spec['replicas'] = 5)));
  await stage.enforce(policyOf('minReplicas', { replicas: 3 }));
  const scale = (user: string) =>
    attempt(['-n', 'autoscaler', 'scale', 'deployment', 'web', '--replicas=1'], undefined, { as: user });
  expect((await scale('alice')).stderr).toContain('is 1, at least 3 are required');
  expect((await scale(autoscaler)).code).toBe(0);
});

test('scaling up is denied by maxReplicas alone', async () => {
  stage = await Stage.open('upwards');
  await apply(stage.deployment('web', (spec) => (spec['replicas'] = 1)));
  const scale = (count: number) => attempt(['-n', 'upwards', 'scale', 'deployment', 'web', `--replicas=${count}`]);
  await stage.enforce({ profile: 'none', checks: { minReplicas: { priority: 'Critical', replicas: 9 } } });
  expect((await scale(2)).code).toBe(0);
  await stage.enforce({
    profile: 'none',
    checks: {
      minReplicas: { priority: 'Critical', replicas: 9 },
      maxReplicas: { priority: 'Critical', replicas: 5 },
    },
  });
  expect((await scale(3)).code).toBe(0);
  expect((await scale(6)).stderr).toContain('maxReplicas  spec.replicas: is 6, at most 5');
});

test("a node's mirror Pod passes; the annotation alone, or the node alone, does not", async () => {
  stage = await Stage.open('mirror');
  const node = { user: 'system:node:worker-1', groups: ['system:nodes', 'system:authenticated'] };
  await stage.grant('system:node:worker-1');
  await stage.grant('alice');
  await stage.enforce(policyOf('imageTag', {}));
  const pod = (name: string, annotations: Json): Json => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'mirror', annotations },
    spec: { nodeName: 'worker-1', containers: [{ name: 'app', image: 'x:latest' }] },
  });
  const mirror = { 'kubernetes.io/config.mirror': 'x' };
  const passes = await attempt(['create', '-f', '-'], pod('one', mirror), { as: node });
  expect([passes.code, passes.stderr]).toEqual([0, '']);
  expect((await attempt(['create', '-f', '-'], pod('two', {}), { as: node })).stderr).toContain('denied the request');
  expect((await attempt(['create', '-f', '-'], pod('three', mirror), { as: 'alice' })).stderr).toContain(
    'denied the request',
  );
});

test('a Job made from its CronJob warns; the same Job by hand is denied', async () => {
  stage = await Stage.open('jobs');
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'job:latest' }] } };
  await apply({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly', namespace: 'jobs' },
    spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template } } },
  });
  await stage.enforce(policyOf('imageTag', {}));
  const made = await stage.run('create', 'job', 'now', '--from=cronjob/nightly');
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining("(the CronJob's own template)")]);
  const byHand = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'jobs' },
    spec: { template },
  };
  expect((await apply(byHand)).stderr).toContain('denied the request');
});

/** A cluster of its own, whose operator may not look at Secrets and has a faulty check: what can't be decided. */
let apart: Cluster;
beforeAll(async () => {
  apart = await startCluster();
  await installOperator(apart);
  await startOperator(apart, ['--secret-access=None'], { program: join(import.meta.dirname, 'faulty.ts') });
});
afterAll(() => apart?.stop());
afterEach(() => kubectl(apart, ['delete', 'rpol', '--all']));

const runApart = (args: readonly string[], object?: Json) =>
  kubectl(apart, args, { allowFailure: true, ...(object === undefined ? {} : { input: JSON.stringify(object) }) });

async function applyApart(spec: Json, name: string): Promise<void> {
  const policy = { apiVersion: 'readiness-operator.dev/v1alpha1', kind: 'ReadinessPolicy', metadata: { name }, spec };
  const { code, stderr } = await runApart(['apply', '-f', '-'], policy);
  if (code !== 0) throw new Error(stderr);
}

async function enforceApart(spec: Json, name = 'apart'): Promise<void> {
  await applyApart(spec, name);
  await enforced(apart, name);
}

test('onUnknown: Warn lets through what could not be found out, and says so; Deny does not', async () => {
  const pod = (name: string): Json => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'app', image: 'app:1', envFrom: [{ secretRef: { name: 'db' } }] }] },
  });
  await enforceApart(policyOf('secretReferences', {}, { onUnknown: 'Warn' }));
  const warned = await runApart(['create', '-f', '-'], pod('one'));
  expect([warned.code, warned.stderr]).toEqual([0, expect.stringContaining('secretReferences: could not find out')]);
  await enforceApart(policyOf('secretReferences', {}, { onUnknown: 'Deny' }));
  const denied = await runApart(['create', '-f', '-'], pod('two'));
  expect(denied.stderr).toContain('denied the request');
  expect(denied.stderr).toContain('could not find out');
});

test('onError: a check that fails denies, unless Warn is set or it fails on the unchanged old object too', async () => {
  const create = (name: string) => runApart(['create', 'deployment', name, '--image=faulty:1']);
  await enforceApart(policyOf('imageTag', {}, { onError: 'Warn' }));
  const warned = await create('old');
  expect([warned.code, warned.stderr]).toEqual([0, expect.stringContaining('imageTag: the check failed')]);

  await enforceApart(policyOf('imageTag', {}));
  const denied = await create('new');
  expect(denied.stderr).toContain('denied the request');
  expect(denied.stderr).toContain('imageTag');
  // A fault of ours must not stop anybody from changing what it hit before.
  const changed = await runApart(['set', 'env', 'deployment/old', 'A=1']);
  expect([changed.code, changed.stderr]).toEqual([0, expect.stringContaining('imageTag: the check failed')]);
  await until('a report that knows no answer', async () => {
    const { stdout } = await runApart(['get', 'rrep', 'deployment-old', '-o', 'json']);
    return (JSON.parse(stdout) as Json)['ready'] === 'Unknown';
  });
});

test('a policy whose entry the API server refuses says so, and holds no other policy up', async () => {
  const create = (name: string) => runApart(['create', 'deployment', name, '--image=x:latest']);
  const selecting = (tier: string): Json => ({
    ...policyOf('imageTag', {}),
    match: { workloadSelector: { matchLabels: { tier } } },
  });
  await applyApart(selecting('refused'), 'refused');
  const condition = await until('the refusal to be told', async () => {
    const { stdout } = await runApart(['get', 'rpol', 'refused', '-o', 'json']);
    const { conditions = [] } = (JSON.parse(stdout) as Json)['status'] ?? {};
    return (conditions as Json[]).find(({ type, reason }) => type === 'Enforced' && reason === 'EntryRefused');
  });
  expect(condition).toMatchObject({
    status: 'False',
    message: expect.stringContaining('refused.workloads.readiness-operator.dev: objectSelector.matchLabels: Invalid'),
  });

  await enforceApart(policyOf('imageTag', {}), 'strict');
  expect((await create('denied')).stderr).toContain('denied the request');
  await enforceApart(policyOf('imageTag', {}, { critical: 'Warn' }), 'strict');
  const relaxed = await create('warned');
  expect([relaxed.code, relaxed.stderr]).toEqual([0, expect.stringContaining('[strict] Critical imageTag')]);
  await runApart(['delete', 'rpol', 'strict']);
  await until('the entry to go', async () => {
    const { stdout } = await runApart(['get', 'validatingwebhookconfiguration', 'readiness-operator', '-o', 'json']);
    return !stdout.includes('strict.workloads.readiness-operator.dev');
  });

  await enforceApart(selecting('web'), 'refused');
});
