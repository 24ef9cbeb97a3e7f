import { describe, expect, test } from '@jest/globals';
import { CATALOG, countCoverage, coverageOf, ITEM_KINDS, type CatalogItem } from '../../src/checklist/catalog.ts';
import { CHECKS } from '../../src/checks/index.ts';
import { sayingCheck } from '../support/policies.ts';

describe('the catalog', () => {
  test('has every item of the checklist once', () => {
    expect(CATALOG).toHaveLength(149);
    expect(new Set(CATALOG.map(({ id }) => id)).size).toBe(149);
    const of = (priority: string): number => CATALOG.filter((item) => item.priority === priority).length;
    expect([of('Critical'), of('Important'), of('NiceToHave')]).toEqual([49, 67, 33]);
  });

  test.each(CATALOG.map((item) => [item.id, item] as const))('%s is whole', (id, item) => {
    expect(id).toMatch(/^[a-z]+(?:\.[a-z0-9]+(?:-[a-z0-9]+)*){2}$/);
    expect(item.section).toMatch(/^[A-Z].* \/ [A-Z].*$/);
    expect(item.title).not.toBe('');
    expect(ITEM_KINDS).toContain(item.kind);
    expect(item.also.every((kind) => ITEM_KINDS.includes(kind) && kind !== item.kind)).toBe(true);
    const isCheck = item.kind === 'Check';
    expect([item.objectGroup !== undefined, item.proof !== undefined]).toEqual([isCheck, isCheck]);
  });

  test.each(CHECKS.map(({ name, items }) => [name, items] as const))('%s serves items that exist', (_, items) => {
    const known = CATALOG.map(({ id }) => id);
    for (const item of items) expect(known).toContain(item);
  });
});

describe('coverage', () => {
  const item = (id: string, more: Partial<CatalogItem>): CatalogItem => ({
    id,
    section: 'A / B',
    title: 'T',
    priority: 'Critical',
    kind: 'Check',
    also: [],
    objectGroup: 1,
    proof: 'full',
    ...more,
  });
  const serving = (name: string, ...items: string[]) => sayingCheck([], { name, items });

  test.each<[string, Partial<CatalogItem>, string[], unknown[]]>([
    ['a check decides it', {}, ['b', 'a'], ['Checked', ['a', 'b'], []]],
    ['a check that is still to come', {}, [], ['No', [], ['Check']]],
    ['a check sees a part', { proof: 'partial', also: ['Evidence'] }, ['a'], ['Partly', ['a'], ['Evidence']]],
    ['nothing sees it', { proof: 'partial', also: ['SignOff'] }, [], ['No', [], ['Check', 'SignOff']]],
    ['evidence', { kind: 'Evidence' }, [], ['No', [], ['Evidence']]],
    ['evidence, of which a check sees a part', { kind: 'Evidence' }, ['a'], ['Partly', ['a'], ['Evidence']]],
    ['a sign-off', { kind: 'SignOff' }, [], ['No', [], ['SignOff']]],
  ])('%s', (_, more, checks, expected) => {
    const [covered] = coverageOf(
      checks.map((name) => serving(name, 'x', 'y')),
      [item('x', more)],
    );
    expect([covered?.coverage, covered?.checks, covered?.missing]).toEqual(expected);
  });

  test('is counted', () => {
    const catalog = [item('x', {}), item('y', {}), item('z', { kind: 'Evidence' }), item('w', { kind: 'SignOff' })];
    expect(countCoverage(coverageOf([serving('a', 'x', 'z')], catalog))).toEqual({
      items: 4,
      checked: 1,
      partly: 1,
      no: 2,
    });
  });
});
