/** Who may do everything in one namespace writes owner references, which nothing believes. */
import { afterEach, expect, test } from '@jest/globals';
import { apply, attempt, DEVELOPER, kube, latest, Stage, type Json } from '../integration/stage.ts';
import { until } from '../support/until.ts';

const POLICY: Json = {
  profile: 'none',
  checks: { minReplicas: { priority: 'Critical' }, livenessProbe: { priority: 'Critical' } },
};

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

/** An object that says that another one, which is there, controls it. */
async function owned(object: Json, apiVersion: string, kind: string, name: string): Promise<Json> {
  const { uid } = (await stage.get(kind.toLowerCase(), name))['metadata'] as Json;
  object['metadata'].ownerReferences = [{ apiVersion, kind, name, uid, controller: true }];
  return object;
}

test('a Deployment that a ConfigMap, a Job or another Deployment "controls" is judged as any other', async () => {
  stage = await Stage.open('owners-create');
  await stage.grant('alice', 'admin');
  await stage.run('create', 'configmap', 'boss');
  await stage.run('create', 'job', 'boss', '--image=x:1');
  await apply(stage.deployment('boss'));
  await stage.enforce(POLICY);
  for (const [apiVersion, kind] of [
    ['v1', 'ConfigMap'],
    ['batch/v1', 'Job'],
    ['apps/v1', 'Deployment'],
  ] as const) {
    const single = stage.deployment('web', (spec, container) => {
      spec['replicas'] = 1;
      delete container['livenessProbe'];
    });
    const { code, stderr } = await attempt(['create', '-f', '-'], await owned(single, apiVersion, kind, 'boss'), {
      as: DEVELOPER,
    });
    expect([kind, code, stderr]).toEqual([kind, 1, expect.stringContaining('minReplicas')]);
    expect(stderr).toContain('livenessProbe');
  }
});

test('nor is it scaled below the least count', async () => {
  stage = await Stage.open('owners-scale', POLICY);
  await stage.grant('alice', 'admin');
  await stage.run('create', 'configmap', 'boss');
  expect(await apply(await owned(stage.deployment('web'), 'v1', 'ConfigMap', 'boss'))).toMatchObject({ code: 0 });
  const scaled = await attempt(['-n', stage.namespace, 'scale', 'deployment', 'web', '--replicas=1'], undefined, {
    as: DEVELOPER,
  });
  expect([scaled.code, scaled.stderr]).toEqual([1, expect.stringContaining('is 1, at least 2 are required')]);
});

test('patched onto a Deployment that is not ready, it hides nothing from the reports', async () => {
  stage = await Stage.open('owners-hide');
  await stage.run('create', 'configmap', 'boss');
  const single = stage.deployment('web', (spec) => (spec['replicas'] = 1));
  await apply(single);
  await stage.enforce(POLICY);
  await until('its report', () => stage.report('deployment-web'));
  const hidden = await owned(single, 'v1', 'ConfigMap', 'boss');
  const patch = JSON.stringify({ metadata: { ownerReferences: hidden['metadata'].ownerReferences } });
  expect(await stage.run('patch', 'deployment', 'web', '--type=merge', '-p', patch)).toMatchObject({ code: 0 });
  // What comes later is reported later.
  await apply(stage.deployment('later'));
  await until('the report of what came later', () => stage.report('deployment-later'));
  await until(
    'both to be counted',
    async () => (await stage.get('rpol', stage.policy))['status'].workloads.matched === 2,
  );
  expect(await stage.report('deployment-web')).toMatchObject({ ready: 'False' });
});

test('a ReplicaSet that a Deployment "controls" without selecting it is let go of, and reported', async () => {
  stage = await Stage.open('owners-set');
  await apply(stage.deployment('web'));
  const { spec } = stage.deployment('lone', latest);
  const set = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: 'lone', namespace: stage.namespace },
    spec,
  };
  spec.replicas = 1;
  expect(await apply(await owned(set, 'apps/v1', 'Deployment', 'web'))).toMatchObject({ code: 0 });
  await stage.enforce(POLICY);
  const report = await until('its report', () => stage.report('replicaset-lone'));
  expect(report).toMatchObject({ ready: 'False' });
  expect((await stage.get('rs', 'lone'))['metadata']).not.toHaveProperty('ownerReferences');
});

test('a controller of one namespace alone is none: who administers that can grant it', async () => {
  stage = await Stage.open('owners-controller');
  const robot = `system:serviceaccount:${stage.namespace}:robot`;
  await stage.run('create', 'serviceaccount', 'robot');
  await stage.grant(robot, 'admin');
  await apply(stage.deployment('boss'));
  await stage.enforce(POLICY);
  const pod: Json = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'evil', namespace: stage.namespace },
    spec: { containers: [{ name: 'app', image: 'x:1' }] },
  };
  // The role admin may update the status of nothing by itself; in its namespace it can be given that.
  await kube(['create', 'clusterrole', 'deployment-status', '--verb=update', '--resource=deployments.apps/status']);
  try {
    await stage.run(
      'create',
      'rolebinding',
      'status',
      '--clusterrole=deployment-status',
      `--serviceaccount=${stage.namespace}:robot`,
    );
    await stage.may(robot, 'update', 'deployments.apps/status');
    const forged = await owned(pod, 'apps/v1', 'Deployment', 'boss');
    const { code, stderr } = await attempt(['create', '-f', '-'], forged, { as: robot });
    expect([code, stderr]).toEqual([1, expect.stringContaining('livenessProbe')]);
  } finally {
    await kube(['delete', 'clusterrole', 'deployment-status']);
  }
});

test('an owner whose API leads elsewhere is asked nobody about', async () => {
  stage = await Stage.open('owners-path', POLICY);
  const robot = `system:serviceaccount:${stage.namespace}:robot`;
  await stage.run('create', 'serviceaccount', 'robot');
  await stage.grant(robot, 'admin');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'evil',
      namespace: stage.namespace,
      ownerReferences: [{ apiVersion: '../..', kind: 'Secret', name: '..', uid: 'u', controller: true }],
    },
    spec: { containers: [{ name: 'app', image: 'x:1' }] },
  };
  const { code, stderr } = await attempt(['create', '-f', '-'], pod, { as: robot });
  expect([code, stderr]).toEqual([1, expect.stringContaining('livenessProbe')]);
});
