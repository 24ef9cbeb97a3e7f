/** What is kept of a workload has no credential in it, and the checks say the same of it as of the object itself. */
import { expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import { withholdCredentials } from '../../src/controller/withhold.ts';
import { evaluateCheck } from '../../src/engine/evaluate.ts';
import { valueAt } from '../../src/engine/path.ts';
import { readWorkload } from '../../src/engine/workload.ts';
import { enabledBy, FIXTURE_TIME, loadFixtures } from '../support/fixtures.ts';

const fixtures = loadFixtures();

test.each(fixtures.map((fixture) => [`${fixture.check}/${fixture.file}`, fixture] as const))('%s', (_name, fixture) => {
  const check = CHECKS.find(({ name }) => name === fixture.check);
  if (check === undefined) throw new Error(`no check ${fixture.check}`);
  const enabled = enabledBy(fixture, check);
  for (const { workload } of fixture.workloads) {
    const read = readWorkload(withholdCredentials(workload.object, workload.kind), workload.kind);
    if ('problem' in read) throw new Error(read.problem.message);
    const judged = (one: typeof workload) => {
      const { status, unmet, causes, notes } = evaluateCheck(enabled, one, fixture.related, FIXTURE_TIME);
      return { status, unmet, causes, notes };
    };
    expect(judged(read.workload)).toEqual(judged(workload));
  }
});

test('no credential that the check finds is left', () => {
  const check = CHECKS.find(({ name }) => name === 'hardcodedCredentials');
  if (check === undefined) throw new Error('no such check');
  const enabled = { check, priority: 'Critical', parameters: check.prepare?.({} as never), exclude: [] } as const;
  let found = 0;
  for (const { workloads, related } of fixtures.filter((fixture) => fixture.check === check.name)) {
    for (const { workload } of workloads) {
      const kept = JSON.stringify(withholdCredentials(workload.object, workload.kind));
      for (const { path } of evaluateCheck(enabled, workload, related, FIXTURE_TIME).unmet) {
        const value = String(valueAt(workload.object, path));
        const credential = /^--?[\w.-]+=([^]+)$/.exec(value)?.[1] ?? value;
        expect(kept).not.toContain(JSON.stringify(credential).slice(1, -1));
        found += 1;
      }
    }
  }
  expect(found).toBeGreaterThan(10);
});

test('an object without credentials is kept as it is', () => {
  const { workloads } = fixtures.find(({ check, file }) => check === 'imageTag' && file === 'met.yaml') ?? {
    workloads: [],
  };
  expect(workloads.length).toBeGreaterThan(0);
  for (const { workload } of workloads)
    expect(withholdCredentials(workload.object, workload.kind)).toBe(workload.object);
});
