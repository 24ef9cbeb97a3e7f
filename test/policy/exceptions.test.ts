import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { evaluateCheck, type CheckResult, type Configured } from '../../src/engine/evaluate.ts';
import type { Check, Outcome, Scope } from '../../src/engine/check.ts';
import type { Workload } from '../../src/engine/workload.ts';
import type { CompiledPolicy } from '../../src/policy/compile.ts';
import { PolicyCompiler } from '../../src/policy/compile.ts';
import { standingOf } from '../../src/policy/exceptions.ts';
import { denies, judge, type Admission, type Verdict } from '../../src/policy/judge.ts';
import { exceptionOf, exceptionProblems, exceptions, exceptionSpec } from '../support/exceptions.ts';
import { CREATE, policyOf, sayingCheck } from '../support/policies.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { workloadOf } from '../support/workloads.ts';

const END = Date.UTC(2027, 1, 1);
const NOW = END - 3_600_000;
const POD = {
  containers: [
    { name: 'app', image: 'app:1' },
    { name: 'proxy', image: 'proxy:1' },
  ],
};

const wrong = (container?: string, message = 'is wrong'): Outcome => ({
  type: 'unmet',
  path: ['spec'],
  message,
  ...(container === undefined ? {} : { container }),
});
const unknown: Outcome = { type: 'unknown', cause: 'nobody answers' };

function deployment(labels: object = {}, name = 'app'): Workload {
  return workloadOf('Deployment', POD, { name, labels });
}

interface Case {
  readonly says?: readonly Outcome[] | Error;
  readonly check?: Partial<Check>;
  readonly enforcement?: object;
  readonly maxDuration?: string;
  readonly workload?: Workload;
  readonly now?: number;
  readonly admission?: Admission | undefined;
}

/** What the check `saying` of the policy `policy` does under exceptions of these specs. */
function under(specs: readonly object[], one: Case = {}): Verdict {
  const { says = [wrong('app')], check = {}, enforcement = {}, maxDuration = '2160h', now = NOW } = one;
  const checks = [sayingCheck(says, check)];
  const policy = policyOf(
    { profile: 'production-v1', enforcement, exceptions: { maxDuration } },
    new PolicyCompiler(checks),
  );
  const set = exceptions(
    ...specs.map((spec, index) =>
      exceptionOf(exceptionSpec(spec), { name: `e${index}`, namespace: 'default' }, checks),
    ),
  );
  const admission = 'admission' in one ? one.admission : CREATE;
  return judge(policy, one.workload ?? deployment(), NOTHING_RELATED, now, admission, set);
}

describe('an excepted finding', () => {
  test('neither denies nor warns, and spoils neither ready nor score', () => {
    const verdict = under([{}]);
    expect(denies(verdict)).toBe(false);
    expect(verdict).toMatchObject({ findings: [], undecided: [], ready: 'True', score: 100, lapsed: [] });
    expect(verdict.excepted).toMatchObject([
      { check: 'saying', action: 'Audit', message: 'is wrong', exception: { name: 'e0' } },
    ]);
    expect(verdict.exceptions.map(({ name }) => name)).toEqual(['e0']);
  });

  test('without the exception it does', () => {
    expect(under([])).toMatchObject({ findings: [{ action: 'Deny' }], excepted: [], ready: 'False', score: 0 });
  });

  test('leaves the score of the other checks as it is', () => {
    const checks = [
      sayingCheck([wrong()], { name: 'one' }),
      sayingCheck([], { name: 'two' }),
      sayingCheck([wrong()], { name: 'three' }),
    ];
    const policy = policyOf({ profile: 'production-v1' }, new PolicyCompiler(checks));
    const set = exceptions(exceptionOf(exceptionSpec({ checks: ['one'] }), undefined, checks));
    const verdict = judge(policy, deployment(), NOTHING_RELATED, NOW, undefined, set);
    expect(verdict).toMatchObject({ score: 50, ready: 'False', findings: [{ check: 'three' }] });
  });
});

describe('whom an exception is for', () => {
  test.each<[string, object, Case, boolean]>([
    ['the workload named', {}, {}, true],
    ['another name', { workloads: [{ kind: 'Deployment', name: 'other' }] }, {}, false],
    ['another kind', { workloads: [{ kind: 'StatefulSet', name: 'app' }] }, {}, false],
    [
      'one of several',
      {
        workloads: [
          { kind: 'Job', name: 'x' },
          { kind: 'Deployment', name: 'app' },
        ],
      },
      {},
      true,
    ],
    [
      'by label',
      { workloads: undefined, selector: { matchLabels: { tier: 'web' } } },
      { workload: deployment({ tier: 'web' }) },
      true,
    ],
    [
      'by another label',
      { workloads: undefined, selector: { matchLabels: { tier: 'web' } } },
      { workload: deployment({ tier: 'db' }) },
      false,
    ],
    ['an empty selector', { workloads: undefined, selector: {} }, {}, true],
    ['the policy named', { policies: ['other', 'policy'] }, {}, true],
    ['another policy', { policies: ['other'] }, {}, false],
    ['the check named', { checks: ['saying'] }, {}, true],
    ['the container named', { containers: ['app'] }, {}, true],
    ['another container', { containers: ['proxy'] }, {}, false],
    ['containers, and a finding about none', { containers: ['app'] }, { says: [wrong()] }, false],
    ['a second before its end', {}, { now: END - 1 }, true],
    ['at its end', {}, { now: END }, false],
    ['maxDuration ahead', {}, { maxDuration: '24h', now: END - 24 * 3_600_000 }, true],
    ['much further ahead', {}, { maxDuration: '24h', now: END - 26 * 3_600_000 }, false],
  ])('%s', (_, spec, one, excepted) => {
    const defined = Object.fromEntries(Object.entries({ workloads: undefined, ...spec }));
    const full = 'workloads' in spec || 'selector' in spec ? defined : spec;
    const clean = Object.fromEntries(Object.entries(exceptionSpec(full)).filter(([, value]) => value !== undefined));
    const checks = [sayingCheck(one.says ?? [wrong('app')])];
    const policy = policyOf(
      { profile: 'production-v1', exceptions: { maxDuration: one.maxDuration ?? '2160h' } },
      new PolicyCompiler(checks),
    );
    const set = exceptions(exceptionOf(clean, undefined, checks));
    const verdict = judge(policy, one.workload ?? deployment(), NOTHING_RELATED, one.now ?? NOW, CREATE, set);
    expect(verdict.excepted).toHaveLength(excepted ? 1 : 0);
    expect(denies(verdict)).toBe(!excepted);
  });

  test('another namespace', () => {
    const elsewhere = exceptionOf(exceptionSpec(), { name: 'e', namespace: 'elsewhere' });
    const policy = policyOf({ profile: 'production-v1' }, new PolicyCompiler([sayingCheck([wrong()])]));
    expect(denies(judge(policy, deployment(), NOTHING_RELATED, NOW, CREATE, exceptions(elsewhere)))).toBe(true);
  });

  test('some containers: what is wrong in the others counts', () => {
    const verdict = under([{ containers: ['app'] }], { says: [wrong('app'), wrong('proxy'), wrong()] });
    expect(verdict.findings.map(({ container }) => container)).toEqual(['proxy', undefined]);
    expect(verdict).toMatchObject({ excepted: [{ container: 'app' }], ready: 'False', score: 0 });
  });
});

describe('time', () => {
  test('audit is told when to judge again', () => {
    expect(under([{}], { admission: undefined }).recheckAt).toBe(END);
    expect(under([{}, { expiresAt: '2027-01-31T23:30:00Z' }]).recheckAt).toBe(END - 30 * 60_000);
    expect(under([{}], { now: END }).recheckAt).toBeUndefined();
    // Even one that covers nothing: the report lists it.
    expect(under([{}], { says: [] }).recheckAt).toBe(END);
    expect(under([{ policies: ['other'] }]).recheckAt).toBeUndefined();
  });

  test('one that reaches too far comes into force when it no longer does', () => {
    const { recheckAt } = under([{}], { maxDuration: '1h', now: END - 10 * 3_600_000 });
    expect(under([{}], { maxDuration: '1h', now: (recheckAt ?? 0) - 1 }).excepted).toHaveLength(0);
    expect(under([{}], { maxDuration: '1h', now: recheckAt ?? 0 }).excepted).toHaveLength(1);
  });

  test('one that has ended is named where it would have helped', () => {
    expect(under([{}], { now: END }).lapsed.map(({ name }) => name)).toEqual(['e0']);
    expect(under([{ containers: ['proxy'] }], { now: END }).lapsed).toEqual([]);
    expect(under([{}], { now: END, says: [] }).lapsed).toEqual([]);
  });

  test('its standing', () => {
    const exception = exceptionOf(exceptionSpec());
    const policy = policyOf({ profile: 'none', exceptions: { maxDuration: '24h' } });
    expect(standingOf(exception, policy, END)).toBe('Expired');
    expect(standingOf(exception, policy, END - 1)).toBe('InForce');
    expect(standingOf(exception, policy, 0)).toBe('TooLong');
  });
});

describe('what could not be decided', () => {
  test.each<[string, object, Case, object]>([
    ['is covered with the check', {}, { says: [unknown] }, { undecided: [], ready: 'True' }],
    ['but not by some containers', { containers: ['app'] }, { says: [unknown] }, { undecided: [{}], ready: 'Unknown' }],
    ['a failed check is covered too', {}, { says: new Error('boom') }, { undecided: [], ready: 'True', errors: [{}] }],
    [
      'comes to light when the rest is covered',
      { containers: ['app'] },
      { says: [wrong('app'), unknown], enforcement: { onUnknown: 'Deny' } },
      { undecided: [{ action: 'Deny' }], ready: 'Unknown' },
    ],
    [
      'and is no worse than that rest',
      { containers: ['app'] },
      {
        says: [wrong('app'), unknown],
        check: { scope: 'companion' },
        enforcement: { onUnknown: 'Deny' },
      },
      { undecided: [{ action: 'Warn' }] },
    ],
  ])('%s', (_, spec, one, expected) => {
    expect(under([spec], one)).toMatchObject(expected);
  });
});

describe('a spec', () => {
  test.each<[string, object, string]>([
    ['neither workloads nor selector', { workloads: undefined }, 'spec.workloads: name the workloads either by'],
    ['both', { selector: {} }, 'spec.workloads: name the workloads either by workloads or by selector'],
    ['no workload', { workloads: [] }, 'spec.workloads: must NOT have fewer than 1 items'],
    [
      'a misspelt check',
      { checks: ['redinessProbe'] },
      'spec.checks[0]: unknown check redinessProbe; did you mean readinessProbe?',
    ],
    ['a check like no other', { checks: ['xyzzyqwerty'] }, 'spec.checks[0]: unknown check xyzzyqwerty'],
    ['* with others', { checks: ['*', 'readinessProbe'] }, "spec.checks: '*' means every check and stands alone"],
    ['no check', { checks: [] }, 'spec.checks: must NOT have fewer than 1 items'],
    ['no reason', { reason: undefined }, 'spec.reason: is required'],
    ['a blank reason', { reason: '  ' }, 'spec.reason: must match'],
    ['no end', { expiresAt: undefined }, 'spec.expiresAt: is required'],
    ['an end without a time', { expiresAt: '2027-02-01' }, 'spec.expiresAt: must be a date and time, for example'],
    ['a misspelt field', { expireAt: 'x' }, 'spec.expireAt: unknown field; did you mean expiresAt?'],
    [
      'a selector that says nothing',
      { workloads: undefined, selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      'spec.selector.matchExpressions[0].values: must not be empty with operator In',
    ],
    [
      'a selector with a value that no label can have',
      { workloads: undefined, selector: { matchLabels: { tier: 'web app' } } },
      'spec.selector.matchLabels.tier: must be a label value',
    ],
  ])('%s', (_, more, problem) => {
    const spec = Object.fromEntries(Object.entries(exceptionSpec(more)).filter(([, value]) => value !== undefined));
    expect(exceptionProblems(spec)[0]).toContain(problem);
  });

  test('no spec at all', () => {
    expect(exceptionProblems(undefined)).toContain('spec.reason: is required');
  });

  test('a valid one, by whom it was asked for', () => {
    expect(exceptionProblems(exceptionSpec({ requestedBy: { username: 'alice', groups: ['a'] } }))).toEqual([]);
    expect(exceptionOf(exceptionSpec({ requestedBy: { username: 'alice' } }))).toMatchObject({
      requestedBy: 'alice',
      expiresAt: END,
    });
  });
});

describe('properties', () => {
  const containers = fc.constantFrom('app', 'proxy', undefined);
  const outcome: fc.Arbitrary<Outcome> = fc.oneof(
    containers.map((container) => wrong(container)),
    containers.map((container): Outcome => ({ ...wrong(container), waits: true }) as Outcome),
    fc.constant(unknown),
  );
  const scope = fc.constantFrom<Scope>('workload', 'reference', 'companion');
  const priority = fc.constantFrom('Critical' as const, 'Important' as const, 'NiceToHave' as const);
  const action = fc.constantFrom('Deny', 'Warn', 'Audit');
  const check = fc.record({ says: fc.array(outcome, { maxLength: 4 }), scope, priority });
  const enforcement = fc.record({
    critical: action,
    important: action,
    onUnknown: fc.constantFrom('Warn', 'Deny'),
    onError: fc.constantFrom('Warn', 'Deny'),
    existingViolations: fc.constantFrom('Warn', 'Deny'),
  });
  const names = ['one', 'two', 'three'];
  const ALL_THREE = names.map((name) => sayingCheck([], { name }));
  const spec = fc
    .record({
      byLabel: fc.boolean(),
      label: fc.constantFrom('web', 'db'),
      containers: fc.option(fc.subarray(['app', 'proxy'], { minLength: 1 }), { nil: undefined }),
      checks: fc.oneof(fc.constant(['*']), fc.subarray(names, { minLength: 1 })),
      policies: fc.option(fc.subarray(['policy', 'other'], { minLength: 1 }), { nil: undefined }),
      ahead: fc.integer({ min: -2000, max: 3000 }),
    })
    .map(({ byLabel, label, ahead, ...rest }) =>
      Object.fromEntries(
        Object.entries({
          ...rest,
          reason: 'because',
          expiresAt: new Date(NOW + ahead * 3_600_000).toISOString(),
          ...(byLabel
            ? { selector: { matchLabels: { tier: label } } }
            : { workloads: [{ kind: 'Deployment', name: 'app' }] }),
        }).filter(([, value]) => value !== undefined),
      ),
    );

  test('adding an exception never adds a denial, whatever stands there already', () => {
    fc.assert(
      fc.property(
        fc.array(check, { minLength: 1, maxLength: 3 }),
        enforcement,
        fc.array(spec, { maxLength: 3 }),
        spec,
        fc.constantFrom<'CREATE' | 'UPDATE' | 'none'>('CREATE', 'UPDATE', 'none'),
        fc.boolean(),
        fc.constantFrom('web', 'db'),
        fc.array(outcome, { maxLength: 4 }),
        (given, how, present, more, operation, dryRun, oldLabel, oldSays) => {
          const make = (says: (index: number) => readonly Outcome[]): Check[] =>
            given.map((one, index) =>
              sayingCheck(says(index), {
                name: names[index] as string,
                scope: one.scope,
                priorities: { 'production-v1': one.priority, 'baseline-v1': one.priority },
              }),
            );
          const checks = make((index) => given[index]?.says ?? []);
          const compile = (list: Check[]): CompiledPolicy =>
            policyOf({ profile: 'production-v1', enforcement: how }, new PolicyCompiler(list));
          const policy = compile(checks);
          const all = [...present, more].map((one, index) =>
            exceptionOf(one, { name: `e${index}`, namespace: 'default' }, ALL_THREE),
          );
          const judged = (count: number): Verdict => {
            const set = exceptions(...all.slice(0, count));
            const before = make(() => oldSays);
            const old = ({ check, parameters, exclude }: Configured): CheckResult => {
              const same = before.find(({ name }) => name === check.name) ?? check;
              const workload = deployment({ tier: oldLabel });
              return evaluateCheck({ check: same, parameters, exclude }, workload, NOTHING_RELATED, NOW);
            };
            const admission = operation === 'none' ? undefined : { ...CREATE, operation, dryRun, old };
            return judge(policy, deployment({ tier: 'web' }), NOTHING_RELATED, NOW, admission, set);
          };
          const [before, after] = [judged(present.length), judged(all.length)];
          if (!denies(before)) expect(denies(after)).toBe(false);
          // Nothing gets lost either.
          expect(after.findings.length + after.excepted.length).toBe(before.findings.length + before.excepted.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});
