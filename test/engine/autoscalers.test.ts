import { describe, expect, test } from '@jest/globals';
import { horizontalPodAutoscalerFacts, scaledObjectFacts } from '../../src/engine/autoscalers.ts';
import { RELATED_KINDS } from '../../src/engine/related.ts';

const metadata = { name: 'x', namespace: 'shop' };
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const KEDA = { makes: 'keda-hpa-x', needs: [] };

const horizontalPodAutoscaler = (spec: object) =>
  horizontalPodAutoscalerFacts({ metadata, spec: { scaleTargetRef, maxReplicas: 9, ...spec } });
const scaledObject = (spec: object = {}, annotations?: object) =>
  scaledObjectFacts({ metadata: { ...metadata, annotations }, spec: { scaleTargetRef, ...spec } });

describe('a HorizontalPodAutoscaler', () => {
  test('keeps its bounds, with a minimum of 1, and needs the CPU, unless it says otherwise', () => {
    const facts = { name: 'x', target: 'Deployment.apps/web', maxReplicas: 9, makes: undefined };
    const cpu = [{ resource: 'cpu', container: undefined }];
    expect(horizontalPodAutoscaler({})).toEqual({ ...facts, minReplicas: 1, scalesToZero: false, needs: cpu });
    expect(horizontalPodAutoscaler({ minReplicas: 3, metrics: [{ external: {} }] })).toEqual({
      ...facts,
      minReplicas: 3,
      scalesToZero: false,
      needs: [],
    });
    expect(horizontalPodAutoscaler({ minReplicas: 0 })).toMatchObject({ minReplicas: 0, scalesToZero: true });
  });

  // RESTMappings of a group and kind: podautoscaler reconcileAutoscaler.
  test.each([
    ['apps/v1beta2', 'Deployment.apps/web'],
    ['extensions/v1beta1', 'Deployment.extensions/web'],
    ['v1', 'Deployment./web'],
    ['', 'Deployment./web'],
    [undefined, 'Deployment./web'],
    ['/', 'Deployment./web'],
    ['apps/v1/x', undefined],
  ])('of apiVersion %s scales %s', (apiVersion, target) => {
    const facts = horizontalPodAutoscaler({ scaleTargetRef: { ...scaleTargetRef, apiVersion } });
    expect(facts.target).toBe(target);
    const places = target === undefined ? [] : [{ namespace: 'shop', key: target }];
    expect(RELATED_KINDS.HorizontalPodAutoscaler.placesOf(facts, 'shop')).toEqual(places);
  });
});

describe('a ScaledObject', () => {
  test.each([
    [{ name: 'web' }, 'Deployment.apps/web'],
    [{ name: 'web', apiVersion: '', kind: '' }, 'Deployment.apps/web'],
    [{ name: 'db', kind: 'StatefulSet' }, 'StatefulSet.apps/db'],
    [{ name: 'web', apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout' }, 'Rollout.argoproj.io/web'],
    [{ name: 'web', apiVersion: 'a/b/c' }, undefined],
  ])('of %j scales %s', (reference, target) => {
    expect(scaledObject({ scaleTargetRef: reference }).target).toBe(target);
  });

  test.each([
    [{}, 0, 100, true],
    [{ minReplicaCount: 2, maxReplicaCount: 5 }, 2, 5, false],
    [{ minReplicaCount: 0, maxReplicaCount: 5 }, 0, 5, true],
    [{ minReplicaCount: 2, idleReplicaCount: 0 }, 2, 100, true],
    [{ minReplicaCount: 3, idleReplicaCount: 1 }, 1, 100, false],
  ])('of %j keeps %d to %d', (spec, minReplicas, maxReplicas, scalesToZero) => {
    expect(scaledObject(spec)).toEqual({
      name: 'x',
      target: 'Deployment.apps/web',
      minReplicas,
      maxReplicas,
      scalesToZero,
      ...KEDA,
    });
  });

  const PAUSED = 'autoscaling.keda.sh/paused';
  const PAUSED_AT = 'autoscaling.keda.sh/paused-replicas';
  const scales = { target: 'Deployment.apps/web', minReplicas: 2, maxReplicas: 5 };
  test.each([
    ['paused', { [PAUSED]: 'true' }, { target: undefined }],
    ['paused by anything that is not false', { [PAUSED]: 'no' }, { target: undefined }],
    ['not paused', { [PAUSED]: 'false' }, scales],
    ['paused at a count', { [PAUSED_AT]: '1' }, { ...scales, minReplicas: 1, maxReplicas: 1, scalesToZero: false }],
    [
      'paused at a count, which goes first',
      { [PAUSED_AT]: '4', [PAUSED]: 'true' },
      { ...scales, minReplicas: 4, maxReplicas: 4 },
    ],
    ['stopped', { [PAUSED_AT]: '0' }, { ...scales, minReplicas: 0, maxReplicas: 0, scalesToZero: true }],
    ['paused at nonsense', { [PAUSED_AT]: 'one' }, { target: undefined }],
  ])('%s', (_, annotations, facts) => {
    expect(scaledObject({ minReplicaCount: 2, maxReplicaCount: 5 }, annotations)).toMatchObject(facts);
  });

  test('names the HorizontalPodAutoscaler that KEDA makes of it', () => {
    const advanced = (name: string): object => ({ advanced: { horizontalPodAutoscalerConfig: { name } } });
    expect(scaledObject(advanced('mine')).makes).toBe('mine');
    expect(scaledObject(advanced('')).makes).toBe('keda-hpa-x');
  });
});
