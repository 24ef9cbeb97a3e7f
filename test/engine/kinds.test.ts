import { describe, expect, test } from '@jest/globals';
import { apiVersionOf, groupOf, WORKLOAD_KINDS, workloadKindOf, type WorkloadKind } from '../../src/engine/kinds.ts';

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
