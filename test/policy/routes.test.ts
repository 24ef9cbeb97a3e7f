import { describe, expect, test } from '@jest/globals';
import { CONTROLLER_USERS, exemptionsOf, SYSTEM_NAMESPACES } from '../../src/policy/exemptions.ts';
import { judges, PolicySet } from '../../src/policy/routes.ts';
import { policyOf } from '../support/policies.ts';

const production = { namespaceSelector: { matchLabels: { environment: 'production' } } };

function named(name: string, spec: object): ReturnType<typeof policyOf> {
  return policyOf({ profile: 'production-v1', ...spec }, undefined, { name });
}

const subject = {
  kind: 'Deployment',
  namespace: 'shop',
  namespaceLabels: { environment: 'production' },
  labels: {},
};

describe('PolicySet', () => {
  const set = new PolicySet([
    named('z-strict', { match: production }),
    named('m-batch', { match: { kinds: ['Job', 'CronJob'] } }),
    named('n-batch', { match: { kinds: ['CronJob', 'Job'] }, enforcement: { critical: 'Warn' } }),
    named('a-soft', { match: production, enforcement: { critical: 'Warn' } }),
    named('q-other', { match: { workloadSelector: { matchLabels: { tier: 'web' } } } }),
  ]);

  test('has one route for each distinct match, named after its first policy', () => {
    expect(set.routes.map(({ name, policies }) => [name, ...policies.map((policy) => policy.name)])).toEqual([
      ['a-soft', 'a-soft', 'z-strict'],
      ['m-batch', 'm-batch', 'n-batch'],
      ['q-other', 'q-other'],
    ]);
    expect(set.route('m-batch')?.policies).toHaveLength(2);
    // The API server may still come by the name of the policy that was the first.
    expect(set.route('z-strict')).toBe(set.route('a-soft'));
    expect(set.route('nobody')).toBeUndefined();
  });

  test('denies on a route where any of its policies does', () => {
    const soft = new PolicySet([named('soft', { enforcement: { critical: 'Warn' } })]);
    expect(set.routes.map(({ canDeny }) => canDeny)).toEqual([true, true, true]);
    expect(soft.routes.map(({ canDeny }) => canDeny)).toEqual([false]);
  });

  test('finds the policies of a workload, by name', () => {
    expect(set.matching(subject).map(({ name }) => name)).toEqual(['a-soft', 'z-strict']);
    expect(set.matching({ ...subject, labels: { tier: 'web' } }).map(({ name }) => name)).toEqual([
      'a-soft',
      'q-other',
      'z-strict',
    ]);
    expect(set.matching({ ...subject, kind: 'Job', namespaceLabels: {} }).map(({ name }) => name)).toEqual([
      'm-batch',
      'n-batch',
    ]);
    expect(new PolicySet([]).matching(subject)).toEqual([]);
  });

  test('finds the routes of a workload, and believes the API server about the namespace', () => {
    const elsewhere = { ...subject, namespaceLabels: {} };
    expect(set.routesFor(subject).map(({ name }) => name)).toEqual(['a-soft']);
    expect(set.routesFor(elsewhere)).toEqual([]);
    expect(set.routesFor(elsewhere, set.route('z-strict')).map(({ name }) => name)).toEqual(['a-soft']);
    expect(set.routesFor(elsewhere, set.route('q-other'))).toEqual([]);
  });

  test('knows which routes judge an aspect', () => {
    const [image] = new PolicySet([named('i', { profile: 'none', checks: { imageTag: { priority: 'Critical' } } })])
      .routes;
    const [all] = new PolicySet([named('a', {})]).routes;
    if (image === undefined || all === undefined) throw new Error('no routes');
    expect([judges(all, 'Replicas'), judges(all, 'Resources')]).toEqual([true, true]);
    expect([judges(image, 'Replicas'), judges(image, 'Resources')]).toEqual([false, false]);
  });
});

describe('exemptions', () => {
  test('hold what Kubernetes needs, and what the installation adds', () => {
    const { namespaces, users } = exemptionsOf(['readiness-operator'], ['system:serviceaccount:argo:rollouts']);
    expect([...namespaces]).toEqual([...SYSTEM_NAMESPACES, 'readiness-operator']);
    expect([...users]).toEqual([...CONTROLLER_USERS, 'system:serviceaccount:argo:rollouts']);
  });

  test('name identities, never a whole group', () => {
    expect(CONTROLLER_USERS).toHaveLength(9);
    for (const user of CONTROLLER_USERS) {
      expect(user).toMatch(/^system:(?:kube-controller-manager|serviceaccount:kube-system:[a-z-]+)$/);
    }
  });
});
