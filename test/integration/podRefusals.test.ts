/** The checks of requests and limits say of the fixtures what a real API server does with their LimitRanges and ResourceQuotas. */
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

/** What LimitRanger, the validation after it, and the admission by quotas say of values that they refuse. */
const REFUSAL =
  /(minimum|maximum) \S+ usage per|limit to request ratio per|must be less than or equal to \S+ limit|(failed|exceeded) quota/;

const FILES = /^unmet-(limit-range-fit|resource-quota).*\.yaml$/;
const fixtures = ['cpuRequests', 'memoryRequests', 'ephemeralStorageLimits'].flatMap((name) =>
  loadFixturesOf(name)
    .filter(({ file }) => FILES.test(file))
    .map((fixture) => [name, fixture.file, CHECKS.find((check) => check.name === name) as Check, fixture] as const),
);

test.each(fixtures)('%s: %s', async (_name, _file, check, fixture) => {
  const verdicts: Json[] = [];
  for (const { workload } of fixture.workloads) {
    const stage = await stageOf(fixture, check.name, workload.namespace);
    for (const spec of [workload.pod, ...aloneOf(workload.pod)]) {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: workload.namespace }, spec };
      const said = findings(fixture, check, pod).filter((message) => /LimitRange|ResourceQuota/.test(message));
      const { code, stderr } = await until('the API server to have heard of the quotas', async () => {
        const tried = await apply({ ...pod, metadata: { name: 'p', namespace: stage.namespace } }, '--dry-run=server');
        return !tried.stderr.includes('status unknown for quota') && tried;
      });
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

/** A namespace with the LimitRanges and ResourceQuotas that the fixture has in one of its own. */
async function stageOf(fixture: Fixture, check: string, namespace: string): Promise<Stage> {
  const name = `${check.toLowerCase()}-${fixture.file.slice('unmet-'.length, -'.yaml'.length)}-${namespace}`;
  const known = stages.find((stage) => stage.namespace === name);
  if (known !== undefined) return known;
  const stage = await Stage.open(name);
  stages.push(stage);
  for (const { object } of fixture.manifests) {
    const { kind, metadata } = object as Json;
    if (!['LimitRange', 'ResourceQuota'].includes(kind) || metadata.namespace !== namespace) continue;
    const { stderr } = await apply({ ...object, metadata: { ...metadata, namespace: name } });
    expect(stderr).toBe('');
    if (kind !== 'ResourceQuota') continue;
    await until('the quota to be counted', async () => {
      expect(await stage.get('resourcequota', metadata.name)).toHaveProperty('status.used');
      return true;
    });
  }
  await until('the ServiceAccount', async () => (await stage.run('get', 'serviceaccount', 'default')).code === 0);
  return stage;
}
