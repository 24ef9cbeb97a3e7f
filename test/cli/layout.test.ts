import { describe, expect, test } from '@jest/globals';
import { wantsColour } from '../../src/cli/io.ts';
import { layOut, paint, wrap } from '../../src/cli/layout.ts';

const rows = [
  { cells: [{ text: 'a' }, { text: 'bb' }], text: 'one two three four five six seven eight nine ten' },
  { cells: [{ text: 'ccc' }, { text: '' }], text: '' },
];

test.each<[string, number | undefined, string[]]>([
  ['in a pipe: one line each', undefined, ['  a    bb  one two three four five six seven eight nine ten', '  ccc']],
  [
    'wide enough: the text beside',
    53,
    ['  a    bb  one two three four five six seven eight', '           nine ten', '  ccc'],
  ],
  [
    'too narrow: the text below',
    50,
    ['  a    bb', '    one two three four five six seven eight nine', '    ten', '  ccc'],
  ],
  [
    'absurdly narrow: still readable',
    5,
    ['  a    bb', '    one two three four five six seven eight', '    nine ten', '  ccc'],
  ],
])('%s', (_, width, expected) => {
  expect(layOut(rows, { colour: false, width })).toEqual(expected);
});

test('nothing to lay out', () => {
  expect(layOut([], { colour: true, width: 80 })).toEqual([]);
});

test('colours do not disturb the columns', () => {
  const lines = layOut(
    [
      { cells: [{ text: 'a', colour: 'red' }, { text: 'b' }], text: 'c' },
      { cells: [{ text: 'aaa' }, { text: 'b' }], text: 'c' },
    ],
    { colour: true, width: undefined },
  );
  expect(lines).toEqual(['  \u001b[31ma\u001b[39m    b  c', '  aaa  b  c']);
  expect(paint('a', 'red', { colour: false, width: undefined })).toBe('a');
});

test('control characters are made visible', () => {
  const text = 'a\n::error::b\u001b[31m\u0085\u2028\u202e';
  const [line] = layOut([{ cells: [{ text }], text }], { colour: false, width: undefined });
  const shown = String.raw`a\u000a::error::b\u001b[31m\u0085\u2028\u202e`;
  expect(line).toBe(`  ${shown}  ${shown}`);
});

test.each([
  ['a word longer than the line', 'a bbbbbbbb c', 4, ['a', 'bbbbbbbb', 'c']],
  ['an exact fit', 'aa bb cc', 5, ['aa bb', 'cc']],
  ['nothing', '', 5, ['']],
])('wrap: %s', (_, text, width, expected) => {
  expect(wrap(text, width)).toEqual(expected);
});

describe('colours', () => {
  test.each<[Record<string, string>, boolean, boolean]>([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  ])('with %j, on a terminal: %s', (env, isTTY, expected) => {
    expect(wantsColour({ env, isTTY })).toBe(expected);
  });
});
