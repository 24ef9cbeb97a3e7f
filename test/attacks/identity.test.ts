/** To be somebody else, or to take over what the operator relies on: the role `admin` of one namespace does not reach so far. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { attempt, latest, type Json, type Stage } from '../integration/stage.ts';
import { attack, besieged, create, deniedBy, FORBIDDEN, LATEST } from './attacker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await besieged('attack-identity');
});
afterAll(() => stage.close());

test.each([
  ['a user', ['users']],
  ['a group', ['groups']],
  ['a controller', ['serviceaccounts', '-n', 'kube-system']],
])('to act as %s', async (_who, whom) => {
  const { code, stdout } = await attack(stage, ['auth', 'can-i', 'impersonate', ...whom]);
  expect([code, stdout]).toEqual([1, 'no\n']);
});

test('a token of a controller, or of the operator', async () => {
  for (const [namespace, name] of [
    ['kube-system', 'replicaset-controller'],
    ['readiness-operator', 'readiness-operator'],
  ] as const) {
    expect(await attack(stage, ['-n', namespace, 'create', 'token', name])).toMatchObject(FORBIDDEN);
  }
});

test('an account of the own namespace that is called like a controller', async () => {
  const robot = `system:serviceaccount:${stage.namespace}:replicaset-controller`;
  expect(await attack(stage, ['create', 'serviceaccount', 'replicaset-controller'])).toMatchObject({ code: 0 });
  const binding = ['create', 'rolebinding', 'r', '--clusterrole=admin'];
  expect(await attack(stage, [...binding, `--serviceaccount=${stage.namespace}:replicaset-controller`])).toMatchObject({
    code: 0,
  });
  await stage.may(robot, 'create', 'deployments.apps');
  const made = await attempt(['create', '-f', '-'], stage.deployment('web', latest), { as: robot });
  expect(made).toMatchObject(deniedBy('imageTag'));
});

test('the Pod of a file on a node', async () => {
  const pod: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'mirror', annotations: { 'kubernetes.io/config.mirror': 'x' } },
    spec: { nodeName: 'worker', containers: [{ name: 'app', image: LATEST }] },
  };
  expect(await create(stage, pod)).toMatchObject(deniedBy('imageTag'));
});

test.each([
  ['the policy', ['delete', 'rpol', 'attack-identity']],
  ['the webhook configuration', ['delete', 'validatingwebhookconfiguration', 'readiness-operator']],
  ['the labels of the namespace', ['label', 'namespace', 'attack-identity', 'kubernetes.io/metadata.name-']],
  ['a namespace of its own', ['create', 'namespace', 'attack-elsewhere']],
  ['the right to break the glass', ['create', 'role', 'glass', '--verb=bypass', '--resource=readinesspolicies']],
  ['a binding for all namespaces', ['create', 'clusterrolebinding', 'x', '--clusterrole=admin', '--user=alice']],
  ['an owner whose status it may set', ['create', 'role', 's', '--verb=update', '--resource=nodes/status']],
  ['the certificate', ['-n', 'readiness-operator', 'get', 'secret', 'readiness-operator-tls']],
  ['the lease', ['-n', 'readiness-operator', 'delete', 'lease', 'readiness-operator']],
])('%s', async (_what, args) => {
  expect(await attack(stage, args)).toMatchObject(FORBIDDEN);
});

test('a report that was written by hand, and an exception of its own', async () => {
  const report = {
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessReport',
    metadata: { name: 'deployment-web' },
  };
  expect(await create(stage, report, '--validate=false')).toMatchObject(FORBIDDEN);
  const exception = stage.exception('mine', new Date(Date.now() + 3_600_000));
  expect(await create(stage, exception)).toMatchObject(FORBIDDEN);
});

test('a Job that says that a CronJob made it', async () => {
  const { template } = stage.deployment('job')['spec'] as Json;
  template.spec.restartPolicy = 'Never';
  const schedule = { schedule: '@yearly', suspend: true, jobTemplate: { spec: { template } } };
  const metadata = { name: 'nightly' };
  expect(await create(stage, { apiVersion: 'batch/v1', kind: 'CronJob', metadata, spec: schedule })).toMatchObject({
    code: 0,
  });
  const { uid } = (await stage.get('cronjob', 'nightly'))['metadata'] as Json;
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly', uid, controller: true };
  template.spec.containers[0].image = LATEST;
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'forged',
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [owner],
    },
    spec: { template, suspend: true },
  };
  expect(await create(stage, job)).toMatchObject(deniedBy('imageTag'));
});

test("objects of the operator's names in the own namespace change nothing", async () => {
  const name = 'readiness-operator';
  await attack(stage, ['create', 'service', 'clusterip', name, '--tcp=443']);
  await attack(stage, ['create', 'secret', 'generic', `${name}-tls`, '--from-literal=tls.crt=x']);
  await attack(stage, ['create', 'serviceaccount', name]);
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name },
    spec: { holderIdentity: 'me' },
  };
  await create(stage, lease);
  expect(await create(stage, stage.deployment('web', latest))).toMatchObject(deniedBy('imageTag'));
});
