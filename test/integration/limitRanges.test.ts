/** The checks of requests and limits say of the fixtures what a real API server does with their LimitRanges. */
import { afterEach, expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import type { Check } from '../../src/engine/check.ts';
import { evaluateCheck } from '../../src/engine/evaluate.ts';
import { workloadKindOf } from '../../src/engine/kinds.ts';
import { readWorkload, type RawObject } from '../../src/engine/workload.ts';
import { enabledBy, FIXTURE_TIME, loadFixturesOf, type Fixture } from '../support/fixtures.ts';
import { until } from '../support/until.ts';
import { apply, Stage, type Json } from './stage.ts';

let stages: Stage[] = [];
afterEach(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
  stages = [];
});

/** What LimitRanger, and the validation after it, say of values that they refuse. */
const REFUSAL = /(minimum|maximum) \S+ usage per|limit to request ratio per|must be less than or equal to \S+ limit/;

const FILE = 'unmet-limit-range-fit.yaml';
const fixtures = ['cpuRequests', 'memoryRequests', 'ephemeralStorageLimits'].map((name) => {
  const fixture = loadFixturesOf(name).find(({ file }) => file === FILE) as Fixture;
  return [name, CHECKS.find((check) => check.name === name) as Check, fixture] as const;
});

test.each(fixtures)('%s', async (name, check, fixture) => {
  const verdicts: Json[] = [];
  for (const { workload } of fixture.workloads) {
    const stage = await stageOf(fixture, name, workload.namespace);
    for (const spec of [workload.pod, ...aloneOf(workload.pod)]) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: workload.namespace }, spec };
      const said = findings(fixture, check, pod).filter((message) => message.includes('LimitRange'));
      const { code, stderr } = await apply(
        { ...pod, metadata: { name: 'p', namespace: stage.namespace } },
        '--dry-run=server',
      );
      if (code !== 0) expect(stderr).toMatch(REFUSAL);
      verdicts.push({ spec, said, isRefused: code !== 0, stderr });
    }
  }
  expect(verdicts.filter(({ said, isRefused }) => said.length > 0 !== isRefused)).toEqual([]);
  // Both happen.
  expect(new Set(verdicts.map(({ isRefused }) => isRefused as boolean)).size).toBe(2);
});

/** Each container of a pod as a pod of its own. */
function aloneOf(pod: Json): Json[] {
  return [...(pod['containers'] ?? []), ...(pod['initContainers'] ?? [])].map((container) => ({
    containers: [container],
  }));
}

function findings(fixture: Fixture, check: Check, pod: RawObject): string[] {
  const kind = workloadKindOf('v1', 'Pod');
  const read = kind === undefined ? undefined : readWorkload(pod, kind);
  if (read === undefined || !('workload' in read)) throw new Error('no Pod');
  const { unmet } = evaluateCheck(enabledBy(fixture, check), read.workload, fixture.related, FIXTURE_TIME);
  return unmet.map(({ message }) => message);
}

/** A namespace with the LimitRanges that the fixture has in one of its own. */
async function stageOf(fixture: Fixture, check: string, namespace: string): Promise<Stage> {
  const name = `${check.toLowerCase()}-${namespace}`;
  const known = stages.find((stage) => stage.namespace === name);
  if (known !== undefined) return known;
  const stage = await Stage.open(name);
  stages.push(stage);
  for (const { object } of fixture.manifests) {
    const { kind, metadata } = object as Json;
    if (kind !== 'LimitRange' || metadata.namespace !== namespace) continue;
    const { stderr } = await apply({ ...object, metadata: { ...metadata, namespace: name } });
    expect(stderr).toBe('');
  }
  await until('the ServiceAccount', async () => (await stage.run('get', 'serviceaccount', 'default')).code === 0);
  return stage;
}
