/** Replica counts that are changed in ways that look like a rollback, which is let pass. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { apply, attempt, DEVELOPER, Stage, type Json } from '../integration/stage.ts';
import { until } from '../support/until.ts';

const POLICY: Json = {
  profile: 'none',
  checks: {
    imageTag: { priority: 'Critical' },
    minReplicas: { priority: 'Critical', replicas: 2 },
    maxReplicas: { priority: 'Critical', replicas: 5 },
  },
};
const TOO_FEW = 'is 1, at least 2 are required';

let count = 0;
let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open(`replicas-${(count += 1)}`);
  await stage.grant('alice', 'admin');
});
afterEach(() => stage.close());

const patch = (what: string, change: object) =>
  attempt(['-n', stage.namespace, 'patch', what, '--type=merge', '-p', JSON.stringify(change)], undefined, {
    as: DEVELOPER,
  });

/** Applies a workload and waits until its controller keeps its template as a revision. */
async function running(object: Json, revisions: 'rs' | 'controllerrevisions', count = 1): Promise<void> {
  expect(await apply(object)).toMatchObject({ code: 0 });
  await until('its revision', async () => (await stage.names(revisions)).length === count);
}

function statefulSet(): Json {
  const { spec } = stage.deployment('web');
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: stage.namespace },
    spec: { ...spec, serviceName: 'web' },
  };
}

test.each([
  ['deployment/web', 'rs', () => stage.deployment('web')],
  ['statefulset/web', 'controllerrevisions', statefulSet],
] as const)('%s, whose own template is a revision: no count out of bounds', async (what, revisions, object) => {
  await stage.enforce(POLICY);
  await running(object(), revisions);
  for (const [replicas, message] of [
    [1, TOO_FEW],
    // Left out means 1.
    [null, TOO_FEW],
    [50, 'is 50, at most 5'],
  ] as const) {
    const { code, stderr } = await patch(what, { spec: { replicas } });
    expect([replicas, code, stderr]).toEqual([replicas, 1, expect.stringContaining(message)]);
  }
  expect((await patch(what, { spec: { replicas: 3 } })).code).toBe(0);
});

test('a workload that enters a policy by its labels is judged in full, whatever it ran before', async () => {
  const single = stage.deployment('web', (spec) => (spec['replicas'] = 1));
  await running(single, 'rs');
  await stage.enforce({ ...POLICY, match: { workloadSelector: { matchLabels: { tier: 'web' } } } });
  const { code, stderr } = await patch('deployment/web', { metadata: { labels: { tier: 'web' } } });
  expect([code, stderr]).toEqual([1, expect.stringContaining(TOO_FEW)]);
});
