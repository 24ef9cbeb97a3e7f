/** What the controllers of custom kinds make (`unverifiedOwners`), with their permissions as they are published. */
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { apply, attempt, kube, Stage, type Json } from './stage.ts';

const POLICY: Json = { profile: 'none', checks: { imageTag: { priority: 'Critical' } } };

let stage: Stage;
let leftovers: string[] = [];
afterEach(async () => {
  for (const what of leftovers) await attempt(['delete', '--ignore-not-found', ...what.split(' ')]);
  leftovers = [];
  await stage?.close();
});

/** Makes a kind of objects of which one, `report`, is in the namespace. */
async function ownerOf(group: string, kind: string, subresources: Json): Promise<Json> {
  const singular = kind.toLowerCase();
  const name = `${singular}s.${group}`;
  leftovers.push(`crd ${name}`);
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural: `${singular}s`, singular },
      versions: [{ name: 'v1alpha1', served: true, storage: true, subresources, schema }],
    },
  });
  const owner = { apiVersion: `${group}/v1alpha1`, kind, metadata: { name: 'report', namespace: stage.namespace } };
  await until('the API to be served', async () => (await apply(owner)).code === 0);
  const { uid } = (await stage.get(name, 'report'))['metadata'] as Json;
  return { apiVersion: owner.apiVersion, kind, name: 'report', uid, controller: true, blockOwnerDeletion: true };
}

/** A service account of the namespace with these rules in all namespaces. */
async function controllerWith(name: string, ...rules: Json[]): Promise<string> {
  const role = `${stage.namespace}-${name}`;
  leftovers.push(`clusterrole,clusterrolebinding ${role}`);
  await stage.run('create', 'serviceaccount', name);
  const pods = {
    apiGroups: [''],
    resources: ['pods', 'pods/exec'],
    verbs: ['create', 'get', 'list', 'watch', 'patch'],
  };
  await apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: role },
    rules: [pods, ...rules],
  });
  await kube([
    'create',
    'clusterrolebinding',
    role,
    `--clusterrole=${role}`,
    `--serviceaccount=${stage.namespace}:${name}`,
  ]);
  const user = `system:serviceaccount:${stage.namespace}:${name}`;
  await stage.may(user, 'create', 'pods');
  return user;
}

/** Somebody makes a Pod of `:latest` that has an owner. */
function make(name: string, owner: Json, as: string, labels: Json = {}) {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: stage.namespace, labels, ownerReferences: [owner] },
    spec: {
      restartPolicy: 'Never',
      containers: [
        { name: 'main', image: 'registry.example.com/shop/report:latest' },
        { name: 'wait', image: 'registry.example.com/argo/argoexec:3.6.0' },
      ],
    },
  };
  return attempt(['create', '-f', '-'], pod, { as });
}

const PASSES = { code: 0, stderr: expect.stringContaining('(made for its owner by a controller)') as unknown };
const DENIED = { code: 1, stderr: expect.stringContaining('containers[main].image') as unknown };

test('a Workflow of Argo, whose kind has no status: the controller may set its finalizers', async () => {
  stage = await Stage.open('argo', POLICY);
  const owner = await ownerOf('argoproj.io', 'Workflow', {});
  const controller = await controllerWith('argo', {
    apiGroups: ['argoproj.io'],
    resources: ['workflows', 'workflows/finalizers'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  });
  // Argo CD, or another that deploys Workflows everywhere, is no controller of theirs.
  const deployer = await controllerWith('deployer', {
    apiGroups: ['argoproj.io'],
    resources: ['workflows'],
    verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  });
  expect(await make('report-1', owner, controller)).toMatchObject(PASSES);
  expect(await make('report-2', owner, deployer)).toMatchObject(DENIED);
});

test('a controller that only patches the status', async () => {
  stage = await Stage.open('patching', POLICY);
  const owner = await ownerOf('patching.example.com', 'Convoy', { status: {} });
  const status = { apiGroups: ['patching.example.com'], resources: ['convoys/status'] };
  const controller = await controllerWith('controller', { ...status, verbs: ['patch'] });
  const reader = await controllerWith('reader', { ...status, verbs: ['get', 'list', 'watch'] });
  expect(await make('one', owner, controller)).toMatchObject(PASSES);
  expect(await make('two', owner, reader)).toMatchObject(DENIED);
});

test('the driver of a Spark application is no controller: its executors are judged, and may have an exception', async () => {
  stage = await Stage.open('spark', POLICY);
  const driver = `system:serviceaccount:${stage.namespace}:driver`;
  await stage.run('create', 'serviceaccount', 'driver');
  await stage.grant(driver);
  const image = 'registry.example.com/shop/spark:3.5.0';
  await until('the ServiceAccount', async () => (await stage.run('run', 'driver', `--image=${image}`)).code === 0);
  const { uid } = (await stage.get('pod', 'driver'))['metadata'] as Json;
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'driver', uid, controller: true };
  const labels = { 'spark-role': 'executor' };
  expect(await make('exec-1', owner, driver, labels)).toMatchObject(DENIED);

  const tomorrow = new Date(Date.now() + 86_400_000);
  const bySelector = { workloads: undefined, selector: { matchLabels: labels } };
  const exception = stage.exception('executors', tomorrow, bySelector);
  expect(await apply(exception)).toMatchObject({ code: 0 });
  await until('the exception to be known', async () => (await make('exec-2', owner, driver, labels)).code === 0);
  expect(await make('exec-3', owner, driver)).toMatchObject(DENIED);
});
