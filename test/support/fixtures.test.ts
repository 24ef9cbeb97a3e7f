import { describe, expect, test } from '@jest/globals';
import memoryLimits from '../../src/checks/memoryLimits.ts';
import { parseManifests } from '../../src/cli/documents.ts';
import type { Path } from '../../src/engine/path.ts';
import { failuresOf, readFixture } from './fixtures.ts';

const POD = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: app
      image: app:1
    - name: proxy
      image: proxy:1
`;

function failures(file: string, text: string): string[] {
  return failuresOf(readFixture('memoryLimits', file, text), memoryLimits);
}

const bothExpected = POD.replace('name: app', 'name: app # unmet: no memory limit').replace(
  'name: proxy',
  'name: proxy # unmet: no memory limit',
);

describe('a fixture', () => {
  test('passes where all is as the comments say', () => {
    expect(failures('unmet.yaml', bothExpected)).toEqual([]);
  });

  test.each([
    ['that expects nothing', 'unmet.yaml', POD, 2],
    ['that expects too little', 'unmet.yaml', bothExpected.replace('proxy # unmet: no memory limit', 'proxy'), 1],
    ['that expects too much', 'unmet.yaml', bothExpected.replace('image: app:1', 'image: app:1 # unmet: no cure'), 1],
    ['that expects other words', 'unmet.yaml', bothExpected.replace('no memory limit', 'no limit'), 2],
    ['that expects it on another line', 'unmet.yaml', bothExpected.replace('image: app:1', '# a line more\n'), 0],
    [
      'that expects it one line below',
      'unmet.yaml',
      bothExpected.replace(
        ' # unmet: no memory limit\n      image: app:1',
        '\n      image: app:1 # unmet: no memory limit',
      ),
      2,
    ],
    [
      'that expects it twice',
      'unmet.yaml',
      bothExpected.replace('no memory limit', 'no memory limit # unmet: no memory limit'),
      1,
    ],
    ['whose name says another result', 'met.yaml', bothExpected, 1],
    ['that expects a note', 'unmet.yaml', `# note: something\n${bothExpected}`, 1],
    ['that expects it to wait', 'unmet.yaml', bothExpected.replace('unmet:', 'unmet (waits):'), 2],
    ['that can not know', 'unmet.yaml', `# unanswered LimitRange: forbidden\n${bothExpected}`, 5],
  ])('%s: %s', (_, file, text, count) => {
    expect(failures(file, text)).toHaveLength(count);
  });

  test.each([
    ['a name of another form', 'good.yaml', POD],
    ['no workload', 'met.yaml', 'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\n'],
    ['an object that nothing reads', 'met.yaml', `${POD}---\napiVersion: v1\nkind: Service\nmetadata: { name: s }\n`],
    ['a workload that can not be read', 'met.yaml', POD.replace('name: app', 'title: app')],
    ['an expectation without a message', 'unmet.yaml', POD.replace('name: app', 'name: app # unmet')],
    ['an unknown mark', 'unmet.yaml', POD.replace('name: app', 'name: app # unmet (later): no memory limit')],
    ['an unknown kind', 'unmet.yaml', `# unanswered Widget: forbidden\n${POD}`],
    [
      'an expectation outside the workloads',
      'unmet.yaml',
      `${POD}---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s # unmet: no memory limit\n`,
    ],
    ['YAML that is none', 'met.yaml', `${POD}\n  x: [`],
  ])('is refused for %s', (_, file, text) => {
    expect(() => readFixture('memoryLimits', file, text)).toThrow();
  });

  test('is refused for a policy that sets another parameter, or does not enable the check', () => {
    const policy = (checks: string): string =>
      `apiVersion: readiness-operator.dev/v1alpha1\nkind: ReadinessPolicy\nmetadata: { name: p }\nspec: { profile: none, checks: ${checks} }\n---\n${bothExpected}`;
    expect(failures('unmet.yaml', policy('{ memoryLimits: { priority: Critical } }'))).toEqual([]);
    expect(() => failures('unmet.yaml', policy('{ memoryLimits: { priority: Critical, mex: 1Gi } }'))).toThrow(/max/);
    expect(() => failures('unmet.yaml', policy('{}'))).toThrow(/does not enable/);
  });
});

describe('the place of a path', () => {
  const text = `# a comment
apiVersion: v1
kind: List

metadata:
  annotations: &notes
    example.com/a: "quoted"
    80: number
spec:
  empty:
  none: null
  list:
    - name: a
      args: [one, two,
        three]
    -
      name: b
  block: |
    first
    second
  folded:
    long text that
    goes on
  again: *notes
---
second: document
`;
  const [first, second] = parseManifests(text);
  const place = (path: Path): string => {
    const { line, column } = first?.locate(path) ?? { line: 0, column: 0 };
    return `${line}:${column}`;
  };

  test.each<[string, Path, string]>([
    ['the root', [], '2:1'],
    ['a scalar', ['kind'], '3:7'],
    ['a mapping: its key', ['metadata', 'annotations'], '6:3'],
    ['a quoted scalar', ['metadata', 'annotations', 'example.com/a'], '7:20'],
    ['a number as a key', ['metadata', 'annotations', 80], '8:9'],
    ['an empty value: its key', ['spec', 'empty'], '10:3'],
    ['a null: its key', ['spec', 'none'], '11:3'],
    ['below a null: its key', ['spec', 'none', 'deeper', 0], '11:3'],
    ['a list: its key', ['spec', 'list'], '12:3'],
    ['an entry: its first line', ['spec', 'list', 0], '13:7'],
    ['an entry in an entry', ['spec', 'list', 0, 'args', 2], '15:9'],
    ['an entry that begins on the next line', ['spec', 'list', 1], '17:7'],
    ['an entry that is not there: the list', ['spec', 'list', 9], '12:3'],
    ['a name where a list stands: the list', ['spec', 'list', 'name'], '12:3'],
    ['what an entry lacks: the entry', ['spec', 'list', 0, 'resources', 'limits'], '13:7'],
    ['a block of text: where it begins', ['spec', 'block'], '18:10'],
    ['text on its own line', ['spec', 'folded'], '22:5'],
    ['an alias: its key', ['spec', 'again'], '24:3'],
    ['below an alias: at the anchor', ['spec', 'again', 'example.com/a'], '7:20'],
    ['what is nowhere', ['nothing', 'at', 'all'], '2:1'],
  ])('of %s', (_, path, expected) => {
    expect(place(path)).toBe(expected);
  });

  test('counts on in the second document', () => {
    expect(second?.locate(['second'])).toEqual({ line: 26, column: 9 });
    expect([first?.firstLine, first?.lastLine, second?.firstLine]).toEqual([1, 24, 25]);
  });
});
