/** Templates that are made to look as if they ran before, because `kubectl rollout undo` only warns. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { apply, attempt, DEVELOPER, latest, nextSecond, Stage, type Json } from '../integration/stage.ts';
import { until } from '../support/until.ts';

const POLICY: Json = {
  profile: 'none',
  checks: {
    imageTag: { priority: 'Critical' },
    minReplicas: { priority: 'Critical', replicas: 2 },
    rollbackHistory: { priority: 'Critical' },
  },
};
const MOVING = 'the tag latest is not allowed';
const RAN_BEFORE = '(a template that ran before)';

let count = 0;
let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open(`rollback-${(count += 1)}`);
  await stage.grant('alice', 'admin');
});
afterEach(() => stage.close());

const asDeveloper = (args: readonly string[], input?: unknown) =>
  attempt(['-n', stage.namespace, ...args], input, { as: DEVELOPER });
const patch = (what: string, change: object) =>
  asDeveloper(['patch', what, '--type=merge', '-p', JSON.stringify(change)]);

function statefulSet(change?: (spec: Json, container: Json) => void): Json {
  const { spec } = stage.deployment('web', change);
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: stage.namespace },
    spec: { ...spec, serviceName: 'web' },
  };
}

/** A ControllerRevision of the StatefulSet, or what looks like one. */
function revision(name: string, uid: string, template: Json): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      namespace: stage.namespace,
      labels: { app: 'web' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid, controller: true }],
    },
    revision: 7,
    data: { spec: { template: { ...template, $patch: 'replace' } } },
  };
}

const KINDS = [
  ['deployment/web', 'rs', (change?: (spec: Json, container: Json) => void) => stage.deployment('web', change)],
  ['statefulset/web', 'controllerrevisions', statefulSet],
] as const;

/** Applies a workload and waits until its controller keeps its template as the so-manieth revision. */
async function running(object: Json, revisions: string, count: number): Promise<void> {
  expect(await apply(object)).toMatchObject({ code: 0 });
  await until('its revision', async () => (await stage.names(revisions)).length === count);
}

test.each(KINDS)(
  '%s: a revision that was made before the policy brings its template back, and nothing else',
  async (what, revisions, object) => {
    await running(object(latest), revisions, 1);
    await running(object(), revisions, 2);
    await nextSecond();
    await stage.enforce(POLICY);
    const { template } = object(latest)['spec'] as Json;
    for (const [change, message] of [
      [{ replicas: 1 }, 'is 1, at least 2'],
      [{ revisionHistoryLimit: 0 }, 'revisionHistoryLimit'],
    ] as const) {
      const { code, stderr } = await patch(what, { spec: { template, ...change } });
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    }
    const { code, stderr } = await patch(what, { spec: { template } });
    expect([code, stderr]).toEqual([0, expect.stringContaining(RAN_BEFORE)]);
  },
);

test.each(KINDS)(
  '%s: what ran while the policy only warned comes back once it denies, by kubectl rollout undo',
  async (what, revisions, object) => {
    await stage.enforce({ ...POLICY, enforcement: { critical: 'Warn' } });
    // One after the other at once: a report is written every ten seconds at most, and must miss none of them.
    await running(object(latest), revisions, 1);
    await running(object(), revisions, 2);
    await stage.enforce(POLICY);
    const [kind] = what.split('/');
    await until('the report to hold both', async () => {
      const report = await stage.get('rrep', `${kind}-web`).catch(() => undefined);
      return report?.['templates']?.length === 2;
    });
    const { code, stderr } = await asDeveloper(['rollout', 'undo', what]);
    expect([code, stderr]).toEqual([0, expect.stringContaining(RAN_BEFORE)]);
  },
);

test('a ReplicaSet that is made by hand for a Deployment shows nothing', async () => {
  await stage.enforce(POLICY);
  await running(stage.deployment('web'), 'rs', 1);
  const owner = await stage.get('deployment', 'web');
  const wanted = stage.deployment('web', latest);
  // By the administrator, whom another policy lets: it is the Deployment that must not believe it.
  await stage.enforce({ ...POLICY, match: { kinds: ['Deployment'] } });
  const forged = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: 'web-forged',
      namespace: stage.namespace,
      labels: { app: 'web' },
      annotations: { 'deployment.kubernetes.io/revision': '1' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: owner['metadata'].uid, controller: true },
      ],
    },
    spec: { replicas: 0, selector: wanted['spec'].selector, template: wanted['spec'].template },
  };
  const made = await asDeveloper(['create', '-f', '-'], forged);
  expect([made.code, made.stderr]).toEqual([0, '']);
  const { code, stderr } = await patch('deployment/web', { spec: { template: wanted['spec'].template } });
  expect([code, stderr]).toEqual([1, expect.stringContaining(MOVING)]);
});

test('a ControllerRevision that is forged for a StatefulSet shows nothing', async () => {
  await stage.enforce(POLICY);
  await running(statefulSet(), 'controllerrevisions', 1);
  const owner = await stage.get('statefulset', 'web');
  const { template } = statefulSet(latest)['spec'] as Json;
  const forged = revision('web-forged', owner['metadata'].uid, template);
  const made = await attempt(['create', '-f', '-'], forged);
  expect([made.code, made.stderr]).toEqual([0, '']);
  const { code, stderr } = await patch('statefulset/web', { spec: { template } });
  expect([code, stderr]).toEqual([1, expect.stringContaining(MOVING)]);
});

test('who administers a namespace can not write into a report what ran', async () => {
  await stage.enforce(POLICY);
  await running(stage.deployment('web'), 'rs', 1);
  await stage.report('deployment-web');
  const { code, stderr } = await asDeveloper([
    'patch',
    'rrep',
    'deployment-web',
    '--type=merge',
    '-p',
    '{"templates":[]}',
  ]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('cannot patch resource "readinessreports"')]);
});

test('what another object of the same name ran is not what this one ran', async () => {
  await stage.enforce({ ...POLICY, enforcement: { critical: 'Warn' } });
  await running(stage.deployment('web', latest), 'rs', 1);
  await stage.report('deployment-web');
  await stage.enforce(POLICY);
  expect((await asDeveloper(['delete', 'deployment', 'web'])).code).toBe(0);
  expect((await asDeveloper(['apply', '-f', '-'], stage.deployment('web'))).code).toBe(0);
  const { template } = stage.deployment('web', latest)['spec'] as Json;
  const { code, stderr } = await patch('deployment/web', { spec: { template } });
  expect([code, stderr]).toEqual([1, expect.stringContaining(MOVING)]);
});

test('an older revision is found behind others, which are read a few at a time', async () => {
  await running(statefulSet(), 'controllerrevisions', 1);
  const { uid } = (await stage.get('statefulset', 'web'))['metadata'] as Json;
  const { template } = statefulSet(latest)['spec'] as Json;
  const revisions = Array.from({ length: 12 }, (_, index) =>
    revision(`web-old-${String(index).padStart(2, '0')}`, uid, index === 11 ? template : {}),
  );
  const list = { apiVersion: 'v1', kind: 'List', items: revisions };
  expect((await attempt(['create', '-f', '-'], list)).code).toBe(0);
  await nextSecond();
  await stage.enforce(POLICY);
  const { code, stderr } = await patch('statefulset/web', { spec: { template } });
  expect([code, stderr]).toEqual([0, expect.stringContaining(RAN_BEFORE)]);
});
