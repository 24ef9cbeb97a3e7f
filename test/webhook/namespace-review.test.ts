import { expect, test } from '@jest/globals';
import { exemptionsOf } from '../../src/policy/exemptions.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import { reviewNamespace } from '../../src/webhook/namespace-review.ts';
import { policyOf } from '../support/policies.ts';

const POLICIES = new PolicySet(
  Object.entries({
    everywhere: {},
    live: { matchLabels: { stage: 'live' } },
    tested: { matchLabels: { stage: 'test' } },
  }).map(([name, namespaceSelector]) =>
    policyOf({ profile: 'production-v1', match: { namespaceSelector } }, undefined, { name }),
  ),
);

function relabel(before: object | undefined, after: object | undefined, name = 'shop') {
  const object = (labels: object | undefined) => ({ metadata: { name, uid: 'u-1', labels } });
  const request = {
    kind: { version: 'v1', kind: 'Namespace' },
    name,
    operation: 'UPDATE',
    userInfo: { username: 'jane' },
    object: object(after),
    oldObject: object(before),
  } as never;
  return reviewNamespace(request, POLICIES, exemptionsOf(['operator'], []));
}

test('what a Namespace leaves by a change of labels is told, and never refused', () => {
  const decision = relabel({ stage: 'live' }, { stage: 'test' });
  expect(decision.response).toMatchObject({
    allowed: true,
    warnings: ['[live] namespaceSelector matches no more: Namespace shop leaves the policy'],
  });
  expect(decision.events).toEqual([
    {
      reason: 'PolicyLeft',
      type: 'Warning',
      action: 'Relabel',
      note: 'jane took Namespace shop out of policy live by a change of labels',
      regarding: { apiVersion: 'v1', kind: 'Namespace', name: 'shop', uid: 'u-1' },
    },
  ]);
});

test.each([
  ['entering', undefined, { stage: 'live' }, 'shop'],
  ['staying', { stage: 'live' }, { stage: 'live', colour: 'blue' }, 'shop'],
  ['no labels at all', undefined, undefined, 'shop'],
  ['a namespace that no policy concerns', { stage: 'live' }, undefined, 'operator'],
])('nothing is told of %s', (_, before, after, name) => {
  const { response, events } = relabel(before, after, name);
  expect([response.allowed, response.warnings, events]).toEqual([true, undefined, undefined]);
});
