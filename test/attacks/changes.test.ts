/** A workload that was let in because it is ready, and is then changed in every way that there is. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { latest, type Json, type Stage } from '../integration/stage.ts';
import { until } from '../support/until.ts';
import { attack, besieged, create, deniedBy, LATEST } from './attacker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await besieged('attack-changes');
  expect(await create(stage, stage.deployment('web'))).toMatchObject({ code: 0 });
  await until('its ReplicaSet', async () => (await stage.names('rs')).length === 1);
});
afterAll(() => stage.close());

const patch = (what: string, type: string, change: unknown, ...more: string[]) =>
  attack(stage, ['patch', what, `--type=${type}`, '-p', JSON.stringify(change), ...more]);

const inTemplate = (pod: Json, metadata: Json = {}): Json => ({ spec: { template: { metadata, spec: pod } } });

test.each<[how: string, type: string, change: unknown, check: string]>([
  ['a strategic patch', 'strategic', inTemplate({ containers: [{ name: 'app', image: LATEST }] }), 'imageTag'],
  [
    'a strategic patch that adds a container',
    'strategic',
    inTemplate({ containers: [{ name: 'more', image: LATEST }] }),
    'imageTag',
  ],
  [
    'a strategic patch that deletes a field',
    'strategic',
    inTemplate({ containers: [{ name: 'app', livenessProbe: null }] }),
    'livenessProbe',
  ],
  ['a merge patch', 'merge', inTemplate({ containers: [{ name: 'app', image: LATEST }] }), 'imageTag'],
  [
    'a JSON patch that replaces',
    'json',
    [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: LATEST }],
    'imageTag',
  ],
  [
    'a JSON patch that removes',
    'json',
    [{ op: 'remove', path: '/spec/template/spec/containers/0/livenessProbe' }],
    'livenessProbe',
  ],
  [
    'what looks like a restart',
    'strategic',
    inTemplate(
      { containers: [{ name: 'app', image: LATEST }] },
      { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' } },
    ),
    'imageTag',
  ],
])('%s', async (_how, type, change, check) => {
  expect(await patch('deployment/web', type, change)).toMatchObject(deniedBy(check));
});

test('server-side apply that takes the fields of others, and that creates', async () => {
  const force = ['apply', '--server-side', '--force-conflicts', '--field-manager=mallory', '-f', '-'];
  for (const name of ['web', 'new']) {
    expect(await attack(stage, force, stage.deployment(name, latest))).toMatchObject(deniedBy('imageTag'));
  }
});

test('a deletion that is only written down', async () => {
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  const change = { metadata, ...inTemplate({ containers: [{ name: 'app', image: LATEST }] }) };
  const { code, stderr } = await patch('deployment/web', 'strategic', change);
  expect([code, stderr]).toEqual([1, expect.stringContaining('deletionTimestamp')]);
});

test('replaced, and deleted and made anew', async () => {
  const object = stage.deployment('web', latest);
  expect(await attack(stage, ['replace', '-f', '-'], object)).toMatchObject(deniedBy('imageTag'));
  expect(await create(stage, stage.deployment('brief'))).toMatchObject({ code: 0 });
  const anew = await attack(stage, ['replace', '--force', '-f', '-'], stage.deployment('brief', latest));
  expect(anew).toMatchObject(deniedBy('imageTag'));
});

test('the ReplicaSet of a Deployment, and a Pod of the ReplicaSet', async () => {
  const [set = ''] = await stage.names('rs');
  const template = inTemplate({ containers: [{ name: 'app', image: LATEST }] });
  expect(await patch(set, 'strategic', template)).toMatchObject(deniedBy('imageTag'));
  const [pod = ''] = await until('its Pods', async () => {
    const names = await stage.names('pods');
    return names.length > 0 && names;
  });
  const image = { spec: { containers: [{ name: 'app', image: LATEST }] } };
  expect(await patch(pod, 'strategic', image)).toMatchObject(deniedBy('imageTag'));
});

test('a subresource that keeps the template as it is', async () => {
  const image = { containers: [{ name: 'app', image: LATEST }] };
  await patch('deployment/web', 'strategic', inTemplate(image), '--subresource=status');
  const [pod = ''] = await stage.names('pods');
  const debug = { ...image, ephemeralContainers: [{ name: 'debug', image: 'x:1', targetContainerName: 'app' }] };
  await patch(pod, 'strategic', { spec: debug }, '--subresource=ephemeralcontainers');
  expect(JSON.stringify(await stage.get('deployment', 'web'))).not.toContain(LATEST);
  expect(JSON.stringify(await stage.get('pod', pod.replace('pod/', '')))).not.toContain(LATEST);
});

test('an older template that was put there: a ReplicaSet or a revision that never ran', async () => {
  const { uid } = (await stage.get('deployment', 'web'))['metadata'] as Json;
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid, controller: true };
  const { template } = stage.deployment('web', latest)['spec'] as Json;
  const labels = { app: 'web', 'pod-template-hash': 'forged' };
  const set = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'web-forged', labels, ownerReferences: [owner] },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { ...template, metadata: { labels } },
    },
  };
  expect(await create(stage, set)).toMatchObject(deniedBy('imageTag'));
  const revision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name: 'web-forged', labels, ownerReferences: [{ ...owner, kind: 'StatefulSet' }] },
    data: { spec: { template } },
    revision: 7,
  };
  const { code, stderr } = await create(stage, revision);
  expect([code, stderr]).toEqual([1, expect.stringContaining('cannot create resource "controllerrevisions"')]);
  expect(await patch('deployment/web', 'strategic', { spec: { template } })).toMatchObject(deniedBy('imageTag'));
});
