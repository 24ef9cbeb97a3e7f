/** A workload is too large by any list that checks read, and then judged by none. */
import { describe, expect, test } from '@jest/globals';
import { evaluateCheck } from '../../src/engine/evaluate.ts';
import { excessText, MOST_CONTAINERS, MOST_ENTRIES } from '../../src/engine/size-bounds.ts';
import { sayingCheck } from '../support/policies.ts';
import { listOf, LISTS, mapOf, type Fields } from '../support/large-pods.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { workloadOf } from '../support/workloads.ts';

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

test('names of containers', () => {
  const named = (length: number, list = 'containers') => workloadOf('Pod', { [list]: [{ name: 'n'.repeat(length) }] });
  expect(named(253).excess).toBeUndefined();
  expect(named(254).excess?.message).toBe('has a container whose name has 254 characters; at most 253 are judged');
  expect(named(254, 'initContainers').excess).toBeDefined();
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
