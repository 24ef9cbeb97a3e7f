/** Whoever reaches the webhook's port posts reviews that the API server never sent. */
import { afterEach, expect, test } from '@jest/globals';
import { apply, kube, latest, Stage, type Json } from '../integration/stage.ts';
import { reviewOf } from '../support/manifests.ts';
import { metricsOf, postReview } from '../support/posting.ts';
import { until } from '../support/until.ts';

const base = process.env['READINESS_TEST_OPERATOR'] ?? '';
const POLICY: Json = { profile: 'none', checks: { imageTag: { priority: 'Critical' } } };
const REFERENCES: Json = { profile: 'none', checks: { secretReferences: { priority: 'Critical' } } };
const UNTOLD = { allowed: true, warnings: [expect.stringContaining('does not know who asks')] };

const stages: Stage[] = [];
afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.close();
});

async function open(name: string, spec?: Json): Promise<Stage> {
  const stage = await Stage.open(name, spec);
  stages.push(stage);
  return stage;
}

/** The paths by which somebody comes who does not know the token. */
function guesses({ policy }: Stage): [string, string] {
  const path = `/validate/workloads/${policy}`;
  return [base + path, `${base}/t/${'0'.repeat(32)}${path}`];
}

/** A Deployment that is denied. */
const bad = (stage: Stage): Json => stage.deployment('web', latest);

/** A Deployment that takes a key of a Secret. */
const needing = (stage: Stage, name: string, key: string): Json =>
  stage.deployment('web', (_, container) => {
    container['env'] = [{ name: 'P', valueFrom: { secretKeyRef: { name, key } } }];
  });

async function answerOf(url: string, object: Json, more: Json = {}): Promise<Json> {
  const review = reviewOf(object, { namespace: object['metadata'].namespace, ...more });
  const { status, text } = await postReview(url, review);
  expect([status, text]).toEqual([200, expect.stringContaining('"response"')]);
  return (JSON.parse(text) as Json)['response'] as Json;
}

/** The events about rollouts in a namespace: reasons, and of which workload. */
async function rollouts({ namespace }: Stage): Promise<string[]> {
  const { items } = JSON.parse(await kube(['-n', namespace, 'get', 'events', '-o', 'json'])) as Json;
  return (items as Json[])
    .filter(({ reason }) => /Rollout|Glass/.test(reason as string))
    .map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`);
}

/** How many strangers have been counted. */
async function strangers(): Promise<number> {
  return Number(/^readiness_operator_unknown_callers_total (\d+)$/m.exec(await metricsOf(base))?.[1]);
}

test('a forged broken glass leaves no trace; by the path of the API server it would', async () => {
  const stage = await open('callers-glass', POLICY);
  const forged = bad(stage);
  forged['metadata'].annotations = { 'readiness-operator.dev/break-glass': 'all is lost' };
  const userInfo = { username: 'kubernetes-admin', groups: ['system:masters'] };
  const before = await strangers();
  for (const url of guesses(stage)) {
    const { allowed, status } = await answerOf(url, forged, { userInfo });
    expect([allowed, status.message]).toEqual([false, expect.stringContaining('imageTag')]);
  }
  expect(await answerOf(await stage.calledUrl(), forged, { userInfo })).toMatchObject({ allowed: true });
  // What is recorded now is of the last one alone, since what came before would be there already.
  await until('its event', async () => (await rollouts(stage)).length > 0);
  await until('its count', async () =>
    (await metricsOf(base)).includes(`break_glass_total{policy="${stage.policy}"} 1\n`),
  );
  expect(await rollouts(stage)).toEqual(['BreakGlassUsed web']);
  await until('the count of strangers', async () => (await strangers()) >= before + 2);
});

test('nobody is told of what was denied to a stranger', async () => {
  const stage = await open('callers-denied', POLICY);
  const denied = async (url: string, name: string): Promise<void> => {
    const rename = (object: Json): Json => ({ ...object, metadata: { ...object['metadata'], name } });
    const rollout = { name, operation: 'UPDATE', oldObject: rename(stage.deployment('web')) };
    expect(await answerOf(url, rename(bad(stage)), rollout)).toMatchObject({ allowed: false });
  };
  for (const url of guesses(stage)) await denied(url, 'forged');
  await denied(await stage.calledUrl(), 'real');
  await until('the event of the one who is known', async () => (await rollouts(stage)).length > 0);
  expect(await rollouts(stage)).toEqual(['RolloutDenied real']);
});

test('a stranger is answered alike whether a Secret and its key are there or not', async () => {
  const stage = await open('callers-secrets', REFERENCES);
  for (const url of guesses(stage)) expect(await answerOf(url, needing(stage, 'db', 'password'))).toMatchObject(UNTOLD);
  const absent = await answerOf(guesses(stage)[0], needing(stage, 'db', 'password'));
  await stage.run('create', 'secret', 'generic', 'db', '--from-literal=password=x');
  await until(
    'the Secret to be known',
    async () => (await apply(needing(stage, 'db', 'password'), '--dry-run=server')).stderr === '',
  );
  for (const url of guesses(stage)) expect(await answerOf(url, needing(stage, 'db', 'password'))).toEqual(absent);
  expect(await answerOf(guesses(stage)[0], needing(stage, 'db', 'user'))).toMatchObject(UNTOLD);
});

test('nor does he learn which workloads there are, by scaling them', async () => {
  const stage = await open('callers-scale', POLICY);
  await apply(stage.deployment('web'));
  await until('its report', () => stage.report('deployment-web'));
  const scale = (name: string): Promise<unknown> => {
    const object = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name }, spec: { replicas: 1 } };
    const more = { kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, subResource: 'scale' };
    const { namespace } = stage;
    return postReview(guesses(stage)[0], reviewOf(object, { namespace, name, operation: 'UPDATE', ...more }));
  };
  const there = await scale('web');
  expect(there).toMatchObject({ status: 503 });
  expect(await scale('none')).toEqual(there);
});

test('who knows the path of one policy learns nothing of namespaces that it does not concern', async () => {
  const stage = await open('callers-here', REFERENCES);
  const elsewhere = await open('callers-elsewhere');
  await elsewhere.run('create', 'secret', 'generic', 'db', '--from-literal=password=x');
  const url = await stage.calledUrl();
  // The very question that is answered where it may be asked.
  expect(await answerOf(url, needing(stage, 'db', 'password'))).toMatchObject({ allowed: false });
  for (const [name, key] of [
    ['db', 'password'],
    ['db', 'user'],
    ['none', 'password'],
  ] as const) {
    expect(await answerOf(url, needing(elsewhere, name, key))).toMatchObject(UNTOLD);
  }
});

test('an owner whom nobody serves speaks for no one, and none speaks for a stranger', async () => {
  const stage = await open('callers-owner', POLICY);
  // Who may do everything may act for any owner that there can be.
  const userInfo = { username: `system:serviceaccount:${stage.namespace}:robot`, groups: ['system:masters'] };
  const more = {
    kind: { group: 'apps', version: 'v1', kind: 'ReplicaSet' },
    resource: { group: 'apps', version: 'v1', resource: 'replicasets' },
    userInfo,
  };
  const allowed = async (url: string, apiVersion: string, kind: string): Promise<unknown> => {
    const object = { ...bad(stage), kind: 'ReplicaSet' } as Json;
    object['metadata'].ownerReferences = [{ apiVersion, kind, name: 'x', uid: 'u', controller: true }];
    return (await answerOf(url, object, more))['allowed'];
  };
  const url = await stage.calledUrl();
  expect(await allowed(url, 'apps/v1', 'Deployment')).toBe(true);
  expect(await allowed(url, 'apps/v1', 'Nobody')).toBe(false);
  expect(await allowed(url, 'nobody.example.com/v1', 'Deployment')).toBe(false);
  expect(await allowed(url, '../../apis/apps/v1', 'Deployment')).toBe(false);
  for (const guess of guesses(stage)) expect(await allowed(guess, 'apps/v1', 'Deployment')).toBe(false);
});

test('kinds that a stranger makes up are in no label of a metric', async () => {
  const stage = await open('callers-metrics', POLICY);
  const before = await strangers();
  for (let index = 0; index < 20; index++) {
    const kind = { group: 'x.example.com', version: 'v1', kind: `MadeUp${index}` };
    await answerOf(guesses(stage)[0], bad(stage), { kind });
  }
  await until('all to be counted', async () => (await strangers()) >= before + 20);
  expect(await metricsOf(base)).not.toContain('MadeUp');
});
