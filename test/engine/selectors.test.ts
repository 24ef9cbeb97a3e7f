import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { compileSelector, type LabelSelector, type Labels } from '../../src/engine/selectors.ts';

const key = fc.constantFrom('app', 'tier', 'example.com/team', 'constructor', '__proto__', 'toString');
const label = fc.constantFrom('', 'web', 'db', 'x');
const labels: fc.Arbitrary<Labels> = fc.array(fc.tuple(key, label)).map((entries) => {
  const object = Object.create(null) as Record<string, string>;
  for (const [name, text] of entries) object[name] = text;
  // As JSON.parse makes them: own properties, whatever their names.
  return JSON.parse(JSON.stringify(object)) as Labels;
});
const requirement = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.array(label, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  { matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 4 }) },
  { requiredKeys: [] },
);

/** The rules of meta/v1 LabelSelector, told one by one. */
function reference({ matchLabels, matchExpressions }: LabelSelector, subject: Labels): boolean {
  const has = (name: string): boolean => Object.keys(subject).includes(name);
  for (const [name, text] of Object.entries(matchLabels ?? {})) {
    if (!has(name) || subject[name] !== text) return false;
  }
  for (const { key: name, operator, values } of matchExpressions ?? []) {
    const isListed = has(name) && (values ?? []).includes(subject[name] as string);
    if (operator === 'In' && !isListed) return false;
    if (operator === 'NotIn' && isListed) return false;
    if (operator === 'Exists' && !has(name)) return false;
    if (operator === 'DoesNotExist' && has(name)) return false;
  }
  return true;
}

describe('compileSelector', () => {
  test('follows the rules of Kubernetes', () => {
    fc.assert(
      fc.property(selector, labels, (one, subject) => {
        expect(compileSelector(one)(subject)).toBe(reference(one, subject));
      }),
      { numRuns: 3000 },
    );
  });

  test.each<[string, LabelSelector, Labels, boolean]>([
    ['an empty selector matches everything', {}, {}, true],
    ['empty parts match everything', { matchLabels: {}, matchExpressions: [] }, { a: 'b' }, true],
    ['null parts match everything', { matchLabels: null, matchExpressions: null }, { a: 'b' }, true],
    ['a label matches', { matchLabels: { app: 'web' } }, { app: 'web', tier: 'x' }, true],
    ['another value does not', { matchLabels: { app: 'web' } }, { app: 'db' }, false],
    ['an absent label does not', { matchLabels: { app: 'web' } }, {}, false],
    ['all labels must match', { matchLabels: { app: 'web', tier: 'x' } }, { app: 'web' }, false],
    ['an empty value is a value', { matchLabels: { app: '' } }, { app: '' }, true],
    ['an empty value is not an absent one', { matchLabels: { app: '' } }, {}, false],
    ['In', { matchExpressions: [{ key: 'a', operator: 'In', values: ['x', 'y'] }] }, { a: 'y' }, true],
    ['In, absent', { matchExpressions: [{ key: 'a', operator: 'In', values: ['', 'y'] }] }, {}, false],
    ['NotIn', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['x'] }] }, { a: 'x' }, false],
    ['NotIn, absent', { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['x', ''] }] }, {}, true],
    ['Exists', { matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { a: '' }, true],
    ['Exists, absent', { matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, {}, false],
    ['DoesNotExist', { matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, { a: '' }, false],
    ['DoesNotExist, absent', { matchExpressions: [{ key: 'constructor', operator: 'DoesNotExist' }] }, {}, true],
    [
      'labels and expressions must all hold',
      { matchLabels: { a: 'x' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] },
      { a: 'x' },
      false,
    ],
  ])('%s', (_, one, subject, expected) => {
    expect(compileSelector(one)(subject)).toBe(expected);
  });
});
