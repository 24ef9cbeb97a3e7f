/** What is changed of a Pod that is there, or of a Job that waits, is let pass: it runs, or is to run, as it was judged. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { apply, attempt, latest, Stage, type Json } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open('running-pods');
  // They are there before the policy is, and meet nothing of it.
  expect(await apply(pod())).toMatchObject({ code: 0 });
  expect(await apply(job())).toMatchObject({ code: 0 });
  await stage.enforce({ profile: 'none', checks: { imageTag: { priority: 'Critical' } } });
});
afterAll(() => stage.close());

function pod(): Json {
  const { template } = stage.deployment('gated', latest)['spec'] as Json;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'gated', namespace: stage.namespace, labels: { app: 'gated' } },
    spec: { ...template.spec, schedulingGates: [{ name: 'example.com/quota' }] },
  };
}

function job(): Json {
  const { template } = stage.deployment('queued', latest)['spec'] as Json;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'queued', namespace: stage.namespace },
    spec: { suspend: true, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
  };
}

const patch = (what: string, type: 'json' | 'merge', change: unknown) =>
  attempt(['-n', stage.namespace, 'patch', what, `--type=${type}`, '-p', JSON.stringify(change)]);

test.each<[string, 'json' | 'merge', unknown]>([
  ['a node selector', 'merge', { spec: { nodeSelector: { pool: 'batch' } } }],
  ['a scheduling gate', 'json', [{ op: 'remove', path: '/spec/schedulingGates' }]],
  ['a toleration', 'json', [{ op: 'add', path: '/spec/tolerations/-', value: { key: 'spot', operator: 'Exists' } }]],
  ['a deadline', 'merge', { spec: { activeDeadlineSeconds: 600 } }],
])('a Pod: %s', async (_what, type, change) => {
  const { code, stderr } = await patch('pod/gated', type, change);
  expect([code, stderr]).toEqual([0, '']);
});

test('a Pod whose image is changed is judged', async () => {
  const change = [{ op: 'replace', path: '/spec/containers/0/image', value: 'registry.example.com/shop/other:latest' }];
  const { code, stderr } = await patch('pod/gated', 'json', change);
  expect([code, stderr]).toEqual([1, expect.stringContaining('spec.containers[app].image: the tag latest')]);
});

test('a suspended Job: what a queueing controller changes when it starts it', async () => {
  const scheduling = {
    metadata: { labels: { queue: 'batch' }, annotations: { 'example.com/queue': 'batch' } },
    spec: { nodeSelector: { pool: 'batch' }, tolerations: [{ key: 'spot', operator: 'Exists' }] },
  };
  for (const change of [{ spec: { template: scheduling } }, { spec: { suspend: false } }]) {
    const { code, stderr } = await patch('job/queued', 'merge', change);
    expect([code, stderr]).toEqual([0, '']);
  }
});
