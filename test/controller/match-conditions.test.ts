/** What the expressions say to an API server is tested there: test/integration/matchConditions.test.ts. */
import { expect, test } from '@jest/globals';
import { changesWhatIsJudged } from '../../src/controller/match-conditions.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../src/engine/kinds.ts';
import { kindOf } from '../support/workloads.ts';

const expressionFor = (...kinds: WorkloadKind[]): string => changesWhatIsJudged(kinds, false).expression;

test('kinds that are compared alike share an expression, and those that an entry is not about are not in it', () => {
  const one = expressionFor(kindOf('Deployment'));
  const all = expressionFor(...WORKLOAD_KINDS);
  const count = (text: string, what: string): number => text.split(what).length - 1;
  expect([count(one, "dyn(object[?'spec'][?'template']"), count(all, "dyn(object[?'spec'][?'template']")]).toEqual([
    1, 1,
  ]);
  expect([count(one, 'jobTemplate'), count(all, "'CronJob'")]).toEqual([0, 1]);
});

test('a template or count whose path makes the comparison too long is compared by its first field', () => {
  const path = ['first', ...Array.from({ length: 60 }, () => 'more')];
  const kind: WorkloadKind = { ...kindOf('Deployment'), kind: 'Deep', template: path, replicas: path, custom: true };
  const whole = "object[?'first'] != oldObject[?'first']";
  expect(expressionFor(kind)).toBe(
    `request.operation == 'CREATE' || ${whole} || request.kind.kind in ['Deep'] && ${whole}`,
  );
});

test('labels count where a policy selects workloads by them', () => {
  const labels = 'object.metadata.?labels != oldObject.metadata.?labels';
  expect(changesWhatIsJudged([kindOf('Pod')], true).expression.endsWith(` || ${labels}`)).toBe(true);
  expect(expressionFor(kindOf('Pod'))).not.toContain('labels');
});
