import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import type { Outcome } from '../../src/engine/check.ts';
import { judge, type Verdict } from '../../src/policy/judge.ts';
import { combinedReady, countByPriority, reportNameOf, reportOf, ReportSchema } from '../../src/policy/report.ts';
import { PolicyCompiler } from '../../src/policy/compile.ts';
import { policyOf, sayingCheck } from '../support/policies.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { workloadOf } from '../support/workloads.ts';

const workload = workloadOf(
  'Deployment',
  { containers: [{ name: 'app' }] },
  { name: 'web', namespace: 'shop', uid: 'u-1' },
);
const wrong: Outcome = { type: 'unmet', path: ['spec', 'containers', 0], message: 'is wrong', container: 'app' };

function verdictOf(name: string, says: readonly Outcome[], enforcement: object = {}, more: object = {}): Verdict {
  const compiler = new PolicyCompiler([sayingCheck(says, more)]);
  const policy = policyOf({ profile: 'production-v1', enforcement }, compiler, { name, generation: 3 });
  return judge(policy, workload, NOTHING_RELATED, 0);
}

describe('a report', () => {
  test('says what was found, by whom', () => {
    const report = reportOf(workload, [verdictOf('a', [wrong])]);
    expect(report).toMatchObject({
      metadata: {
        name: 'deployment-web',
        namespace: 'shop',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u-1' }],
      },
      workload: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      ready: 'False',
      score: 0,
      counts: { critical: 1, important: 0, niceToHave: 0, unknown: 0 },
      policies: [{ name: 'a', generation: 3 }],
      findings: [{ check: 'saying', action: 'Deny', path: 'spec.containers[0]', container: 'app', policies: ['a'] }],
    });
    expect(report).not.toHaveProperty('unknown');
    expect(report).not.toHaveProperty('notes');
  });

  test('has each text on one line, whatever a user wrote', () => {
    const lies: Outcome = { type: 'unmet', path: [], message: 'is "x\n\u001b[2Kready"' };
    const [found] = reportOf(workload, [verdictOf('a', [lies])]).findings ?? [];
    expect(found?.message).toBe('is "x\\u000a\\u001b[2Kready"');
  });

  test('says once what several policies say alike, with the strictest action', () => {
    const report = reportOf(workload, [verdictOf('b', [wrong], { critical: 'Warn' }), verdictOf('a', [wrong])]);
    expect(report.findings).toMatchObject([{ action: 'Deny', policies: ['a', 'b'] }]);
    expect(report.counts.critical).toBe(1);
    expect(report.policies).toHaveLength(2);
  });

  test('takes the worst of several policies', () => {
    const unknown: Outcome = { type: 'unknown', cause: 'nobody answers' };
    const note: Outcome = { type: 'note', text: 'from elsewhere' };
    const report = reportOf(workload, [verdictOf('a', [unknown]), verdictOf('b', [note]), verdictOf('c', [unknown])]);
    expect(report).toMatchObject({
      ready: 'Unknown',
      counts: { unknown: 1 },
      unknown: [{ check: 'saying', cause: 'nobody answers', policies: ['a', 'c'] }],
      notes: ['from elsewhere'],
    });
    expect(reportOf(workload, [])).toMatchObject({ ready: 'True', score: 100, findings: [] });
  });

  test('stays within its schema, however much was found', () => {
    const validate = new Ajv({ strict: false }).compile(ReportSchema);
    const {
      metadata: _,
      apiVersion: __,
      kind: ___,
      ...content
    } = reportOf(workload, [
      verdictOf(
        'a',
        Array.from({ length: 500 }, (_value, index) => ({ ...wrong, message: `${index} ${'x'.repeat(5000)}` })),
      ),
      verdictOf(
        'b',
        Array.from({ length: 500 }, (_value, index) => ({ type: 'unknown', cause: `${index}` }) as const),
      ),
      verdictOf(
        'c',
        Array.from({ length: 500 }, (_value, index) => ({ type: 'note', text: `${index}` }) as const),
      ),
    ]);
    validate(content);
    expect(validate.errors).toBeNull();
    expect(content.findings).toHaveLength(100);
    expect(content.counts).toMatchObject({ critical: 500, unknown: 51 });
  });
});

describe('parts of it', () => {
  test.each([
    ['Deployment', 'web', 'deployment-web'],
    ['CronJob', 'a.b', 'cronjob-a.b'],
  ])('%s %s is named %s', (kind, name, expected) => {
    expect(reportNameOf(kind, name)).toBe(expected);
  });

  test('long names are cut, and stay distinct and valid', () => {
    const names = ['a', 'b'].map((last) => reportNameOf('ReplicationController', `${'x'.repeat(250)}.${last}`));
    expect(new Set(names).size).toBe(2);
    for (const name of names) {
      expect(name.length).toBeLessThanOrEqual(253);
      expect(name).toMatch(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
    }
    const dotted = reportNameOf('Pod', `${'x'.repeat(237)}${'.'.repeat(5)}${'y'.repeat(11)}`);
    expect(dotted).toMatch(/x-[0-9a-f]{10}$/);
  });

  test.each([
    [[], 'True'],
    [['True', 'True'], 'True'],
    [['True', 'Unknown'], 'Unknown'],
    [['Unknown', 'False'], 'False'],
  ] as const)('%j together are %s', (all, expected) => {
    expect(combinedReady(all.map((ready) => ({ ready })))).toBe(expected);
  });

  test('counts by priority', () => {
    const list = (['Critical', 'Important', 'Important', 'NiceToHave'] as const).map((priority) => ({ priority }));
    expect(countByPriority(list)).toEqual({ critical: 1, important: 2, niceToHave: 1 });
  });
});
