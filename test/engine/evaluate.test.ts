import { describe, expect, test } from '@jest/globals';
import { NO_PARAMETERS, unmetAt, type Check, type Outcome } from '../../src/engine/check.ts';
import {
  evaluateCheck,
  sharingEvaluator,
  type CheckResult,
  type Configured,
  type EnabledCheck,
  type Unmet,
} from '../../src/engine/evaluate.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { kindOf, objectOf, read, workloadOf } from '../support/workloads.ts';

function enabled(run: Check['run'], more: Pick<Check, 'appliesTo'> = {}, exclude: readonly string[] = []): Configured {
  const check: Check = {
    name: 'sample',
    title: 'Sample',
    metWhen: 'Always.',
    group: 'Health probes',
    items: [],
    scope: 'workload',
    priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
    parameters: NO_PARAMETERS,
    rationale: 'None.',
    remediation: 'do nothing',
    source: 'https://kubernetes.io/docs/',
    run,
    ...more,
  };
  return { check, parameters: {}, exclude };
}

const POD = { containers: [{ name: 'app' }, { name: 'proxy' }], initContainers: [{ name: 'proxy-init' }] };
const deployment = workloadOf('Deployment', POD);

function evaluate(outcomes: readonly Outcome[]): CheckResult {
  return evaluateCheck(
    enabled((_, report) => outcomes.forEach(report)),
    deployment,
    NOTHING_RELATED,
    0,
  );
}

const unmet: Unmet = { type: 'unmet', path: ['spec'], message: 'is wrong' };
const unknown: Outcome = { type: 'unknown', cause: 'nobody knows' };
const notApplicable: Outcome = { type: 'notApplicable', reason: 'no ports' };
const note: Outcome = { type: 'note', text: 'from elsewhere' };

describe('evaluateCheck', () => {
  test.each<[string, Outcome[], Partial<CheckResult>]>([
    ['nothing', [], { status: 'Met', unmet: [], causes: [], notes: [] }],
    ['a note', [note], { status: 'Met', notes: ['from elsewhere'] }],
    ['an unmet', [unmet], { status: 'Unmet', unmet: [unmet], causes: [] }],
    ['an unknown', [unknown], { status: 'Unknown', causes: ['nobody knows'] }],
    ['a not applicable', [notApplicable], { status: 'NotApplicable', causes: ['no ports'] }],
    ['unmet before unknown', [unknown, unmet], { status: 'Unmet', causes: ['nobody knows'] }],
    ['unknown before not applicable', [notApplicable, unknown], { status: 'Unknown', causes: ['nobody knows'] }],
    ['all of them', [note, notApplicable, unknown, unmet, unmet], { status: 'Unmet', notes: ['from elsewhere'] }],
  ])('%s', (_, outcomes, expected) => {
    expect(evaluate(outcomes)).toMatchObject(expected);
  });

  test('takes the earliest time at which waiting is over', () => {
    expect(evaluate([unknown]).recheckAt).toBeUndefined();
    const at = (recheckAt: number): Outcome => ({ type: 'unknown', cause: 'x', recheckAt });
    expect(evaluate([at(5), unknown, at(3), at(9)]).recheckAt).toBe(3);
    const until = (time: number): Outcome => ({ type: 'until', at: time });
    expect(evaluate([until(7), until(4)])).toMatchObject({ status: 'Met', recheckAt: 4 });
    expect(evaluate([until(7), at(3), unmet])).toMatchObject({ status: 'Unmet', recheckAt: 3 });
  });

  test.each<[string, Check['run'], string]>([
    [
      'an Error',
      () => {
        throw new TypeError('boom');
      },
      'the check failed: boom',
    ],
    [
      'an Error after an unmet',
      (_, report) => {
        report(unmet);
        throw new Error('late');
      },
      'the check failed: late',
    ],
    [
      'something else',
      () => {
        // oxlint-disable-next-line typescript/only-throw-error
        throw 'text';
      },
      'the check failed: text',
    ],
  ])('makes %s that a check throws the status Error', (_, run, cause) => {
    const result = evaluateCheck(enabled(run), deployment, NOTHING_RELATED, 0);
    expect(result).toMatchObject({ status: 'Error', causes: [cause], unmet: [] });
    expect(result.error).toBeDefined();
  });

  test.each<[string[], string[]]>([
    [[], ['app', 'proxy', 'proxy-init']],
    [['proxy'], ['app', 'proxy-init']],
    [['proxy*'], ['app']],
    [['*'], []],
  ])('leaves out the containers that %j excludes', (exclude, expected) => {
    let names: string[] = [];
    const one = enabled(
      ({ containers }) => {
        names = containers.map(({ name }) => name);
      },
      {},
      exclude,
    );
    evaluateCheck(one, deployment, NOTHING_RELATED, 0);
    expect(names).toEqual(expected);
  });

  test('hands on clock, parameters and related objects', () => {
    let given: unknown;
    const one = enabled((input) => {
      given = input;
    });
    evaluateCheck({ ...one, parameters: { max: 3 } }, deployment, NOTHING_RELATED, 42);
    expect(given).toMatchObject({ now: 42, parameters: { max: 3 }, workload: deployment, related: NOTHING_RELATED });
  });

  /** Owned by another one, as it says; that is never a reason. */
  const owned = (kind: string, apiVersion: string, owner: string) =>
    read(
      objectOf(kind, POD, {
        name: 'x',
        ownerReferences: [{ apiVersion, kind: owner, name: 'o', uid: 'u', controller: true }],
      }),
      kindOf(kind),
    );
  const restarted = (restartPolicy: string) => workloadOf('Pod', { ...POD, restartPolicy });

  test.each([
    ['LongRunning', workloadOf('Deployment', POD), true],
    ['LongRunning', workloadOf('DaemonSet', POD), true],
    ['LongRunning', workloadOf('Pod', POD), true],
    ['LongRunning', workloadOf('Job', POD), false],
    ['LongRunning', workloadOf('CronJob', POD), false],
    ['LongRunning', restarted('Never'), false],
    ['LongRunning', restarted('OnFailure'), false],
    ['LongRunning', restarted('Always'), true],
    ['LongRunning', workloadOf('Deployment', { ...POD, restartPolicy: 'Never' }), true],
    ['LongRunning', owned('Pod', 'batch/v1', 'Job'), true],
    ['LongRunning', owned('Deployment', 'batch/v1', 'Job'), true],
    ['Replicated', workloadOf('Deployment', POD), true],
    ['Replicated', workloadOf('StatefulSet', POD), true],
    ['Replicated', workloadOf('ReplicaSet', POD), true],
    ['Replicated', owned('ReplicaSet', 'apps/v1', 'Deployment'), true],
    ['Replicated', owned('Deployment', 'v1', 'ConfigMap'), true],
    ['Replicated', workloadOf('DaemonSet', POD), false],
    ['Replicated', workloadOf('Pod', POD), false],
    ['Replicated', workloadOf('CronJob', POD), false],
  ] as const)('a check for %s workloads, case %#', (appliesTo, workload, applies) => {
    const { status } = evaluateCheck(
      enabled((_, report) => report(unmet), { appliesTo }),
      workload,
      NOTHING_RELATED,
      0,
    );
    expect(status).toBe(applies ? 'Unmet' : 'NotApplicable');
  });
});

describe('unmetAt', () => {
  const [container] = deployment.containers;

  test('stands below the container and names it', () => {
    if (container === undefined) throw new Error('no container');
    expect(unmetAt(container, ['image'], 'is wrong')).toEqual({
      type: 'unmet',
      path: ['spec', 'template', 'spec', 'containers', 0, 'image'],
      message: 'is wrong',
      container: 'app',
    });
    expect(unmetAt(container, [], 'is wrong', 'do better')).toMatchObject({ remediation: 'do better' });
  });
});

test('a result that is too large to be kept is not worked out anew for each question about it', () => {
  const unmet: Outcome = { type: 'unmet', path: [], message: 'is wrong' };
  const runs: string[] = [];
  const saying = (identity: string, times: number): EnabledCheck => {
    const one = enabled((_, report) => {
      runs.push(identity);
      for (let time = 0; time < times; time++) report(unmet);
    });
    return { ...one, priority: 'Critical', identity };
  };
  const [small, large, larger] = [saying('small', 1), saying('large', 60_000), saying('larger', 70_000)];
  const evaluate = sharingEvaluator(deployment, NOTHING_RELATED, 0);
  for (const one of [small, large, large, larger, larger, small]) evaluate(one);
  expect(runs).toEqual(['small', 'large', 'larger']);
  // Only the last of them is kept.
  evaluate(large);
  expect(runs).toEqual(['small', 'large', 'larger', 'large']);
});
