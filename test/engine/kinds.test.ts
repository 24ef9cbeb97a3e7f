import { describe, expect, test } from '@jest/globals';
import {
  apiVersionOf,
  groupOf,
  judgedThrough,
  WORKLOAD_KINDS,
  workloadKindOf,
  type WorkloadKind,
} from '../../src/engine/kinds.ts';

const ROLLOUT: WorkloadKind = {
  kind: 'Rollout',
  group: 'argoproj.io',
  version: 'v1alpha1',
  resource: 'rollouts',
  template: ['spec', 'template'],
  replicas: ['spec', 'replicas'],
};

describe('workload kinds', () => {
  test('are the eight of Kubernetes', () => {
    expect(WORKLOAD_KINDS.map((kind) => `${apiVersionOf(kind)} ${kind.kind}`).toSorted()).toEqual([
      'apps/v1 DaemonSet',
      'apps/v1 Deployment',
      'apps/v1 ReplicaSet',
      'apps/v1 StatefulSet',
      'batch/v1 CronJob',
      'batch/v1 Job',
      'v1 Pod',
      'v1 ReplicationController',
    ]);
  });

  test('have replica counts where Kubernetes has them', () => {
    const counted = WORKLOAD_KINDS.filter(({ replicas }) => replicas !== undefined).map(({ kind }) => kind);
    expect(counted.toSorted()).toEqual(['Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet']);
  });

  test('run to completion where Kubernetes says so', () => {
    const finite = WORKLOAD_KINDS.filter(({ runsToCompletion }) => runsToCompletion).map(({ kind }) => kind);
    expect(finite.toSorted()).toEqual(['CronJob', 'Job']);
  });

  test.each([
    ['apps/v1', 'Deployment', 'Deployment'],
    ['apps/v1beta1', 'Deployment', 'Deployment'],
    ['v1', 'Pod', 'Pod'],
    ['v1', 'Deployment', undefined],
    ['apps/v1', 'Pod', undefined],
    ['extensions/v1beta1', 'Deployment', undefined],
    ['apps/v1', 'deployment', undefined],
    ['argoproj.io/v1alpha1', 'Rollout', undefined],
    ['', '', undefined],
  ])('%s %s is %s', (apiVersion, kind, expected) => {
    expect(workloadKindOf(apiVersion, kind)?.kind).toBe(expected);
  });

  test('can be added to', () => {
    expect(workloadKindOf('argoproj.io/v1alpha1', 'Rollout', [...WORKLOAD_KINDS, ROLLOUT])).toBe(ROLLOUT);
  });

  test.each([
    ['v1', ''],
    ['apps/v1', 'apps'],
    ['a.b/v1/x', 'a.b'],
    ['', ''],
  ])('the group of %j is %j', (apiVersion, group) => {
    expect(groupOf(apiVersion)).toBe(group);
  });
});

describe('judged through its controller', () => {
  const through = (kind: string, apiVersion: string, owner: string): string | undefined =>
    judgedThrough(kind, { apiVersion, kind: owner }, [...WORKLOAD_KINDS, { ...ROLLOUT, makes: ['ReplicaSet', 'Pod'] }])
      ?.kind;

  test.each([
    ['ReplicaSet', 'apps/v1', 'Deployment'],
    ['Pod', 'apps/v1', 'ReplicaSet'],
    ['Pod', 'apps/v1', 'StatefulSet'],
    ['Pod', 'apps/v1', 'DaemonSet'],
    ['Pod', 'v1', 'ReplicationController'],
    ['Pod', 'batch/v1', 'Job'],
    ['Job', 'batch/v1', 'CronJob'],
    ['ReplicaSet', 'argoproj.io/v1alpha1', 'Rollout'],
  ])('a %s of a %s %s', (kind, apiVersion, owner) => {
    expect(through(kind, apiVersion, owner)).toBe(owner);
  });

  test.each([
    ['Deployment', 'v1', 'ConfigMap'],
    ['Deployment', 'apps/v1', 'Deployment'],
    ['Deployment', 'batch/v1', 'Job'],
    ['Deployment', 'argoproj.io/v1alpha1', 'Rollout'],
    ['StatefulSet', 'example.com/v1', 'Database'],
    ['ReplicaSet', 'apps/v1', 'ReplicaSet'],
    ['ReplicaSet', 'example.com/v1', 'Deployment'],
    ['Job', 'batch/v1', 'Job'],
    ['Pod', 'apps/v1', 'Deployment'],
    ['CronJob', 'batch/v1', 'CronJob'],
  ])('not a %s of a %s %s', (kind, apiVersion, owner) => {
    expect(through(kind, apiVersion, owner)).toBeUndefined();
  });

  test('nor one that nobody controls', () => {
    expect(judgedThrough('Pod', undefined, WORKLOAD_KINDS)).toBeUndefined();
  });
});
