import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { CHECKS } from '../../src/checks/index.ts';
import { PolicyCompiler, policyMatches } from '../../src/policy/compile.ts';
import { mutilated } from '../support/mutilate.ts';
import { policyOf, problemsOf, sayingCheck } from '../support/policies.ts';

const GOOD = {
  profile: 'production-v1',
  match: {
    kinds: ['Deployment', 'StatefulSet'],
    namespaceSelector: { matchLabels: { environment: 'production' } },
    workloadSelector: { matchExpressions: [{ key: 'tier', operator: 'In', values: ['web', 'api'] }] },
  },
  enforcement: {
    critical: 'Deny',
    important: 'Warn',
    niceToHave: 'Audit',
    startsAt: '2027-01-01T00:00:00Z',
    existingViolations: 'Warn',
    onUnknown: 'Deny',
    onError: 'Warn',
    unverifiedOwners: 'Deny',
    companionGrace: '1h30m',
  },
  checks: {
    minReplicas: { priority: 'Critical', replicas: 3, autoscaler: 'Await' },
    memoryLimits: { max: '8Gi', maxRatioToRequest: 2, exclude: ['istio-*'] },
    imageTag: { priority: 'Disabled' },
    hardcodedCredentials: { allow: ['DEMO_*'] },
  },
};

const namesOf = (policy: ReturnType<typeof policyOf>): string[] => policy.enabled.map(({ check }) => check.name);

describe('a good policy', () => {
  test('is compiled, with everything parsed', () => {
    const policy = policyOf(GOOD, undefined, { name: 'production', uid: 'u-1', generation: 7 });
    expect(policy).toMatchObject({
      name: 'production',
      uid: 'u-1',
      generation: 7,
      profile: 'production-v1',
      canDeny: true,
      enforcement: {
        actions: { Critical: 'Deny', Important: 'Warn', NiceToHave: 'Audit' },
        startsAt: Date.UTC(2027, 0, 1),
        existingViolations: 'Warn',
        onUnknown: 'Deny',
        onError: 'Warn',
        unverifiedOwners: 'Deny',
        companionGrace: 5_400_000,
      },
    });
    const byName = new Map(policy.enabled.map((enabled) => [enabled.check.name, enabled]));
    expect(byName.get('minReplicas')).toMatchObject({
      priority: 'Critical',
      exclude: [],
      parameters: { replicas: 3, allowZero: true, autoscaler: 'Await' },
    });
    expect(byName.get('memoryLimits')).toMatchObject({ priority: 'Critical', exclude: ['istio-*'] });
    expect(byName.get('hardcodedCredentials')?.parameters).toEqual({ allow: ['DEMO_*'] });
    expect(byName.has('imageTag')).toBe(false);
  });

  test('has the documented defaults', () => {
    expect(policyOf({ profile: 'production-v1' })).toMatchObject({
      generation: 0,
      uid: '',
      canDeny: true,
      match: { spec: {} },
      enforcement: {
        actions: { Critical: 'Deny', Important: 'Warn', NiceToHave: 'Audit' },
        startsAt: undefined,
        existingViolations: 'Deny',
        onUnknown: 'Warn',
        onError: 'Deny',
        unverifiedOwners: 'Warn',
        companionGrace: 600_000,
      },
    });
  });

  test('names the enabled checks in order, and what they read', () => {
    const policy = policyOf({ profile: 'production-v1' });
    expect(namesOf(policy)).toEqual(namesOf(policy).toSorted());
    expect([...policy.reads].toSorted()).toEqual(
      [...new Set(policy.enabled.flatMap(({ check }) => check.reads ?? []))].toSorted(),
    );
    const one = policyOf({ profile: 'none', checks: { minReplicas: { priority: 'NiceToHave' } } });
    expect([...one.reads]).toEqual(['HorizontalPodAutoscaler', 'ScaledObject']);
    expect(policyOf({ profile: 'none' }).reads.size).toBe(0);
  });

  test.each([
    [{ profile: 'production-v1' }, true],
    [{ profile: 'production-v1', enforcement: { critical: 'Warn' } }, false],
    [{ profile: 'production-v1', enforcement: { critical: 'Audit', important: 'Deny' } }, true],
    [{ profile: 'production-v1', enforcement: { critical: 'Warn', niceToHave: 'Deny' } }, true],
    [{ profile: 'baseline-v1', enforcement: { critical: 'Warn', niceToHave: 'Deny' } }, false],
    [{ profile: 'production-v1', enforcement: { startsAt: '2099-01-01T00:00:00Z' } }, true],
    [{ profile: 'none' }, false],
    [{ profile: 'none', checks: { imageTag: { priority: 'Important' } } }, false],
    [{ profile: 'none', checks: { imageTag: { priority: 'Critical' } } }, true],
  ])('%j can deny: %s', (spec, expected) => {
    expect(policyOf(spec).canDeny).toBe(expected);
  });
});

describe('profile and overrides', () => {
  test('a priority overrides the profile both ways', () => {
    const policy = policyOf({
      profile: 'baseline-v1',
      checks: {
        cpuLimits: { priority: 'NiceToHave' },
        cpuRequests: { priority: 'Critical' },
        imageTag: { priority: 'Disabled' },
      },
    });
    const priorities = Object.fromEntries(policy.enabled.map(({ check, priority }) => [check.name, priority]));
    expect(priorities).toMatchObject({ cpuLimits: 'NiceToHave', cpuRequests: 'Critical', memoryLimits: 'Critical' });
    expect(priorities).not.toHaveProperty('imageTag');
  });

  test('profile none enables just what has a priority', () => {
    expect(namesOf(policyOf({ profile: 'none' }))).toEqual([]);
    expect(namesOf(policyOf({ profile: 'none', checks: { memoryLimits: { priority: 'Critical' } } }))).toEqual([
      'memoryLimits',
    ]);
  });

  test.each([
    ['production-v1', { cpuLimits: { max: '2' } }, 'cpuLimits'],
    ['production-v1', { cpuLimits: {} }, 'cpuLimits'],
    ['baseline-v1', { startupProbe: { slowStart: '1m' } }, 'startupProbe'],
    ['none', { memoryLimits: { max: '2Gi' } }, 'memoryLimits'],
    ['none', { memoryLimits: { exclude: ['a'] } }, 'memoryLimits'],
  ])('%s with %j: parameters of a disabled check are refused', (profile, checks, name) => {
    expect(problemsOf({ profile, checks })).toEqual([
      `spec.checks.${name}: the profile ${profile} disables this check; set priority (Critical, Important or NiceToHave) to switch it on`,
    ]);
  });

  test('parameters beside Disabled are allowed: they wait for the check to be switched on', () => {
    expect(problemsOf({ profile: 'none', checks: { memoryLimits: { priority: 'Disabled', max: '1Gi' } } })).toEqual([]);
  });
});

describe('a bad policy is refused with the field', () => {
  test.each<[string, unknown, string[]]>([
    ['no spec', undefined, ['spec.profile: is required']],
    ['a null spec', null, ['spec.profile: is required']],
    ['no profile', {}, ['spec.profile: is required']],
    ['a spec that is text', 'x', ['spec: must be of type object; is "x"']],
    [
      'an unknown profile',
      { profile: 'production' },
      ['spec.profile: must be one of production-v1, baseline-v1, none; is "production"'],
    ],
    ['an unknown field', { profile: 'none', checkz: {} }, ['spec.checkz: unknown field; did you mean checks?']],
    [
      'a misspelt check',
      { profile: 'production-v1', checks: { memoryLimit: { max: '1Gi' } } },
      ['spec.checks.memoryLimit: unknown check; did you mean memoryLimits?'],
    ],
    [
      'a check written with other capitals',
      { profile: 'production-v1', checks: { ImageTag: {} } },
      ['spec.checks.ImageTag: unknown check; did you mean imageTag?'],
    ],
    [
      'a check like no other',
      { profile: 'production-v1', checks: { zzzzzzzz: {} } },
      ['spec.checks.zzzzzzzz: unknown check'],
    ],
    [
      'a misspelt parameter',
      { profile: 'production-v1', checks: { minReplicas: { replica: 3 } } },
      ['spec.checks.minReplicas.replica: unknown field; did you mean replicas?'],
    ],
    [
      'a misspelt priority',
      { profile: 'production-v1', checks: { minReplicas: { priority: 'Off' } } },
      ['spec.checks.minReplicas.priority: must be one of Critical, Important, NiceToHave, Disabled; is "Off"'],
    ],
    [
      'exclude for a check that judges no containers',
      { profile: 'production-v1', checks: { minReplicas: { exclude: ['a'] } } },
      ['spec.checks.minReplicas.exclude: unknown field'],
    ],
    [
      'a check that is null',
      { profile: 'production-v1', checks: { imageTag: null } },
      ['spec.checks.imageTag: must be of type object; is null'],
    ],
    [
      'checks that are a list',
      { profile: 'production-v1', checks: ['imageTag'] },
      ['spec.checks: must be of type object; is ["imageTag"]'],
    ],
    [
      'text for a number',
      { profile: 'production-v1', checks: { minReplicas: { replicas: '3' } } },
      ['spec.checks.minReplicas.replicas: must be of type integer; is "3"'],
    ],
    [
      'a number out of bounds',
      { profile: 'production-v1', checks: { minReplicas: { replicas: 0 } } },
      ['spec.checks.minReplicas.replicas: must be >= 1; is 0'],
    ],
    [
      'no quantity',
      { profile: 'production-v1', checks: { memoryLimits: { max: '8 GB' } } },
      ['spec.checks.memoryLimits.max: must be a quantity, for example 500m or 8Gi; is "8 GB"'],
    ],
    [
      'a negative quantity',
      { profile: 'production-v1', checks: { memoryLimits: { max: '-1' } } },
      ['spec.checks.memoryLimits.max: must be a quantity, for example 500m or 8Gi; is "-1"'],
    ],
    [
      'a negative number',
      { profile: 'production-v1', checks: { memoryLimits: { max: -1 } } },
      ['spec.checks.memoryLimits.max: must be >= 1; is -1'],
    ],
    [
      'a quantity of nothing',
      { profile: 'production-v1', checks: { memoryLimits: { max: '0' } } },
      ['spec.checks.memoryLimits.max: is 0, which means none; write a quantity with its unit, for example 256Mi'],
    ],
    [
      'less than a byte',
      { profile: 'production-v1', checks: { memoryLimits: { max: '512m' } } },
      ['spec.checks.memoryLimits.max: is 512m, less than a byte; write a quantity with its unit, for example 256Mi'],
    ],
    [
      'a tag that can not be',
      { profile: 'production-v1', checks: { imageTag: { forbidden: ['latest', ':dev'] } } },
      ['spec.checks.imageTag.forbidden: ":dev" can match no tag: tags have letters, digits, "_", "." and "-"'],
    ],
    ...(
      [
        ['https://registry.example.com', 'it must begin with the host of a registry, without https://'],
        ['shop', '"shop" is no host; on Docker Hub this is docker.io/shop'],
        ['registry.example.com/*', 'after the host a path may follow, without "*", tag or digest'],
        ['registry.example.com/shop:1', 'after the host a path may follow, without "*", tag or digest'],
      ] as const
    ).map(
      ([registry, why]) =>
        [
          `a registry that can not be: ${registry}`,
          { profile: 'none', checks: { imageRegistry: { priority: 'Critical', allowed: [registry] } } },
          [`spec.checks.imageRegistry.allowed: "${registry}" can match no image: ${why}`],
        ] as [string, object, string[]],
    ),
    [
      'min above max',
      { profile: 'production-v1', checks: { memoryLimits: { min: '2Gi', max: '1Gi' } } },
      ['spec.checks.memoryLimits.min: is 2Gi, above max, which is 1Gi'],
    ],
    [
      'no duration',
      { profile: 'production-v1', checks: { probeTiming: { maxFailure: '90d' } } },
      ['spec.checks.probeTiming.maxFailure: must be a duration, for example 90s, 10m or 2160h; is "90d"'],
    ],
    [
      'a negative duration',
      { profile: 'production-v1', enforcement: { companionGrace: '-5m' } },
      ['spec.enforcement.companionGrace: must be a duration, for example 90s, 10m or 2160h; is "-5m"'],
    ],
    [
      'no date',
      { profile: 'production-v1', enforcement: { startsAt: 'tomorrow' } },
      ['spec.enforcement.startsAt: must be a date and time, for example 2027-01-31T00:00:00Z; is "tomorrow"'],
    ],
    [
      'a date without time',
      { profile: 'production-v1', enforcement: { startsAt: '2027-01-01' } },
      ['spec.enforcement.startsAt: must be a date and time, for example 2027-01-31T00:00:00Z; is "2027-01-01"'],
    ],
    [
      'a date that is none',
      { profile: 'production-v1', enforcement: { startsAt: '2027-13-01T00:00:00Z' } },
      [
        'spec.enforcement.startsAt: must be a date and time, for example 2027-01-31T00:00:00Z; is "2027-13-01T00:00:00Z"',
      ],
    ],
    [
      'an unknown action',
      { profile: 'production-v1', enforcement: { critical: 'Block' } },
      ['spec.enforcement.critical: must be one of Deny, Warn, Audit; is "Block"'],
    ],
    [
      'a kind in lower case',
      { profile: 'production-v1', match: { kinds: ['deployments'] } },
      ['spec.match.kinds[0]: must match ^[A-Z][A-Za-z0-9]*$; is "deployments"'],
    ],
    [
      'no kinds at all',
      { profile: 'production-v1', match: { kinds: [] } },
      ['spec.match.kinds: must NOT have fewer than 1 items; is []'],
    ],
    [
      'In without values',
      { profile: 'production-v1', match: { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } } },
      ['spec.match.namespaceSelector.matchExpressions[0].values: must not be empty with operator In'],
    ],
    [
      'Exists with values',
      {
        profile: 'production-v1',
        match: { workloadSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] } },
      },
      ['spec.match.workloadSelector.matchExpressions[0].values: must be empty with operator Exists'],
    ],
    [
      'an unknown operator',
      {
        profile: 'production-v1',
        match: { workloadSelector: { matchExpressions: [{ key: 'a', operator: 'Is', values: ['x'] }] } },
      },
      [
        'spec.match.workloadSelector.matchExpressions[0].operator: must be one of In, NotIn, Exists, DoesNotExist; is "Is"',
      ],
    ],
    [
      'a label that is no text',
      { profile: 'production-v1', match: { workloadSelector: { matchLabels: { a: true } } } },
      ['spec.match.workloadSelector.matchLabels.a: must be of type string; is true'],
    ],
  ])('%s', (_, spec, problems) => {
    expect(problemsOf(spec)).toEqual(problems);
  });

  test.each<[string, string, object, string]>([
    ['a value with a space', 'workloadSelector', { matchLabels: { tier: 'web app' } }, 'matchLabels.tier'],
    ['a key with a space', 'namespaceSelector', { matchLabels: { 'the tier': 'web' } }, 'matchLabels[the tier]'],
    ['an empty key', 'workloadSelector', { matchLabels: { '': 'web' } }, 'matchLabels[]'],
    [
      'a key with a prefix that is no DNS name',
      'workloadSelector',
      { matchLabels: { 'Example.com/tier': 'web' } },
      'matchLabels[Example.com/tier]',
    ],
    [
      'a key in an expression',
      'namespaceSelector',
      { matchExpressions: [{ key: 'a/b/c', operator: 'Exists' }] },
      'matchExpressions[0].key',
    ],
    [
      'a value in an expression',
      'workloadSelector',
      { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['good', '-bad'] }] },
      'matchExpressions[0].values[1]',
    ],
  ])('a selector that the API server would refuse: %s', (_, field, selector, at) => {
    const [problem, ...more] = problemsOf({ profile: 'production-v1', match: { [field]: selector } });
    expect(problem).toMatch(`spec.match.${field}.${at}: must be a label `);
    expect(problem).toContain('; for example ');
    expect(more).toEqual([]);
  });

  test('all its problems at once', () => {
    const problems = problemsOf({
      profile: 'production-v1',
      enforcement: { critical: 'Block' },
      checks: { memoryLimit: {}, minReplicas: { replicas: 'x' } },
    });
    expect(problems).toHaveLength(3);
  });

  test('contradictions and parameters that check themselves too', () => {
    const problems = problemsOf({
      profile: 'production-v1',
      match: { workloadSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      checks: { memoryLimits: { min: '2Gi', max: '1Gi' }, cpuLimits: {} },
    });
    expect(problems).toHaveLength(3);
  });

  test('but not with more than 20 problems', () => {
    const checks = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`unknown${index}`, {}]));
    expect(problemsOf({ profile: 'production-v1', checks })).toHaveLength(20);
  });

  test('a name from which no webhook could be made', () => {
    expect(problemsOf({ profile: 'none' }, undefined, { name: 'p'.repeat(200) })).toEqual([]);
    expect(problemsOf({ profile: 'none' }, undefined, { name: 'p'.repeat(201) })).toHaveLength(1);
  });

  test('a check that fails to prepare is a fault of ours, not of the policy', () => {
    const broken = sayingCheck([], {
      prepare: () => {
        throw new TypeError('boom');
      },
    });
    expect(() => new PolicyCompiler([broken]).compile({ spec: { profile: 'production-v1' } })).toThrow('boom');
  });
});

describe('any policy', () => {
  test('is compiled or refused with the place of the problem, never thrown at', () => {
    const compiler = new PolicyCompiler(CHECKS);
    const object = { apiVersion: 'x', kind: 'ReadinessPolicy', metadata: { name: 'p', generation: 1 }, spec: GOOD };
    let refused = 0;
    fc.assert(
      fc.property(mutilated([object]), (policy) => {
        const result = compiler.compile(policy);
        if ('policy' in result) {
          expect(Number.isFinite(result.policy.enforcement.companionGrace)).toBe(true);
          expect(Number.isNaN(result.policy.enforcement.startsAt)).toBe(false);
          return;
        }
        refused++;
        expect(result.problems.length).toBeGreaterThan(0);
        for (const { path, message } of result.problems) {
          expect(['spec', 'metadata']).toContain(path[0]);
          expect(message).toMatch(/\w/);
        }
      }),
      { numRuns: 1500 },
    );
    expect(refused).toBeGreaterThan(300);
  });
});

describe('policyMatches', () => {
  const policy = policyOf(GOOD);
  const subject = {
    kind: 'Deployment',
    namespace: 'shop',
    namespaceLabels: { environment: 'production' },
    labels: { tier: 'web' },
  };

  test.each([
    [{}, true],
    [{ kind: 'StatefulSet' }, true],
    [{ kind: 'CronJob' }, false],
    [{ namespaceLabels: {} }, false],
    [{ namespaceLabels: { environment: 'staging' } }, false],
    [{ labels: { tier: 'db' } }, false],
    [{ labels: {} }, false],
  ])('with %j: %s', (change, expected) => {
    expect(policyMatches(policy, { ...subject, ...change })).toBe(expected);
  });

  test('takes the namespace as matching where that is known', () => {
    expect(policyMatches(policy, { ...subject, namespaceLabels: {} }, true)).toBe(true);
    expect(policyMatches(policy, { ...subject, namespaceLabels: {}, kind: 'Job' }, true)).toBe(false);
  });

  test('without a match concerns every workload', () => {
    const all = policyOf({ profile: 'none' });
    expect(policyMatches(all, { kind: 'Anything', namespace: 'x', namespaceLabels: {}, labels: {} })).toBe(true);
  });
});
