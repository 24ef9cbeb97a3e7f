import { describe, expect, test } from '@jest/globals';
import { parseManifests } from '../../src/cli/documents.ts';
import { UnreadableInput } from '../../src/cli/problems.ts';
import type { Path } from '../../src/engine/path.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

/** `line:column` of a path in the last document of a text. */
function place(text: string, path: Path): string {
  const { line, column } = parseManifests(text).at(-1)?.locate(path) ?? { line: 0, column: 0 };
  return `${line}:${column}`;
}

/** What a text is refused for, or what it holds. */
function refusal(text: string): string {
  try {
    return JSON.stringify(parseManifests(text, 'f.yaml').map(({ object }) => object));
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    return error.message;
  }
}

const MERGED = `base: &base
  image: app:1
  resources: &resources
    limits:
      memory: 1Gi
other: &other
  image: app:2
  stdin: true
container:
  <<: [*base, *other]
  name: app
alias: *resources
scalar:
  a: &one 1
  b: *one
nested:
  <<: {deep: {er: 1}}
`;

describe('the place of a path', () => {
  test.each<[string, Path, string]>([
    ["a field of the mapping's own", ['container', 'name'], '11:9'],
    ['a field that is merged in, from the first that has it', ['container', 'image'], '2:10'],
    ['a field that only the second has', ['container', 'stdin'], '8:10'],
    ['below a merged field', ['container', 'resources', 'limits', 'memory'], '5:15'],
    ['a mapping that is merged in: its key', ['container', 'resources'], '3:3'],
    ['nothing there: the mapping that merges', ['container', 'ports'], '9:1'],
    ['nothing below a merged field: that field', ['container', 'resources', 'requests'], '3:3'],
    ['an alias of a mapping: its key', ['alias'], '12:1'],
    ['an alias of a scalar', ['scalar', 'b'], '15:6'],
    ['merged from a mapping without an anchor', ['nested', 'deep', 'er'], '17:19'],
  ])('with anchors: %s', (_, path, expected) => {
    expect(place(MERGED, path)).toBe(expected);
  });

  test.each<[string, Path, string]>([
    ['a scalar', ['spec', 'containers', 0, 'image'], '4:12'],
    ['an entry', ['spec', 'containers', 0], '3:5'],
    ['what an entry lacks', ['spec', 'containers', 0, 'resources', 'limits'], '3:5'],
    ['a second document', ['a'], '4:13'],
  ])('with CRLF: %s', (_, path, expected) => {
    const text = 'spec:\r\n  containers:\r\n  - name: app\r\n    image: app:1\r\n';
    expect(place(path[0] === 'a' ? '# c\r\n---\r\n\r\n     "a":   b\r\n' : text, path)).toBe(expected);
  });

  test.each<[string, string, Path, string]>([
    ['flow style', 'a: {b: [1, {c: 2}],\n  d: 3}', ['a', 'b', 1, 'c'], '1:16'],
    ['flow style, next line', 'a: {b: [1, {c: 2}],\n  d: 3}', ['a', 'd'], '2:6'],
    ['JSON', '{\n\t"a": {\n\t\t"b": [ true ]\n\t}\n}', ['a', 'b', 0], '3:10'],
    ['the third JSON value of a stream', '{"a":1}\n{"a":"}{"} {\n  "a": 3}', ['a'], '3:8'],
    ['JSON with separators', '{"a": 1}\n---\n{"a": {"b": 2}}', ['a', 'b'], '3:13'],
    ['a block after flow style', '{a: 1}\n---\nb: {c: 1}', ['b', 'c'], '3:8'],
    ['after an umlaut, in UTF-16 code units', 'ü: {ä: 1}', ['ü', 'ä'], '1:8'],
    ['a key that is a number', '8080: x', ['8080'], '1:7'],
    ['a quoted key', '"a b": x', ['a b'], '1:8'],
    ['an empty key', '"": x', [''], '1:5'],
    ['an index where a mapping stands', 'a: {b: 1}', ['a', 0], '1:1'],
    ['the root', '# comment\n\na: 1', [], '3:1'],
    ['the root of an empty mapping', '---\n{}', ['x'], '2:1'],
  ])('%s', (_, text, path, expected) => {
    expect(place(text, path)).toBe(expected);
  });
});

describe('a text means what it means to kubectl', () => {
  test.each([
    ['yes and on are booleans', 'a: yes\nb: On\nc: "yes"\nd: n', '[{"a":true,"b":true,"c":"yes","d":false}]'],
    ['old octal numbers', 'a: 0644\nb: 0o17\nc: 0899', '[{"a":420,"b":15,"c":899}]'],
    ['dates stay text', 'a: 2027-01-31\nb: !!timestamp 2027-01-31', '[{"a":"2027-01-31","b":"2027-01-31"}]'],
    ['what looks like a number and is none', 'a: e123456\nb: .\nc: 12:30', '[{"a":"e123456","b":".","c":"12:30"}]'],
    ['unknown tags are passed over', 'a: !Ref x\nb: !!binary aGk=', '[{"a":"x","b":"aGk="}]'],
    [
      'the first of merged mappings wins, the own field over both',
      'x: &x {a: 1}\nz: {<<: [*x, {a: 2, b: 2}], b: 3}',
      '[{"x":{"a":1},"z":{"a":1,"b":3}}]',
    ],
    ['a quoted << is a key', '"<<": {a: 1}', '[{"<<":{"a":1}}]'],
    ['__proto__ is a key', '__proto__: {a: 1}', '[{"__proto__":{"a":1}}]'],
    ['an anchor can be set again', 'a: &x 1\nb: *x\nc: &x 2\nd: *x', '[{"a":1,"b":1,"c":2,"d":2}]'],
    ['empty documents and mere scalars are left out', '---\n---\n# x\n---\nhello\n---\na: 1', '[{"a":1}]'],
    ['JSON values one after the other', '{"a":1}{"b":"\\"}{"}\n\n{"c":3}', '[{"a":1},{"b":"\\"}{"},{"c":3}]'],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toBe(expected);
  });
});

describe('is refused with file, line and column', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    .concat(Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`))
    .join('\n');
  const chain = ['a0: &a0 [[[x]]]']
    .concat(Array.from({ length: 99 }, (_, i) => `a${i + 1}: &a${i + 1} [[[*a${i}]]]`))
    .join('\n');
  test.each([
    ['a nested mapping on one line', 'metadata:\n  name: foo: bar', 'f.yaml:2:9: not valid YAML: Nested mappings'],
    ['a quote that is not closed', 'a: "foo\nb: 1\n', 'f.yaml:3:1: not valid YAML: Missing closing "quote'],
    ['a tab', 'a:\n\tb: 1', 'f.yaml:2:1: not valid YAML: Tabs are not allowed as indentation'],
    ['the second document', 'a: 1\n---\nb: [', 'f.yaml:3:5: not valid YAML: '],
    ['the second JSON value', '{"a":1}\n{"b":]}', 'f.yaml:2:6: not valid YAML: '],
    ['JSON and more', '{"a":1} x', 'f.yaml:1:9: not valid YAML: '],
    ['a key that stands twice', 'a: 1\nb:\n  c: 1\n  c: 2', 'f.yaml:4:3: the key c stands here a second time'],
    ['a key that stands twice in JSON', '{"a": 1, "a": 2}', 'f.yaml:1:10: the key a stands here a second time'],
    ['an alias without an anchor', 'a: 1\nb: *x', 'f.yaml:2:4: no anchor &x stands before this alias'],
    ['an alias before its anchor', 'a: *x\nb: &x 1', 'f.yaml:1:4: no anchor &x stands before this alias'],
    ['an alias inside its own anchor', 'a: &x\n  b: *x', 'f.yaml:2:6: the alias *x stands inside its own anchor'],
    ['a merge of a scalar', 'a: &x 1\nb:\n  <<: *x', 'f.yaml:3:3: << takes a mapping or a list of mappings'],
    ['a mapping for a key', '? {a: 1}\n: 2', 'f.yaml:1:3: a mapping or list stands where a key belongs'],
    ['an alias bomb', bomb, 'f.yaml:7:9: is too large once its aliases are followed'],
    ['aliases that nest', chain, 'f.yaml:67:11: nests more than 200 levels deep'],
    ['200,000 open brackets', '['.repeat(200_000), 'f.yaml:1:203: nests more than 200 levels deep'],
    ['deep JSON', '{"a":'.repeat(50_000), 'f.yaml:1:1007: nests more than 200 levels deep'],
    [
      'a deep block',
      Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      'f.yaml:202:203: nests more',
    ],
    ['deep lists on one line', '- '.repeat(5000), 'f.yaml:1:'],
    [
      'a template',
      'metadata:\n  name: {{ .Values.name }}',
      'f.yaml:2:10: a mapping or list stands where a key belongs; a template has to be rendered first',
    ],
  ])('%s', (_, text, expected) => {
    expect(refusal(text).slice(0, expected.length)).toBe(expected);
  });

  test('but 195 levels are read', () => {
    expect(refusal('['.repeat(195) + ']'.repeat(195))).toHaveLength(2 + 2 * 195);
  });

  test('with the hint about templates only where there is one', () => {
    expect(refusal('a: b: c')).not.toContain('template');
  });
});

test('many keys are read in linear time', () => {
  const text = (keys: number): string => Array.from({ length: keys }, (_, i) => `k${i}: 1\n`).join('');
  // The library's own look for duplicates is quadratic.
  expect(slowdown(text, parseManifests, 300)).toBeLessThan(LINEAR);
});
