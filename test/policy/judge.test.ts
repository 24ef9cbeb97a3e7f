import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Type } from 'typebox';
import { CHECKS } from '../../src/checks/index.ts';
import type { Aspect, Check, Outcome, Priority, Scope } from '../../src/engine/check.ts';
import { evaluateCheck, type CheckResult, type Configured } from '../../src/engine/evaluate.ts';
import type { Workload } from '../../src/engine/workload.ts';
import { PolicyCompiler, type CompiledPolicy } from '../../src/policy/compile.ts';
import { MOST_FINDINGS } from '../../src/policy/bounded-findings.ts';
import { ExceptionSet, NO_EXCEPTIONS } from '../../src/policy/exceptions.ts';
import { denies, judge, judgeFor, worstFirst, type Admission, type Verdict } from '../../src/policy/judge.ts';
import { exceptionOf, exceptionSpec } from '../support/exceptions.ts';
import { CREATE, policyOf, policyWith, sayingCheck } from '../support/policies.ts';
import { NOTHING_RELATED, relatedOf } from '../support/related.ts';
import { workloadOf } from '../support/workloads.ts';

const NOW = Date.UTC(2027, 0, 1, 12);
const MINUTE = 60_000;
const POD = { containers: [{ name: 'app', image: 'app:1' }] };

const unmet: Outcome = { type: 'unmet', path: ['spec'], message: 'is wrong', container: 'app' };
const waiting: Outcome = { ...unmet, waits: true };
const unknown: Outcome = { type: 'unknown', cause: 'nobody answers' };
const note: Outcome = { type: 'note', text: 'from elsewhere' };

const UPDATE: Admission = { ...CREATE, operation: 'UPDATE' };

/** A Deployment of a certain age. */
function aged(minutes: number | undefined): Workload {
  const metadata = {
    name: 'app',
    ...(minutes === undefined ? {} : { creationTimestamp: new Date(NOW - minutes * MINUTE).toISOString() }),
  };
  return workloadOf('Deployment', POD, metadata);
}

function verdictOf(policy: CompiledPolicy, admission?: Admission, workload = aged(60)): Verdict {
  return judge(policy, workload, NOTHING_RELATED, NOW, admission);
}

/** What a policy with one Critical check does with what that check says. */
function verdict(
  says: readonly Outcome[] | Error,
  admission?: Admission,
  scope: Scope = 'workload',
  enforcement: object = {},
): Verdict {
  return verdictOf(policyWith([sayingCheck(says, { scope })], enforcement), admission);
}

/** What the check finds in an object of which it says these things. */
function resultOf(says: readonly Outcome[] | Error): CheckResult {
  return evaluateCheck({ check: sayingCheck(says), parameters: {}, exclude: [] }, aged(60), NOTHING_RELATED, NOW);
}

describe('a finding', () => {
  test('holds everything that there is to say', () => {
    const [finding] = verdict([unmet]).findings;
    expect(finding).toEqual({
      policy: 'policy',
      check: 'saying',
      priority: 'Critical',
      scope: 'workload',
      action: 'Deny',
      because: undefined,
      path: ['spec'],
      container: 'app',
      message: 'is wrong',
      remediation: 'say nothing',
    });
  });

  test('has its own cure and scope where it names them', () => {
    const [finding] = verdict([{ ...unmet, remediation: 'do this', scope: 'companion' }]).findings;
    expect(finding).toMatchObject({ remediation: 'do this', scope: 'companion' });
  });

  test('is one of several, in the order of the check', () => {
    const second: Outcome = { type: 'unmet', path: [], message: 'second' };
    expect(verdict([unmet, second]).findings.map(({ message }) => message)).toEqual(['is wrong', 'second']);
  });

  test('acts as its priority says', () => {
    const priorities = ['Critical', 'Important', 'NiceToHave'] as const;
    const checks = priorities.map((priority) =>
      sayingCheck([unmet], {
        name: `is${priority}`,
        priorities: { 'production-v1': priority, 'baseline-v1': priority },
      }),
    );
    const actions = (enforcement: object): string[] =>
      verdictOf(policyWith(checks, enforcement), CREATE).findings.map(({ action }) => action);
    expect(actions({})).toEqual(['Deny', 'Warn', 'Audit']);
    expect(actions({ critical: 'Audit', important: 'Deny', niceToHave: 'Warn' })).toEqual(['Audit', 'Deny', 'Warn']);
  });
});

describe('what a finding blocks: scope by operation', () => {
  // companionGrace is 10 minutes.
  const rows: readonly (readonly [Scope, Admission, number, string, string | undefined])[] = [
    ['workload', CREATE, 0, 'Deny', undefined],
    ['workload', UPDATE, 5, 'Deny', undefined],
    ['workload', UPDATE, 60, 'Deny', undefined],
    ['workload', { ...CREATE, dryRun: true }, 0, 'Deny', undefined],
    ['reference', CREATE, 0, 'Deny', undefined],
    ['reference', UPDATE, 5, 'Deny', undefined],
    ['reference', UPDATE, 60, 'Deny', undefined],
    ['reference', { ...CREATE, dryRun: true }, 0, 'Warn', 'a dry-run'],
    ['reference', { ...UPDATE, dryRun: true }, 60, 'Warn', 'a dry-run'],
    ['companion', CREATE, 0, 'Warn', 'it may still come'],
    ['companion', CREATE, 60, 'Warn', 'it may still come'],
    ['companion', UPDATE, 5, 'Warn', 'it may still come'],
    ['companion', UPDATE, 9, 'Warn', 'it may still come'],
    ['companion', UPDATE, 10, 'Deny', undefined],
    ['companion', UPDATE, 60, 'Deny', undefined],
    ['companion', { ...UPDATE, dryRun: true }, 60, 'Deny', undefined],
  ];

  test.each(rows)('%s, %j, %d minutes old: %s', (scope, admission, age, action, because) => {
    const policy = policyWith([sayingCheck([unmet], { scope })]);
    const result = verdictOf(policy, admission, aged(age));
    expect(result.findings).toMatchObject([{ action, because }]);
    expect(denies(result)).toBe(action === 'Deny');
    // A scope of the finding's own counts instead of the check's.
    const own = policyWith([sayingCheck([{ ...unmet, scope }], { scope: 'workload' })]);
    expect(verdictOf(own, admission, aged(age)).findings).toMatchObject([{ action, because, scope }]);
  });

  test('nothing is milder without a request', () => {
    for (const scope of ['workload', 'reference', 'companion'] as const) {
      expect(verdict([unmet], undefined, scope).findings).toMatchObject([{ action: 'Deny', because: undefined }]);
    }
  });

  test('only what would be denied is made milder', () => {
    for (const enforcement of [{ critical: 'Warn' }, { critical: 'Audit' }]) {
      const [finding] = verdict([unmet], CREATE, 'companion', enforcement).findings;
      expect(finding).toMatchObject({ action: enforcement.critical, because: undefined });
    }
  });

  test('a companion may take as long as companionGrace says', () => {
    const policy = policyWith([sayingCheck([unmet], { scope: 'companion' })], { companionGrace: '2h' });
    expect(verdictOf(policy, UPDATE, aged(119)).findings).toMatchObject([{ action: 'Warn' }]);
    expect(verdictOf(policy, UPDATE, aged(120)).findings).toMatchObject([{ action: 'Deny' }]);
  });

  test('a request that is to be let pass only warns, and says why', () => {
    const lenient = { ...UPDATE, lenient: { reason: 'a rollback' } };
    for (const scope of ['workload', 'reference', 'companion'] as const) {
      expect(verdict([unmet], lenient, scope).findings).toMatchObject([{ action: 'Warn', because: 'a rollback' }]);
    }
  });

  test('unless that reason speaks for one place alone, and the finding lies elsewhere', () => {
    const lenient: Admission = { ...UPDATE, lenient: { reason: 'a rollback', within: ['spec', 'template'] } };
    const at = (...path: string[]): Verdict => verdict([{ ...unmet, path }], lenient);
    expect(at('spec', 'template', 'spec').findings).toMatchObject([{ action: 'Warn', because: 'a rollback' }]);
    for (const path of [['spec', 'replicas'], ['spec', 'templates'], ['spec'], []]) {
      expect([path, at(...path).findings]).toMatchObject([path, [{ action: 'Deny' }]]);
    }
    // A cause stands nowhere.
    const unknown: Outcome = { type: 'unknown', cause: 'nobody answers' };
    expect(verdict([unknown], lenient, 'workload', { onUnknown: 'Deny' }).undecided).toMatchObject([
      { action: 'Deny' },
    ]);
  });

  test('raising the count is never denied by minReplicas, and by nothing else allowed', () => {
    const raising: Admission = { ...UPDATE, aspect: 'Replicas', raisesReplicas: true };
    const named = (name: string): Verdict =>
      verdictOf(policyWith([sayingCheck([unmet], { name, aspects: ['Replicas'] })]), raising);
    expect(named('minReplicas').findings).toMatchObject([{ action: 'Warn', because: 'the count is raised' }]);
    expect(named('maxReplicas').findings).toMatchObject([{ action: 'Deny' }]);
    const lowering = { ...raising, raisesReplicas: false };
    const min = policyWith([sayingCheck([unmet], { name: 'minReplicas', aspects: ['Replicas'] })]);
    expect(verdictOf(min, lowering).findings).toMatchObject([{ action: 'Deny' }]);
  });
});

test('whoever lowers the count does not wait for an autoscaler; other companions may still come', () => {
  const lowering: Admission = { ...UPDATE, lowersReplicas: true };
  const of = (aspects: readonly Aspect[], admission: Admission): Verdict =>
    verdictOf(policyWith([sayingCheck([{ ...unmet, scope: 'companion' }], { aspects })]), admission, aged(5));
  expect(of(['Replicas'], lowering).findings).toMatchObject([{ action: 'Deny', because: undefined }]);
  expect(of(['Replicas'], UPDATE).findings).toMatchObject([{ action: 'Warn', because: 'it may still come' }]);
  expect(of([], lowering).findings).toMatchObject([{ action: 'Warn', because: 'it may still come' }]);
});

describe('startsAt', () => {
  const starting = (minutes: number): object => ({ startsAt: new Date(NOW + minutes * MINUTE).toISOString() });

  test('turns Deny into Warn until then, and names the date', () => {
    const [finding] = verdict([unmet], CREATE, 'workload', starting(1)).findings;
    expect(finding).toMatchObject({ action: 'Warn', because: 'denied from 2027-01-01T12:01:00.000Z' });
    expect(verdict([unmet], undefined, 'workload', starting(1)).findings).toMatchObject([{ action: 'Warn' }]);
  });

  test('counts from its very instant on', () => {
    expect(verdict([unmet], CREATE, 'workload', starting(0)).findings).toMatchObject([{ action: 'Deny' }]);
    expect(verdict([unmet], CREATE, 'workload', starting(-1)).findings).toMatchObject([{ action: 'Deny' }]);
  });

  test('holds for what could not be decided too', () => {
    const enforcement = { ...starting(1), onUnknown: 'Deny', onError: 'Deny' };
    expect(verdict([unknown], CREATE, 'workload', enforcement).undecided).toMatchObject([{ action: 'Warn' }]);
    expect(verdict(new Error('boom'), CREATE, 'workload', enforcement).undecided).toMatchObject([{ action: 'Warn' }]);
  });

  test('and no longer from then on', () => {
    for (const minutes of [0, -1]) {
      const enforcement = { ...starting(minutes), onUnknown: 'Deny', onError: 'Deny' };
      expect(verdict([unknown], CREATE, 'workload', enforcement).undecided).toMatchObject([{ action: 'Deny' }]);
      expect(verdict(new Error('boom'), CREATE, 'workload', enforcement).undecided).toMatchObject([{ action: 'Deny' }]);
    }
  });

  test('does not change ready and score', () => {
    expect(verdict([unmet], CREATE, 'workload', starting(1))).toMatchObject({ ready: 'False', score: 0 });
  });
});

describe('existingViolations', () => {
  const policy = (enforcement: object): CompiledPolicy => policyWith([sayingCheck([unmet])], enforcement);
  const warn = policy({ existingViolations: 'Warn' });
  const withOld = (old: Outcome[]): Admission => ({ ...UPDATE, old: () => resultOf(old) });

  test.each<[string, Outcome[], string]>([
    ['the same', [unmet], 'Warn'],
    ['the same at another place', [{ ...unmet, path: ['elsewhere'] }], 'Warn'],
    ['another message', [{ ...unmet, message: 'was wrong' }], 'Deny'],
    ['another container', [{ ...unmet, container: 'proxy' }], 'Deny'],
    ['none', [], 'Deny'],
    ['only an unknown', [unknown], 'Deny'],
  ])('Warn with an old object that had %s', (_, old, action) => {
    expect(verdictOf(warn, withOld(old)).findings).toMatchObject([{ action }]);
  });

  test('Deny never asks the old object', () => {
    const asking: Admission = {
      ...UPDATE,
      old: () => {
        throw new Error('asked');
      },
    };
    expect(verdictOf(policy({}), asking).findings).toMatchObject([{ action: 'Deny' }]);
    expect(() => verdictOf(warn, asking)).toThrow('asked');
  });

  test('Warn on CREATE has no old object', () => {
    expect(verdictOf(warn, CREATE).findings).toMatchObject([{ action: 'Deny', because: undefined }]);
  });
});

describe('what could not be decided', () => {
  test.each<[object, Scope, Admission | undefined, string]>([
    [{}, 'workload', CREATE, 'Warn'],
    [{}, 'reference', CREATE, 'Warn'],
    [{}, 'workload', undefined, 'Warn'],
    [{ onUnknown: 'Deny' }, 'workload', CREATE, 'Deny'],
    [{ onUnknown: 'Deny' }, 'reference', CREATE, 'Deny'],
    [{ onUnknown: 'Deny' }, 'reference', { ...CREATE, dryRun: true }, 'Warn'],
    [{ onUnknown: 'Deny' }, 'workload', { ...CREATE, dryRun: true }, 'Deny'],
    [{ onUnknown: 'Deny' }, 'workload', { ...UPDATE, lenient: { reason: 'a rollback' } }, 'Warn'],
    [{ onUnknown: 'Deny' }, 'workload', undefined, 'Deny'],
    [{ onUnknown: 'Deny', critical: 'Warn' }, 'workload', CREATE, 'Warn'],
    [{ onUnknown: 'Deny', critical: 'Audit' }, 'workload', CREATE, 'Audit'],
  ])('unknown under %j, scope %s, %j: %s', (enforcement, scope, admission, action) => {
    const result = verdict([unknown], admission, scope, enforcement);
    expect(result.undecided).toEqual([
      { policy: 'policy', check: 'saying', priority: 'Critical', status: 'Unknown', action, cause: 'nobody answers' },
    ]);
    expect(denies(result)).toBe(action === 'Deny');
    expect(result.findings).toEqual([]);
  });

  test.each<[object, Scope, Admission | undefined, string]>([
    [{}, 'workload', CREATE, 'Deny'],
    [{}, 'workload', UPDATE, 'Deny'],
    [{ onError: 'Warn' }, 'workload', CREATE, 'Warn'],
    [{}, 'workload', { ...UPDATE, lenient: { reason: 'a rollback' } }, 'Warn'],
    // Other scopes follow onUnknown.
    [{}, 'reference', CREATE, 'Warn'],
    [{}, 'companion', CREATE, 'Warn'],
    [{ onUnknown: 'Deny', onError: 'Warn' }, 'reference', CREATE, 'Deny'],
    [{ onUnknown: 'Deny' }, 'reference', { ...CREATE, dryRun: true }, 'Warn'],
    [{ critical: 'Audit' }, 'workload', CREATE, 'Audit'],
  ])('an error under %j, scope %s, %j: %s', (enforcement, scope, admission, action) => {
    const result = verdict(new Error('boom'), admission, scope, enforcement);
    expect(result.undecided).toMatchObject([{ status: 'Error', action, cause: 'the check failed: boom' }]);
    expect(result.errors).toMatchObject([{ check: 'saying', error: new Error('boom') }]);
  });

  test('an error that the unchanged old object has too only warns', () => {
    const old = (says: Outcome[] | Error): Admission => ({ ...UPDATE, old: () => resultOf(says) });
    expect(verdict(new Error('boom'), old(new Error('boom'))).undecided).toMatchObject([{ action: 'Warn' }]);
    expect(verdict(new Error('boom'), old([])).undecided).toMatchObject([{ action: 'Deny' }]);
    expect(verdict(new Error('boom'), old([unmet])).undecided).toMatchObject([{ action: 'Deny' }]);
  });

  test('several causes are several entries', () => {
    const second: Outcome = { type: 'unknown', cause: 'nor does anybody else' };
    expect(verdict([unknown, second]).undecided.map(({ cause }) => cause)).toEqual([
      'nobody answers',
      'nor does anybody else',
    ]);
  });

  test('an unmet decides, whatever else is unknown', () => {
    expect(verdict([unknown, unmet])).toMatchObject({
      ready: 'False',
      undecided: [],
      findings: [{ message: 'is wrong' }],
    });
  });
});

describe('waiting', () => {
  const policy = policyWith([sayingCheck([waiting])]);

  test('a request only gets a warning', () => {
    for (const admission of [CREATE, UPDATE]) {
      for (const age of [0, 60]) {
        const result = verdictOf(policy, admission, aged(age));
        expect(result.findings).toMatchObject([{ action: 'Warn', because: 'it may still come' }]);
        expect(denies(result)).toBe(false);
      }
    }
  });

  test('a young workload is unknown until companionGrace is over', () => {
    const result = verdictOf(policy, undefined, aged(9));
    expect(result).toMatchObject({ ready: 'Unknown', findings: [], recheckAt: NOW + MINUTE });
    expect(result.undecided).toMatchObject([{ status: 'Unknown', cause: 'waiting: is wrong' }]);
  });

  test('an old one is not ready', () => {
    const result = verdictOf(policy, undefined, aged(10));
    expect(result).toMatchObject({ ready: 'False', undecided: [], recheckAt: undefined });
    expect(result.findings).toMatchObject([{ action: 'Deny' }]);
  });

  test('a manifest, which has no age, is not ready', () => {
    expect(verdictOf(policy, undefined, aged(undefined))).toMatchObject({ ready: 'False', recheckAt: undefined });
  });

  test('what does not wait counts at once', () => {
    const both = policyWith([sayingCheck([waiting, { ...unmet, message: 'is wrong for good' }])]);
    const result = verdictOf(both, undefined, aged(1));
    expect(result).toMatchObject({ ready: 'False', recheckAt: NOW + 9 * MINUTE });
    expect(result.findings.map(({ message }) => message)).toEqual(['is wrong for good']);
  });

  test('the earliest of several times is the one to look again', () => {
    const later: Outcome = { type: 'unknown', cause: 'x', recheckAt: NOW + 5 * MINUTE };
    const checks = [sayingCheck([waiting], { name: 'first' }), sayingCheck([later], { name: 'second' })];
    expect(verdictOf(policyWith(checks), undefined, aged(9)).recheckAt).toBe(NOW + MINUTE);
    expect(verdictOf(policyWith(checks), undefined, aged(1)).recheckAt).toBe(NOW + 5 * MINUTE);
  });
});

describe('Wait and Await in the checks themselves', () => {
  const missing = workloadOf(
    'Deployment',
    { containers: [{ name: 'app', envFrom: [{ secretRef: { name: 'later' } }] }] },
    { name: 'app', creationTimestamp: new Date(NOW - 5 * MINUTE).toISOString() },
  );
  const wait = policyOf({
    profile: 'none',
    checks: { secretReferences: { priority: 'Critical', whenMissing: 'Wait' } },
  });

  test('whenMissing: Wait warns at admission, and reports after companionGrace', () => {
    expect(judge(wait, missing, NOTHING_RELATED, NOW, CREATE).findings).toMatchObject([{ action: 'Warn' }]);
    expect(judge(wait, missing, NOTHING_RELATED, NOW)).toMatchObject({ ready: 'Unknown', recheckAt: NOW + 5 * MINUTE });
    const later = judge(wait, missing, NOTHING_RELATED, NOW + 5 * MINUTE);
    expect(later).toMatchObject({ ready: 'False', findings: [{ message: 'Secret later does not exist' }] });
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'later', namespace: 'default' } };
    expect(judge(wait, missing, relatedOf([secret]), NOW)).toMatchObject({ ready: 'True', recheckAt: undefined });
  });

  test('an autoscaler that may come after the workload is awaited while that is young, if the policy does', () => {
    const actions = (autoscaler: string | undefined): (string | undefined)[] => {
      const minReplicas = { priority: 'Critical', ...(autoscaler === undefined ? {} : { autoscaler }) };
      const policy = policyOf({ profile: 'none', checks: { minReplicas } });
      const action = (admission: Admission, age: number): string | undefined =>
        judge(policy, aged(age), NOTHING_RELATED, NOW, admission).findings[0]?.action;
      return [action(CREATE, 0), action(UPDATE, 9), action(UPDATE, 10), action({ ...UPDATE, lowersReplicas: true }, 9)];
    };
    for (const awaiting of [undefined, 'Await', 'AwaitAny']) {
      expect([awaiting, ...actions(awaiting)]).toEqual([awaiting, 'Warn', 'Warn', 'Deny', 'Deny']);
    }
    expect(actions('Require')).toEqual(['Deny', 'Deny', 'Deny', 'Deny']);
  });
});

describe('aspects', () => {
  const checks = [
    sayingCheck([unmet], { name: 'replicas', aspects: ['Replicas'] }),
    sayingCheck([unmet], { name: 'resources', aspects: ['Resources'] }),
    sayingCheck([unmet], { name: 'neither' }),
  ];

  test.each([
    [undefined, ['replicas', 'resources', 'neither']],
    ['Replicas', ['replicas']],
    ['Resources', ['resources']],
  ] as const)('a change of %s runs %j', (aspect, names) => {
    const result = verdictOf(policyWith(checks), { ...UPDATE, aspect });
    expect(result.findings.map(({ check }) => check)).toEqual(names);
  });

  test('are declared by just the checks that they concern', () => {
    const declared = (aspect: string): string[] =>
      CHECKS.filter(({ aspects }) => aspects?.some((one) => one === aspect)).map(({ name }) => name);
    expect(declared('Replicas')).toEqual(['maxReplicas', 'minReplicas']);
    expect(declared('Resources')).toEqual([
      'cpuLimits',
      'cpuRequests',
      'ephemeralStorageLimits',
      'memoryLimits',
      'memoryRequests',
    ]);
  });
});

describe('ready and score', () => {
  const at = (priority: Priority, says: readonly Outcome[] | Error): Check =>
    sayingCheck(says, {
      name: `check${Math.random().toString(36).slice(2)}`,
      priorities: { 'production-v1': priority, 'baseline-v1': priority },
    });
  const na: Outcome = { type: 'notApplicable', reason: 'no ports' };

  test.each<[string, Check[], string, number]>([
    ['nothing enabled', [], 'True', 100],
    ['nothing applicable', [at('Critical', [na])], 'True', 100],
    ['all met', [at('Critical', []), at('Important', [note])], 'True', 100],
    ['critical unmet', [at('Critical', [unmet])], 'False', 0],
    ['two findings of one check weigh once', [at('Critical', [unmet, unmet]), at('Critical', [])], 'False', 50],
    ['important unmet', [at('Critical', []), at('Important', [unmet])], 'True', 66],
    ['nice to have unmet', [at('Critical', []), at('NiceToHave', [unmet])], 'True', 80],
    ['one of each unmet', [at('Critical', [unmet]), at('Important', []), at('NiceToHave', [])], 'False', 42],
    ['critical unknown', [at('Critical', [unknown]), at('Important', [])], 'Unknown', 100],
    ['critical error', [at('Critical', new Error('boom')), at('Important', [unmet])], 'Unknown', 0],
    ['important unknown', [at('Critical', []), at('Important', [unknown])], 'True', 100],
    ['critical unmet and unknown', [at('Critical', [unmet]), at('Critical', [unknown])], 'False', 0],
    ['disabled', [at('Disabled', [unmet]), at('Critical', [])], 'True', 100],
  ])('%s', (_, checks, ready, score) => {
    expect(verdictOf(policyWith(checks))).toMatchObject({ ready, score });
  });

  test('do not depend on actions', () => {
    for (const critical of ['Deny', 'Warn', 'Audit']) {
      expect(verdictOf(policyWith([at('Critical', [unmet])], { critical }))).toMatchObject({
        ready: 'False',
        score: 0,
      });
    }
  });

  test('score is the weight of met over met and unmet, rounded down', () => {
    const some = fc.array(
      fc.tuple(fc.constantFrom('Critical' as const, 'Important' as const, 'NiceToHave' as const), fc.boolean()),
      { maxLength: 12 },
    );
    const weight = { Critical: 4, Important: 2, NiceToHave: 1 };
    fc.assert(
      fc.property(some, (list) => {
        const checks = list.map(([priority, met], index) =>
          sayingCheck(met ? [] : [unmet], {
            name: `check${index}`,
            priorities: { 'production-v1': priority, 'baseline-v1': priority },
          }),
        );
        const sum = (only: boolean): number =>
          list.filter(([, met]) => met === only).reduce((total, [priority]) => total + weight[priority], 0);
        const all = sum(true) + sum(false);
        const { score, ready } = verdictOf(policyWith(checks));
        expect(score).toBe(all === 0 ? 100 : Math.floor((100 * sum(true)) / all));
        expect(ready).toBe(list.some(([priority, met]) => priority === 'Critical' && !met) ? 'False' : 'True');
        if (score === 100) expect(sum(false)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('notes are handed on', () => {
    expect(verdictOf(policyWith([sayingCheck([note])])).notes).toEqual(['from elsewhere']);
  });
});

describe('worstFirst', () => {
  test('orders by action, then by priority, then as they stood', () => {
    const items = [
      { id: 1, action: 'Audit', priority: 'Critical' },
      { id: 2, action: 'Deny', priority: 'NiceToHave' },
      { id: 3, action: 'Warn', priority: 'Important' },
      { id: 4, action: 'Deny', priority: 'Critical' },
      { id: 5, action: 'Warn', priority: 'Critical' },
      { id: 6, action: 'Deny', priority: 'Critical' },
      { id: 7, action: 'Warn', priority: 'NiceToHave' },
      { id: 8, action: 'Warn', priority: 'Important' },
      { id: 9, action: 'Deny', priority: 'Important' },
    ] as const;
    expect(worstFirst(items).map(({ id }) => id)).toEqual([4, 6, 9, 2, 5, 3, 8, 7, 1]);
    expect(items.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('real checks', () => {
  const compiler = new PolicyCompiler(CHECKS);
  const bare = workloadOf('Deployment', { containers: [{ name: 'app', image: 'app' }] }, { name: 'app' });

  test('a bare Deployment under production-v1', () => {
    const result = judge(policyOf({ profile: 'production-v1' }, compiler), bare, NOTHING_RELATED, NOW, CREATE);
    expect(result.findings.filter(({ action }) => action === 'Deny').map(({ check }) => check)).toEqual([
      'cpuRequests',
      'imageTag',
      'livenessProbe',
      'memoryLimits',
      'memoryRequests',
      'readinessProbe',
    ]);
    const milder = result.findings.filter(({ action }) => action !== 'Deny');
    expect(new Set(milder.map(({ check, action }) => `${check} ${action}`))).toEqual(
      new Set([
        'alertRules Audit',
        'dedicatedServiceAccount Warn',
        'ephemeralStorageLimits Audit',
        'horizontalAutoscaler Warn',
        'minReplicas Warn',
        'imageDigest Audit',
        'metricsScrape Warn',
        'networkPolicy Warn',
        'podSecurityRestricted Warn',
        'readOnlyRootFilesystem Audit',
        'serviceAccountTokenMount Warn',
      ]),
    );
    expect(result).toMatchObject({ ready: 'False', undecided: [], errors: [] });
    expect(denies(result)).toBe(true);
  });

  test('a Secret that is not too old yet is looked at again when it will be', () => {
    const policy = policyOf({ profile: 'none', checks: { secretRotation: { priority: 'Critical' } } }, compiler);
    const workload = workloadOf('Pod', { containers: [{ name: 'app', envFrom: [{ secretRef: { name: 'db' } }] }] });
    const { namespace } = workload;
    const made = '2026-11-01T00:00:00Z';
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db', namespace, creationTimestamp: made } };
    const at = (now: number): Verdict => judge(policy, workload, relatedOf([secret]), now);
    const tooOld = Date.parse(made) + 2160 * 3_600_000;
    expect(at(tooOld)).toMatchObject({ findings: [], recheckAt: tooOld });
    expect(at(tooOld + 1)).toMatchObject({ findings: [{ check: 'secretRotation' }], recheckAt: undefined });
  });

  test('and under none', () => {
    const result = judge(policyOf({ profile: 'none' }, compiler), bare, NOTHING_RELATED, NOW, CREATE);
    expect(result).toMatchObject({ ready: 'True', score: 100, findings: [], undecided: [] });
    expect(denies(result)).toBe(false);
  });
});

describe('of very many findings', () => {
  const MANY = 1000;
  const about = (index: number): Outcome => ({ ...unmet, container: `c${index}`, message: `is wrong in ${index}` });
  const checks = [
    sayingCheck(
      Array.from({ length: MANY }, (_, index) => about(index)),
      { name: 'first' },
    ),
    sayingCheck([unmet], { name: 'second' }),
  ];
  const policy = policyWith(checks, { existingViolations: 'Warn' });

  test('a verdict keeps some, one of each check at least, and counts the rest', () => {
    const result = verdictOf(policy, CREATE);
    expect(result.findings).toHaveLength(MOST_FINDINGS + 1);
    expect(result.findings.at(-1)).toMatchObject({ check: 'second' });
    expect(result.omitted).toEqual([
      { check: 'first', priority: 'Critical', action: 'Deny', count: MANY - MOST_FINDINGS },
    ]);
  });

  test('the last one denies, when the old object had all the others', () => {
    const before = resultOf(Array.from({ length: MANY - 1 }, (_, index) => about(index)));
    const none = resultOf([unmet]);
    const old = ({ check }: Configured): CheckResult => (check.name === 'first' ? before : none);
    const result = verdictOf(policy, { ...UPDATE, old });
    expect(denies(result)).toBe(true);
    expect(result.findings.filter(({ action }) => action === 'Deny')).toMatchObject([{ container: `c${MANY - 1}` }]);
    expect(result.omitted).toMatchObject([{ check: 'first', action: 'Warn', count: MANY - MOST_FINDINGS - 1 }]);
  });

  test('the last one denies, when an exception covers all the others', () => {
    const containers = Array.from({ length: MANY - 1 }, (_, index) => `c${index}`);
    const covering = Array.from({ length: Math.ceil(containers.length / 64) }, (_, index) =>
      exceptionOf(
        exceptionSpec({ checks: ['first'], containers: containers.slice(index * 64, index * 64 + 64) }),
        { name: `e${index}`, namespace: 'default' },
        checks,
      ),
    );
    const result = judge(policy, aged(60), NOTHING_RELATED, NOW, CREATE, new ExceptionSet(covering));
    expect(result.findings.filter(({ check }) => check === 'first')).toMatchObject([{ container: `c${MANY - 1}` }]);
    expect(denies(result)).toBe(true);
    expect(result.excepted).toHaveLength(MOST_FINDINGS);
  });

  test('who asks for all gets all', () => {
    const all = judgeFor(2, aged(60), NOTHING_RELATED, NOW, NO_EXCEPTIONS, Infinity)(policy);
    expect(all).toMatchObject({ findings: { length: MANY + 1 }, omitted: [] });
  });

  test('and of very many causes the first ones', () => {
    const causes = Array.from({ length: MANY }, (_, index): Outcome => ({ type: 'unknown', cause: `cause ${index}` }));
    const { undecided } = verdict(causes);
    expect(undecided).toHaveLength(51);
    expect(undecided.at(-1)).toMatchObject({ cause: `${MANY - 50} things more` });
  });
});

describe('several policies that judge one workload', () => {
  /** Two policies with a check of some parameters each, and how often the check is run. */
  function runsOf(first: object, second: object): number {
    let runs = 0;
    const check: Check = {
      ...sayingCheck([]),
      parameters: Type.Object({ limit: Type.Optional(Type.Integer()) }),
      perContainer: true,
      run: () => (runs += 1),
    };
    const compiler = new PolicyCompiler([check]);
    const policies = [first, second].map((parameters) =>
      policyOf({ profile: 'production-v1', checks: { saying: parameters } }, compiler),
    );
    const judged = judgeFor(policies.length, aged(60), NOTHING_RELATED, NOW, NO_EXCEPTIONS);
    for (const policy of [...policies, ...policies]) judged(policy);
    return runs;
  }

  test.each<[string, object, object, number]>([
    ['without parameters', {}, {}, 1],
    ['of the same parameters, however they are written', { limit: 1, exclude: [] }, { exclude: [], limit: 1 }, 1],
    ['of another priority', { priority: 'Important' }, {}, 1],
    ['of other parameters', { limit: 1 }, { limit: 2 }, 2],
    ['for other containers', { exclude: ['app'] }, {}, 2],
  ])('share the result of a check %s', (_, first, second, runs) => {
    expect(runsOf(first, second)).toBe(runs);
  });
});
