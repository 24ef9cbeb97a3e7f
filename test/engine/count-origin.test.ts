import { expect, test } from '@jest/globals';
import { countOrigin, type CountOrigin } from '../../src/engine/count-origin.ts';
import { LAST_APPLIED } from '../../src/engine/workload.ts';
import { kindOf, read } from '../support/workloads.ts';

const POD = { spec: { containers: [] } };
const COUNT = { 'f:spec': { 'f:replicas': {}, 'f:template': {} } };
const NO_COUNT = { 'f:spec': { 'f:template': {} } };
const applies = (fieldsV1: unknown): object => ({ manager: 'a', operation: 'Apply', fieldsV1 });
const updates = (fieldsV1: unknown): object => ({ manager: 'u', operation: 'Update', fieldsV1 });

interface Given {
  readonly replicas?: number | null;
  readonly managers?: unknown;
  /** What the annotation of a client-side apply holds. */
  readonly applied?: string;
}

function originOf({ replicas = 1, managers, applied }: Given): CountOrigin {
  const annotations = applied === undefined ? {} : { [LAST_APPLIED]: applied };
  const metadata = { name: 'web', annotations, ...(managers === undefined ? {} : { managedFields: managers }) };
  return countOrigin(read({ metadata, spec: { replicas, template: POD } }, kindOf('Deployment')));
}

test.each<[CountOrigin, string, Given]>([
  ['LeftOut', 'a manifest without a count', { replicas: null }],
  ['LeftOut', 'a custom kind without defaults', { replicas: null, managers: [applies(NO_COUNT)] }],
  ['Written', 'a manifest with one', {}],
  ['Written', 'a manifest with an annotation, which says nothing of this count', { applied: '{"spec":{}}' }],
  ['Written', 'field managers that are no list', { managers: {} }],
  ['Untold', 'a POST', { managers: [updates(COUNT)] }],
  ['Written', 'a POST of what the API server never fills in', { replicas: 2, managers: [updates(COUNT)] }],
  ['LeftOut', 'a server-side apply without one', { managers: [applies(NO_COUNT)] }],
  ['Written', 'a server-side apply with one', { managers: [applies(COUNT)] }],
  ['Written', 'two of them, the second with one', { managers: [applies(NO_COUNT), applies(COUNT)] }],
  ['Untold', 'a server-side apply, then an update of it', { managers: [applies(NO_COUNT), updates(COUNT)] }],
  ['LeftOut', 'a server-side apply, then an update elsewhere', { managers: [applies(NO_COUNT), updates(NO_COUNT)] }],
  ['LeftOut', 'a client-side apply without one', { managers: [updates(COUNT)], applied: '{"spec":{"template":{}}}' }],
  ['LeftOut', 'a client-side apply with null', { managers: [updates(COUNT)], applied: '{"spec":{"replicas":null}}' }],
  ['Written', 'a client-side apply with one', { managers: [updates(COUNT)], applied: '{"spec":{"replicas":1}}' }],
  ['Written', 'one of each side, one with it', { managers: [applies(NO_COUNT)], applied: '{"spec":{"replicas":1}}' }],
  ['Untold', 'an annotation that is no JSON', { managers: [updates(COUNT)], applied: '{"spec":' }],
  ['Untold', 'an annotation that holds no object', { managers: [updates(COUNT)], applied: '[]' }],
  [
    'Untold',
    'field managers of another shape',
    { managers: [null, 'x', { operation: 'Apply', fieldsV1: null }, updates(COUNT)] },
  ],
])('%s: %s', (origin, _, given) => {
  expect(originOf(given)).toBe(origin);
});

test('an annotation that nests without end does no harm', () => {
  const deep = `${'{"spec":'.repeat(100_000)}{}${'}'.repeat(100_000)}`;
  expect(originOf({ managers: [updates(COUNT)], applied: deep })).toBe('LeftOut');
  expect(originOf({ managers: [updates(COUNT)], applied: deep.slice(0, -1) })).toBe('Untold');
});
