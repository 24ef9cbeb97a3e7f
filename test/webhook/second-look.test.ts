/** Denials by copies that are behind. That the copies are known to be behind, and are read, is tested with an API server. */
import { beforeEach, expect, test } from '@jest/globals';
import type { RawObject } from '../../src/engine/workload.ts';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import type { Copies } from '../../src/policy/copies.ts';
import { NO_EXCEPTIONS } from '../../src/policy/exceptions.ts';
import { exemptionsOf } from '../../src/policy/exemptions.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import { Turns } from '../../src/kube/turns.ts';
import type { AdmissionRequest } from '../../src/webhook/protocol.ts';
import type { Decision } from '../../src/webhook/review.ts';
import { reviewByNewest } from '../../src/webhook/second-look.ts';
import type { World } from '../../src/webhook/world.ts';
import { exceptionOf, exceptions, exceptionSpec } from '../support/exceptions.ts';
import { TestClock } from '../support/testClock.ts';
import { policyOf } from '../support/policies.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { objectOf } from '../support/workloads.ts';

const NOW = Date.parse('2027-01-01T00:00:00Z');
const POLICY = policyOf({ profile: 'none', checks: { memoryLimits: { priority: 'Critical' } } });
const RELAXED = policyOf({
  profile: 'none',
  enforcement: { critical: 'Warn' },
  checks: { memoryLimits: { priority: 'Critical' } },
});
const EXCEPTION = exceptionOf(exceptionSpec({ expiresAt: '2027-01-02T00:00:00Z' }), {
  name: 'vendor',
  namespace: 'shop',
});
const BAD = objectOf('Deployment', { containers: [{ name: 'app', image: 'x:1' }] });
const GOOD = objectOf('Deployment', {
  containers: [{ name: 'app', image: 'x:1', resources: { limits: { memory: '64Mi' } } }],
});

let now: number;
/** How long it takes to find out that nothing else speaks for the request, in milliseconds. */
let asking: number;
let looks: string[];
beforeEach(() => {
  now = NOW;
  asking = 0;
  looks = [];
});

function decide(object: RawObject, newest: Partial<Copies> | 'current' | 'unreadable'): Promise<Decision> {
  const policies = new PolicySet([POLICY]);
  const world = {
    now: () => now,
    kinds: WORKLOAD_KINDS,
    exemptions: exemptionsOf([], []),
    policies: () => policies,
    exceptions: NO_EXCEPTIONS,
    related: NOTHING_RELATED,
    namespaceLabels: () => ({}),
    live: {
      leniency: () => {
        now += asking;
        return Promise.resolve(undefined);
      },
    },
    beforeDenial: (namespace: string) => {
      looks.push(namespace);
      return newest === 'current' ? undefined : Promise.resolve(newest === 'unreadable' ? undefined : newest);
    },
  } as unknown as World;
  const request = {
    uid: 'u',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    operation: 'CREATE',
    namespace: 'shop',
    userInfo: { username: 'alice' },
    object,
  } as unknown as AdmissionRequest;
  return Promise.resolve(reviewByNewest(request, POLICY.name, world, new Turns(new TestClock())));
}

test.each<[string, Partial<Copies>, Decision['decision']]>([
  ['a policy that was relaxed', { policies: new PolicySet([RELAXED]) }, 'warned'],
  ['a policy that was removed', { policies: new PolicySet([]) }, 'notJudged'],
  ['an exception that was made', { exceptions: exceptions(EXCEPTION) }, 'allowed'],
  ['nothing that speaks for it', { policies: new PolicySet([POLICY]), exceptions: NO_EXCEPTIONS }, 'denied'],
])('what would be denied is decided by what the API server has now: %s', async (_, newest, expected) => {
  expect([(await decide(BAD, newest)).decision, looks]).toEqual([expected, ['shop']]);
});

test.each(['current', 'unreadable'] as const)('a denial stands where the copies are %s', async (newest) => {
  expect((await decide(BAD, newest)).decision).toBe('denied');
});

test('what is not denied is not looked at again', async () => {
  expect([(await decide(GOOD, {})).decision, looks]).toEqual(['allowed', []]);
});

test('a denial that took longer than a second stands: the API server would not wait for another', async () => {
  const newest = { policies: new PolicySet([]) };
  asking = 1001;
  expect([(await decide(BAD, newest)).decision, looks]).toEqual(['denied', []]);
  asking = 1000;
  expect((await decide(BAD, newest)).decision).toBe('notJudged');
});
