/** What is being deleted is never judged, so that it can go: nothing comes of it either. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { latest, type Json, type Stage } from '../integration/stage.ts';
import { until } from '../support/until.ts';
import { attack, besieged, create, deniedBy, LATEST } from './attacker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await besieged('attack-deletion');
});
afterAll(() => stage.close());

test('a new object that says that it is being deleted', async () => {
  const object = stage.deployment('dying', latest);
  object['metadata'].deletionTimestamp = '2026-01-01T00:00:00Z';
  object['metadata'].deletionGracePeriodSeconds = 1;
  expect(await create(stage, object)).toMatchObject(deniedBy('imageTag'));
});

test.each(['Deployment', 'StatefulSet', 'ReplicaSet'])(
  'a %s that a finalizer keeps, and whose template is changed then',
  async (kind) => {
    const name = kind.toLowerCase();
    const what = `${name}/${name}`;
    const object = stage.deployment(name);
    const spec = { ...object['spec'], replicas: 0, ...(kind === 'StatefulSet' ? { serviceName: name } : {}) } as Json;
    const metadata = { name, finalizers: ['example.com/never'] };
    expect(await create(stage, { ...object, kind, metadata, spec })).toMatchObject({ code: 0 });
    await attack(stage, ['delete', what, '--wait=false']);
    const template = { spec: { containers: [{ name: 'app', image: LATEST }] } };
    const change = JSON.stringify({ spec: { replicas: 2, template } });
    expect(await attack(stage, ['patch', what, '-p', change])).toMatchObject({ code: 0 });

    // Its controller sees the change, and then what came after it.
    await create(stage, stage.deployment(`after-${name}`));
    const podsOf = async (owner: string): Promise<string[]> =>
      (await stage.names('pods')).filter((pod) => pod.startsWith(`pod/${owner}-`));
    await until('Pods of what came after', async () => (await podsOf(`after-${name}`)).length > 0);
    expect(await podsOf(name)).toEqual([]);
    await stage.run('patch', name, name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
  },
);

test('what a Deployment left behind when it went', async () => {
  expect(await create(stage, stage.deployment('orphaning'))).toMatchObject({ code: 0 });
  const set = await until('its ReplicaSet', async () =>
    (await stage.names('rs')).find((name) => name.includes('/orphaning-')),
  );
  await attack(stage, ['delete', 'deployment', 'orphaning', '--cascade=orphan']);
  const change = JSON.stringify({ spec: { template: { spec: { containers: [{ name: 'app', image: LATEST }] } } } });
  expect(await attack(stage, ['patch', set, '-p', change])).toMatchObject(deniedBy('imageTag'));
});
