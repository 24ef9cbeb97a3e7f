import { expect, test } from '@jest/globals';
import minReplicas from '../../src/checks/minReplicas.ts';
import { loadFixturesOf } from '../support/fixtures.ts';
import { verdictOf } from './verdict.ts';

const fixtures = loadFixturesOf('minReplicas');

test('a check that is in order has no complaints', () => {
  expect(verdictOf(minReplicas, fixtures)).toEqual({
    summary: expect.stringMatching(/^(\d+) of \1 mutants killed by \d+ fixtures$/),
    complaints: [],
  });
});

test('a check that says something else than its fixtures is told with file and finding', () => {
  const { complaints } = verdictOf({ ...minReplicas, run: () => {} }, fixtures);
  expect(complaints).toContainEqual(
    expect.stringMatching(/^unmet\.yaml: Deployment \w+: expected but not reported: \d+: unmet: /),
  );
});

test('a mutant that no fixture notices is told', () => {
  const met = fixtures.filter(({ status }) => status === 'Met');
  const { summary, complaints } = verdictOf(minReplicas, met);
  expect(complaints).toContainEqual(expect.stringMatching(/^survives "says it in other words": .*met\.yaml/));
  expect(summary).not.toMatch(/^(\d+) of \1 /);
});

test('a check without fixtures is told', () => {
  expect(verdictOf(minReplicas, loadFixturesOf('noSuchCheck')).complaints).toContain('it has no fixtures');
});
