/** A policy's status never says of its newest version what is true of an older one alone. */
import { expect, test } from '@jest/globals';
import { policyStatus, type PolicyStatus, type StatusFacts } from '../../src/controller/policy-status.ts';
import type { Omission } from '../../src/controller/webhook-configuration-objects.ts';
import type { RawObject } from '../../src/engine/workload.ts';
import { policyOf } from '../support/policies.ts';

const SPEC = { profile: 'production-v1' };
/** A policy whose first version is in force and routed. */
const object = (generation: number): RawObject => ({ metadata: { name: 'production', generation }, spec: SPEC });
const FIRST = policyOf(SPEC, undefined, { name: 'production', generation: 1 });

function statusOf(state: Partial<StatusFacts['state']>, omission?: Omission): PolicyStatus {
  return policyStatus({
    state: { object: object(1), problems: [], inForce: FIRST, inForceSpec: SPEC, ...state },
    tally: undefined,
    routing: new Map([['production', { generation: 1, omission }]]),
    kinds: [],
    workloadState: () => undefined,
    unreadable: () => undefined,
    unserved: () => false,
    exemptNamespaces: [],
    now: 0,
  });
}

function conditionsOf(state: Partial<StatusFacts['state']>, omission?: Omission): Record<string, unknown> {
  const status = statusOf(state, omission);
  return Object.fromEntries(
    (status.conditions ?? []).map((one) => [one.type, [one.status, one.reason, one.observedGeneration]]),
  );
}

test('in force and routed', () => {
  expect(conditionsOf({})).toEqual({
    Ready: ['True', 'InForce', 1],
    Enforced: ['True', 'Routed', 1],
    Informed: ['True', 'AllRead', 1],
  });
});

test('while the newest version is read, Enforced speaks of the one before', () => {
  expect(conditionsOf({ object: object(2) })).toEqual({
    Ready: ['False', 'Reading', 2],
    Enforced: ['True', 'Routed', 1],
    Informed: ['True', 'AllRead', 1],
  });
});

test('when the newest version can not be used, Enforced speaks of the last good one', () => {
  const problems = [{ path: ['spec', 'checks', 'memoryLimts'], message: 'unknown check' }];
  expect(conditionsOf({ object: object(3), problems })).toEqual({
    Ready: ['False', 'UnknownCheck', 3],
    Enforced: ['True', 'Routed', 1],
    Informed: ['True', 'AllRead', 1],
  });
});

test('none in force: all speak of the newest', () => {
  expect(conditionsOf({ inForce: undefined, inForceSpec: undefined, object: object(2) })).toEqual({
    Ready: ['False', 'Reading', 2],
    Enforced: ['False', 'NotInForce', 2],
    Informed: ['True', 'AllRead', 2],
  });
});

test.each<[Omission, string]>([
  [{ reason: 'EntryRefused', why: 'objectSelector: bad' }, 'Change spec.match. It said: objectSelector: bad'],
  [{ reason: 'NoRoom', why: '' }, 'Give policies the same match, or remove some.'],
])('whose entries were left out is not enforced, and says why: %j', (omission, text) => {
  expect(conditionsOf({}, omission)).toMatchObject({ Enforced: ['False', omission.reason, 1] });
  const enforced = statusOf({}, omission).conditions?.find(({ type }) => type === 'Enforced');
  expect(enforced?.message).toContain(text);
});

test('of a newer version than the one that was left out, nothing is known yet', () => {
  const second = policyOf(SPEC, undefined, { name: 'production', generation: 2 });
  const omission: Omission = { reason: 'EntryRefused', why: 'bad' };
  expect(conditionsOf({ object: object(2), inForce: second }, omission)).toMatchObject({
    Enforced: ['False', 'NotRouted', 2],
  });
});
