import { describe, expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { ExceptionCompiler } from '../../src/policy/exceptions.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import { reviewException } from '../../src/webhook/exception-review.ts';
import { exceptionSpec } from '../support/exceptions.ts';
import { policyOf } from '../support/policies.ts';

const NOW = Date.UTC(2027, 0, 1);
const DAY = 24 * 3_600_000;
const COMPILER = new ExceptionCompiler(CHECKS);
const POLICIES = new PolicySet(
  Object.entries({ production: '720h', staging: '2160h' }).map(([name, maxDuration]) =>
    policyOf({ profile: 'production-v1', exceptions: { maxDuration } }, undefined, { name }),
  ),
);

function ask(spec: object, operation = 'CREATE') {
  const request = {
    kind: { version: 'v1alpha1', kind: 'ReadinessException' },
    name: 'legacy',
    operation,
    object: { metadata: { name: 'legacy', namespace: 'shop' }, spec: exceptionSpec(spec) },
  } as never;
  return reviewException(request, COMPILER, POLICIES, WORKLOAD_KINDS, NOW).response;
}
const inDays = (days: number): string => new Date(NOW + days * DAY).toISOString();

describe('an exception is refused', () => {
  test.each<[string, object, string]>([
    [
      'with a misspelt check',
      { checks: ['readinesProbe'] },
      'spec.checks[0]: unknown check readinesProbe; did you mean readinessProbe?',
    ],
    [
      'with a selector that means nothing',
      { workloads: undefined, selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      'spec.selector.matchExpressions[0]',
    ],
    ['with its end in the past', { expiresAt: inDays(-1) }, 'spec.expiresAt: is in the past: it would never count'],
    ['with its end now', { expiresAt: inDays(0) }, 'spec.expiresAt: is in the past'],
    [
      'beyond the smallest maxDuration of the policies concerned',
      { expiresAt: inDays(31) },
      'spec.expiresAt: is further ahead than exceptions.maxDuration of policy production allows; set 2027-01-31T00:00:00.000Z or earlier',
    ],
    [
      'beyond the maxDuration of the policy that it names',
      { expiresAt: inDays(91), policies: ['staging'] },
      'spec.expiresAt: is further ahead than exceptions.maxDuration of policy staging allows',
    ],
  ])('%s', (_, spec, message) => {
    const { allowed, status } = ask(spec);
    expect([allowed, status?.code]).toEqual([false, 422]);
    expect(status?.message).toContain(`ReadinessException legacy is not valid:\n  ${message}`);
  });
});

describe('an exception is accepted', () => {
  test.each<[string, object, string]>([
    ['up to the very end of what is allowed', { expiresAt: inDays(30) }, 'CREATE'],
    [
      'where the policy that it names allows more than others',
      { expiresAt: inDays(90), policies: ['staging'] },
      'CREATE',
    ],
    ['when one that is there is ended at once', { expiresAt: inDays(-1) }, 'UPDATE'],
  ])('%s', (_, spec, operation) => {
    expect(ask(spec, operation)).toEqual({ allowed: true, auditAnnotations: { decision: 'allowed' } });
  });

  test('with a warning about a policy or a kind that is not there', () => {
    const spec = {
      expiresAt: inDays(1),
      policies: ['prodution', 'staging'],
      workloads: ['Deploymnet', 'Pod', 'Deploymnet'].map((kind, index) => ({ kind, name: `app-${index}` })),
    };
    expect(ask(spec)).toMatchObject({
      allowed: true,
      warnings: [
        'spec.policies: no policy prodution is in force; did you mean production?',
        'spec.workloads: the operator does not judge Deploymnet; did you mean Deployment?',
      ],
    });
  });
});
