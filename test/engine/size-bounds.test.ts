/** A workload is too large by any list that checks read, and then judged by none. */
import { describe, expect, test } from '@jest/globals';
import { evaluateCheck } from '../../src/engine/evaluate.ts';
import { excessText, MOST_CONTAINERS, MOST_ENTRIES } from '../../src/engine/size-bounds.ts';
import { sayingCheck } from '../support/policies.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { workloadOf } from '../support/workloads.ts';

type Fields = Record<string, unknown>;

const listOf = (count: number, entry: (index: number) => unknown): unknown[] =>
  Array.from({ length: count }, (_, index) => entry(index));
const mapOf = (count: number): Fields =>
  Object.fromEntries(listOf(count, (index) => [`k${index}`, 'v']) as [string, string][]);
const inContainer = (fields: Fields): Fields => ({ containers: [{ name: 'app', ...fields }] });
const inVolume = (fields: Fields): Fields => ({ volumes: [{ name: 'v', ...fields }] });
const spread = (labelSelector: Fields): Fields => ({
  topologySpreadConstraints: [{ topologyKey: 'zone', labelSelector }],
});
const term = { topologyKey: 'zone' };

/** Each with as many entries as it is told. */
const LISTS: Record<string, (count: number) => Fields> = {
  env: (count) => inContainer({ env: listOf(count, (index) => ({ name: `E${index}` })) }),
  envFrom: (count) => inContainer({ envFrom: listOf(count, () => ({ secretRef: { name: 's' } })) }),
  args: (count) => inContainer({ args: listOf(count, () => 'a') }),
  command: (count) => inContainer({ command: listOf(count, () => 'a') }),
  ports: (count) => inContainer({ ports: listOf(count, () => ({ containerPort: 1 })) }),
  capabilities: (count) => inContainer({ securityContext: { capabilities: { add: listOf(count, () => 'X') } } }),
  'exec of a probe': (count) => inContainer({ livenessProbe: { exec: { command: listOf(count, () => 'a') } } }),
  'headers of a hook': (count) =>
    inContainer({
      lifecycle: { preStop: { httpGet: { port: 1, httpHeaders: listOf(count, () => ({ name: 'h' })) } } },
    }),
  'variables of an init container': (count) => ({
    initContainers: [{ name: 'init', env: listOf(count, () => ({ name: 'E' })) }],
  }),
  volumes: (count) => ({ volumes: listOf(count, () => ({ name: 'v' })) }),
  'items of a Secret': (count) => inVolume({ secret: { secretName: 's', items: listOf(count, () => ({ key: 'k' })) } }),
  'items of a ConfigMap': (count) => inVolume({ configMap: { name: 's', items: listOf(count, () => ({ key: 'k' })) } }),
  'projected sources': (count) => inVolume({ projected: { sources: listOf(count, () => ({})) } }),
  'attributes of a driver': (count) => inVolume({ csi: { volumeAttributes: mapOf(count) } }),
  'options of a driver': (count) => inVolume({ flexVolume: { options: mapOf(count) } }),
  imagePullSecrets: (count) => ({ imagePullSecrets: listOf(count, () => ({ name: 's' })) }),
  sysctls: (count) => ({ securityContext: { sysctls: listOf(count, () => ({ name: 's' })) } }),
  topologySpreadConstraints: (count) => ({ topologySpreadConstraints: listOf(count, () => term) }),
  'labels of a selector': (count) => spread({ matchLabels: mapOf(count) }),
  'values of a selector': (count) =>
    spread({ matchExpressions: [{ key: 'k', operator: 'In', values: listOf(count, () => 'v') }] }),
  'required affinity': (count) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: listOf(count, () => term) } },
  }),
  'preferred affinity': (count) => ({
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: listOf(count, () => ({ podAffinityTerm: term })),
      },
    },
  }),
};

describe('entries', () => {
  test.each(Object.entries(LISTS))('%s', (_name, podWith) => {
    expect(workloadOf('Deployment', podWith(MOST_ENTRIES - 10)).excess).toBeUndefined();
    const { excess } = workloadOf('Deployment', podWith(MOST_ENTRIES + 1));
    expect(excess?.path).toEqual(['spec', 'template', 'spec']);
    expect(excess?.message).toContain(`at most ${MOST_ENTRIES} are judged`);
  });

  test('annotations', () => {
    const annotated = (count: number) => workloadOf('Pod', {}, { name: 'app', annotations: mapOf(count) });
    // They are those of the template too.
    expect(annotated(MOST_ENTRIES / 2 - 10).excess).toBeUndefined();
    expect(annotated(MOST_ENTRIES + 1).excess).toBeDefined();
  });

  test('of all lists together', () => {
    const half = MOST_ENTRIES / 2;
    const pod = { ...LISTS['env']?.(half), ...LISTS['volumes']?.(half) };
    expect(workloadOf('Deployment', pod).excess).toBeDefined();
  });
});

test('containers', () => {
  const pod = (count: number): Fields => ({ containers: listOf(count, (index) => ({ name: `c${index}` })) });
  expect(workloadOf('Deployment', pod(MOST_CONTAINERS)).excess).toBeUndefined();
  expect(excessText(workloadOf('Deployment', pod(501)).excess ?? { path: [], message: '' })).toBe(
    'spec.template.spec: has 501 containers; at most 500 are judged',
  );
});

test('no check is run on what is too large, and none is met', () => {
  const check = sayingCheck(new Error('run'));
  const large = workloadOf('Deployment', LISTS['env']?.(MOST_ENTRIES + 1) ?? {});
  expect(evaluateCheck({ check, parameters: {}, exclude: [] }, large, NOTHING_RELATED, 0)).toMatchObject({
    status: 'Unknown',
    unmet: [],
    causes: [expect.stringContaining('its lists and maps have')],
  });
});
