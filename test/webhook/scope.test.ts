import { expect, test } from '@jest/globals';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { readWorkload, type Workload } from '../../src/engine/workload.ts';
import { changesTemplateAlone, scopeOf, templateChanged } from '../../src/webhook/scope.ts';
import { policyOf } from '../support/policies.ts';

type Json = Record<string, any>;

const POD = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', image: 'shop/app:1' }], nodeSelector: { pool: 'a' } },
};

function workload(kind: string, spec: Json, metadata: Json = {}): Workload {
  const of = WORKLOAD_KINDS.find((candidate) => candidate.kind === kind) as (typeof WORKLOAD_KINDS)[number];
  const read = readWorkload({ metadata: { name: 'web', namespace: 'shop', ...metadata }, spec }, of);
  if ('problem' in read) throw new Error(read.problem.message);
  return read.workload;
}

const deployment = (spec: Json, metadata?: Json): Workload =>
  workload('Deployment', { replicas: 2, template: POD, ...spec }, metadata);
const POLICY = policyOf({ profile: 'production-v1' });

const [container] = POD.spec.containers;
const anotherImage = { ...POD.spec, containers: [{ ...container, image: 'shop/app:2' }] };
const anotherNode = { ...POD.spec, nodeSelector: { pool: 'b' } };
const initContainer = { ...POD.spec, initContainers: [{ name: 'init', image: 'shop/init:1' }] };
const moreMemory = { ...POD.spec, containers: [{ ...container, resources: { limits: { memory: '1Gi' } } }] };

test.each<[string, string, Json, Json, boolean]>([
  ['Deployment', 'its image', { template: POD }, { template: { ...POD, spec: anotherImage } }, true],
  ['Deployment', 'its node selector', { template: POD }, { template: { ...POD, spec: anotherNode } }, true],
  ['Job', 'its image', { template: POD }, { template: { ...POD, spec: anotherImage } }, true],
  ['Job', 'its memory', { template: POD }, { template: { ...POD, spec: moreMemory } }, true],
  ['Job', 'an init container', { template: POD }, { template: { ...POD, spec: initContainer } }, true],
  ['Job', 'its node selector', { template: POD }, { template: { ...POD, spec: anotherNode } }, false],
  ['Pod', 'its image', POD.spec, anotherImage, true],
  ['Pod', 'an init container', POD.spec, initContainer, true],
  ['Pod', 'its node selector', POD.spec, anotherNode, false],
  ['Pod', 'its deadline', POD.spec, { ...POD.spec, activeDeadlineSeconds: 1 }, false],
])('%s: is %s another version?', (kind, _what, before, after, expected) => {
  const [old, changed] = [workload(kind, before), workload(kind, after)];
  expect(templateChanged(old, changed)).toBe(expected);
  expect(scopeOf(POLICY, { workload: changed, old, aspect: undefined }, 'UPDATE')).toBe(expected ? 'all' : 'none');
});

test('a restart is no other version', () => {
  const restarted = {
    ...POD,
    metadata: { ...POD.metadata, annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } },
  };
  expect(templateChanged(deployment({}), deployment({ template: restarted }))).toBe(false);
});

test('a rollback changes the template alone, and metadata and status do not count', () => {
  const old = deployment({}, { annotations: { revision: '2' } });
  const template = { ...POD, spec: anotherImage };
  expect(changesTemplateAlone(old, deployment({ template }, { annotations: { revision: '3' } }))).toBe(true);
  expect(changesTemplateAlone(old, deployment({ template, replicas: 1 }))).toBe(false);
  expect(changesTemplateAlone(old, deployment({ template, paused: true }))).toBe(false);
  expect(changesTemplateAlone(old, deployment({ template, strategy: { type: 'Recreate' } }))).toBe(false);
});

test('a change that brings a workload under a policy is judged in full', () => {
  const selecting = policyOf({
    profile: 'production-v1',
    match: { workloadSelector: { matchLabels: { tier: 'web' } } },
  });
  const [old, labelled] = [deployment({}), deployment({}, { labels: { tier: 'web' } })];
  expect(scopeOf(selecting, { workload: labelled, old, aspect: undefined }, 'UPDATE')).toBe('all');
  expect(scopeOf(selecting, { workload: labelled, old: labelled, aspect: undefined }, 'UPDATE')).toBe('none');
  expect(scopeOf(POLICY, { workload: labelled, old, aspect: undefined }, 'UPDATE')).toBe('none');
});
