/** Pods that are asked for in another way than by a Deployment that says plainly what it is. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { latest, type Json, type Stage } from '../integration/stage.ts';
import { besieged, create, deniedBy, LATEST } from './attacker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await besieged('attack-templates');
});
afterAll(() => stage.close());

const bad = (name: string): Json => stage.deployment(name, latest)['spec'] as Json;
const once = (template: Json): Json => ({ ...template, spec: { ...template['spec'], restartPolicy: 'Never' } });

test.each<[kind: string, apiVersion: string, spec: (name: string) => Json]>([
  ['ReplicaSet', 'apps/v1', bad],
  ['DaemonSet', 'apps/v1', (name) => ({ ...bad(name), replicas: undefined })],
  ['StatefulSet', 'apps/v1', (name) => ({ ...bad(name), serviceName: name })],
  ['ReplicationController', 'v1', (name) => ({ ...bad(name), selector: { app: name } })],
  ['Job', 'batch/v1', (name) => ({ template: once(bad(name)['template']), suspend: true })],
  [
    'CronJob',
    'batch/v1',
    (name) => ({
      schedule: '@yearly',
      suspend: true,
      jobTemplate: { spec: { template: once(bad(name)['template']) } },
    }),
  ],
  ['Pod', 'v1', (name) => bad(name)['template'].spec as Json],
])('a %s instead of a Deployment', async (kind, apiVersion, spec) => {
  const object = { apiVersion, kind, metadata: { name: 'other' }, spec: spec('other') };
  expect(await create(stage, object)).toMatchObject(deniedBy('imageTag'));
});

test('no replicas, paused, or without a name of its own', async () => {
  const stopped = stage.deployment('stopped', latest);
  stopped['spec'].replicas = 0;
  const paused = stage.deployment('paused', latest);
  paused['spec'].paused = true;
  const unnamed = stage.deployment('unnamed', latest);
  unnamed['metadata'] = { generateName: 'unnamed-' };
  for (const object of [stopped, paused, unnamed]) {
    expect(await create(stage, object)).toMatchObject(deniedBy('imageTag'));
  }
});

const CONTAINER = { name: 'second', image: LATEST };
test.each<[where: string, change: (pod: Json) => void, check: string]>([
  ['an init container', (pod) => (pod['initContainers'] = [CONTAINER]), 'imageTag'],
  ['a sidecar', (pod) => (pod['initContainers'] = [{ ...CONTAINER, restartPolicy: 'Always' }]), 'imageTag'],
  ['a second container', (pod) => pod['containers'].push(CONTAINER), 'imageTag'],
  [
    'an init container that is privileged',
    (pod) => (pod['initContainers'] = [{ name: 'i', image: 'x:1', securityContext: { privileged: true } }]),
    'podSecurityBaseline',
  ],
  ['the network of the host', (pod) => (pod['hostNetwork'] = true), 'podSecurityBaseline'],
  ['the processes of the host', (pod) => (pod['hostPID'] = true), 'podSecurityBaseline'],
  ['a path of the host', (pod) => (pod['volumes'] = [{ name: 'v', hostPath: { path: '/' } }]), 'podSecurityBaseline'],
  ['a port of the host', (pod) => (pod['containers'][0].ports[0].hostPort = 8080), 'podSecurityBaseline'],
])('%s', async (_where, change, check) => {
  const object = stage.deployment('hidden', ({ template }) => change(template.spec as Json));
  expect(await create(stage, object)).toMatchObject(deniedBy(check));
});

test('a field that is null, or written with a capital', async () => {
  const none = stage.deployment('none', (_, container) => (container['livenessProbe'] = null));
  expect(await create(stage, none)).toMatchObject(deniedBy('livenessProbe'));
  const capital = stage.deployment('capital', (_, container) => {
    container['LivenessProbe'] = container['livenessProbe'];
    delete container['livenessProbe'];
  });
  expect(await create(stage, capital, '--validate=false')).toMatchObject(deniedBy('livenessProbe'));
});

test('a key that stands twice', async () => {
  const text = JSON.stringify(stage.deployment('twice'));
  const image = '"image":"registry.example.com/shop/app:1.0.0"';
  expect(text).toContain(image);
  // The last one counts, for the API server and so for what the operator is shown.
  const object = text.replace(image, `${image},"image":"${LATEST}"`);
  expect(await create(stage, object, '--validate=false')).toMatchObject(deniedBy('imageTag'));
});

test('more containers than are judged', async () => {
  const many = stage.deployment('many', ({ template }) => {
    const [first] = template.spec.containers as Json[];
    template.spec.containers = Array.from({ length: 501 }, (_, index) => ({ ...first, name: `c${index}`, ports: [] }));
  });
  const { code, stderr } = await create(stage, many);
  expect([code, stderr]).toEqual([1, expect.stringContaining('has 501 containers; at most 500 are judged')]);
});

test('an ephemeral container in a new Pod, which is for running ones', async () => {
  const { template } = stage.deployment('debugged')['spec'] as Json;
  template.spec.ephemeralContainers = [{ name: 'debug', image: LATEST }];
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'debugged' }, spec: template.spec };
  const { code, stderr } = await create(stage, pod);
  expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be set on create')]);
});

test('lines that pretend to be an answer of the operator', async () => {
  const image = 'x:latest\n\u001b[2KDeployment lies is ready';
  const lies = stage.deployment('lies', (_, container) => (container['image'] = image));
  const { code, stderr } = await create(stage, lies);
  const shown = '"x:latest\\u000a\\u001b[2KDeployment lies is ready"';
  expect([code, stderr]).toEqual([1, expect.stringContaining(shown)]);
});
