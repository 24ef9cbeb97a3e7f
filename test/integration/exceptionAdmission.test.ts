/** What becomes of a ReadinessException on its way into the cluster. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { apply, Stage, type Json } from './stage.ts';

jest.setTimeout(90_000);

const POLICY: Json = {
  profile: 'none',
  checks: { imageTag: { priority: 'Critical' } },
  exceptions: { maxDuration: '240h' },
};

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

function exception(name: string, hours: number, spec: Json = {}): Json {
  return {
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessException',
    metadata: { name, namespace: stage.namespace },
    spec: {
      policies: [stage.policy],
      workloads: [{ kind: 'Deployment', name: 'web' }],
      checks: ['imageTag'],
      reason: 'vendor image, TICKET-1',
      expiresAt: new Date(Date.now() + hours * 3_600_000).toISOString(),
      ...spec,
    },
  };
}

test('what would not count is refused with the field and the cure', async () => {
  stage = await Stage.open('admitted', POLICY);
  const refused: [string, number, Json, string][] = [
    ['misspelt', 1, { checks: ['imageTga'] }, 'spec.checks[0]: unknown check imageTga; did you mean imageTag?'],
    ['past', -1, {}, 'spec.expiresAt: is in the past: it would never count'],
    ['long', 241, {}, 'spec.expiresAt: is further ahead than exceptions.maxDuration of policy admitted allows; set '],
    [
      'selector',
      1,
      { workloads: undefined, selector: { matchExpressions: [{ key: 'tier', operator: 'In', values: [] }] } },
      'spec.selector.matchExpressions[0]',
    ],
  ];
  for (const [name, hours, spec, message] of refused) {
    const { code, stderr } = await apply(exception(name, hours, spec));
    expect([name, code, stderr]).toEqual([name, 1, expect.stringContaining(message)]);
  }
  const mistaken = await apply(exception('mistaken', 1, { policies: ['admited'] }));
  expect([mistaken.code, mistaken.stderr]).toEqual([0, expect.stringContaining('did you mean admitted?')]);

  expect((await apply(exception('good', 239))).code).toBe(0);
  const longer = await apply(exception('good', 241));
  expect([longer.code, longer.stderr]).toEqual([1, expect.stringContaining('exceptions.maxDuration')]);
  expect((await apply(exception('good', -1))).code).toBe(0);
  // Labels are nobody's business.
  expect((await stage.run('label', 'rexc', 'good', 'seen=yes')).code).toBe(0);
  expect((await stage.run('delete', 'rexc', 'good')).code).toBe(0);
});
