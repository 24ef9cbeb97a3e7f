/** What is kept of a workload has no credential in it, and the checks say the same of it as of the object itself. */
import { describe, expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import { withholdCredentials } from '../../src/controller/withhold.ts';
import { evaluateCheck } from '../../src/engine/evaluate.ts';
import { workloadKindOf } from '../../src/engine/kinds.ts';
import { valueAt } from '../../src/engine/path.ts';
import { readWorkload } from '../../src/engine/workload.ts';
import { LINEAR, slowdown } from '../support/growth.ts';
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

test.each<[string, object, object?]>([
  [
    'an annotation that is called image',
    { metadata: { annotations: { image: `shop:pw@r.example.com/ghp_${'FAKE'.repeat(9)}` } } },
  ],
  ['an annotation that is called path', { metadata: { annotations: { path: `/ghp_${'FAKE'.repeat(9)}?a=b` } } }],
  [
    'the path of a probe, before its query',
    {},
    { livenessProbe: { httpGet: { port: 80, path: `/ghp_${'FAKE'.repeat(9)}?token=FAKE-s3cr3t` } } },
  ],
  ['the name of a flag', {}, { args: [`--ghp_${'FAKE'.repeat(9)}=x`] }],
  ['an image with two', {}, { image: `shop:FAKE-s3cr3t@r.example.com/ghp_${'FAKE'.repeat(9)}:1` }],
])('of %s nothing is left either', (_, pod, container = {}) => {
  const kind = workloadKindOf('v1', 'Pod');
  if (kind === undefined) throw new Error('no Pods');
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app' },
    spec: { containers: [{ name: 'app', image: 'r.example.com/app:1', ...container }] },
    ...pod,
  };
  expect(JSON.stringify(withholdCredentials(object, kind))).not.toMatch(/FAKE/);
});

test('of an image and of the path of a probe the rest is kept, which other checks read', () => {
  const kind = workloadKindOf('v1', 'Pod');
  if (kind === undefined) throw new Error('no Pods');
  const object = (password: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app' },
    spec: {
      containers: [
        {
          name: 'app',
          image: `shop:${password}@r.example.com/app:1`,
          livenessProbe: { httpGet: { port: 80, path: `/live?${password}` } },
        },
      ],
    },
  });
  const kept = JSON.stringify(withholdCredentials(object('token=FAKE-s3cr3t'), kind));
  expect(kept).toMatch(/"shop:[^"]+@r\.example\.com\/app:1"/);
  expect(kept).toContain('"/live?');
  expect(kept).not.toContain('FAKE');
});

test('an object without credentials is kept as it is', () => {
  const { workloads } = fixtures.find(({ check, file }) => check === 'imageTag' && file === 'met.yaml') ?? {
    workloads: [],
  };
  expect(workloads.length).toBeGreaterThan(0);
  for (const { workload } of workloads)
    expect(withholdCredentials(workload.object, workload.kind)).toBe(workload.object);
});

describe('what is too large to be judged', () => {
  const kind = workloadKindOf('apps/v1', 'Deployment');
  if (kind === undefined) throw new Error('no Deployments');
  const large = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app', namespace: 'shop', uid: 'u-1', annotations: { operator: 'FAKE-note' } },
    spec: {
      replicas: 3,
      template: {
        spec: {
          containers: [{ name: 'app', args: Array.from({ length: 5001 }, () => '--token=FAKE-s3cr3t') }],
          topologySpreadConstraints: [
            { topologyKey: 'zone', labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } },
          ],
        },
      },
    },
  };

  test('keeps no text, and is still too large, with its name and its count', () => {
    const kept = withholdCredentials(large, kind);
    expect(JSON.stringify(kept)).not.toContain('FAKE');
    const read = readWorkload(kept, kind);
    expect(read).toMatchObject({ workload: { name: 'app', namespace: 'shop', uid: 'u-1', replicas: { count: 3 } } });
    expect('workload' in read && read.workload.excess).toEqual(
      expect.objectContaining({ message: expect.stringContaining('at most 5000 are judged') }),
    );
  });
});

test('takes time linear in the number of credentials', () => {
  const kind = workloadKindOf('v1', 'Pod');
  if (kind === undefined) throw new Error('no Pods');
  const pod = (count: number) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'app' },
    spec: { containers: [{ name: 'app', args: Array.from({ length: count }, () => '--token=FAKE-s3cr3t') }] },
  });
  expect(slowdown(pod, (object) => withholdCredentials(object, kind), 70)).toBeLessThan(LINEAR);
});
