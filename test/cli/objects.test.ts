import { expect, test } from '@jest/globals';
import { readObjects } from '../../src/cli/objects.ts';
import { UnreadableInput } from '../../src/cli/problems.ts';

/** Objects as `kind name line:column`, where the place is that of metadata.name; then what is skipped. */
function objects(text: string): string[] {
  try {
    const { sources, skipped } = readObjects({ files: [{ file: 'f', text }], skipped: [] });
    const names = sources.map(({ apiVersion, kind, object, locate }) => {
      const { line, column } = locate(['metadata', 'name']);
      const { name } = (object['metadata'] ?? {}) as { name?: string };
      return `${apiVersion} ${kind} ${name} ${line}:${column}`;
    });
    return [...names, ...skipped.map(({ kind, name, reason }) => `skipped ${kind} ${name}: ${reason}`)];
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    return error.message.split('\n');
  }
}

test.each([
  ['one object', 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: a', ['v1 Secret a 4:9']],
  [
    'a List, whose entries keep their places',
    'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: a}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: b',
    ['v1 Secret a 6:20', 'v1 ConfigMap b 10:11'],
  ],
  [
    'a List in a List',
    '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"List","items":[\n{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}]}]}',
    ['v1 Secret a 2:55'],
  ],
  [
    'a typed list, whose entries need not say what they are',
    'apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}',
    ['apps/v1 Deployment a 4:20'],
  ],
  ['an empty List', 'apiVersion: v1\nkind: List\nitems: []', []],
  ['a List without items', 'apiVersion: v1\nkind: List\nitems: null', []],
  [
    'a kind that only sounds like a list',
    'apiVersion: x/v1\nkind: AllowList\nmetadata: {name: a}',
    ['x/v1 AllowList a 3:18'],
  ],
  [
    'values of a chart',
    'replicaCount: 1\n',
    ['skipped null null: not a Kubernetes object: it has no apiVersion and no kind'],
  ],
  ['Chart.yaml', 'apiVersion: v2\nname: chart', ['skipped null null: not a Kubernetes object: it has no kind']],
  ['a mere list', '- a\n- b', ['skipped null null: not a Kubernetes object: it is a list']],
  [
    'a forgotten apiVersion',
    '\nkind: Deployment\nmetadata: {name: a}',
    ['f:2:1: not a Kubernetes object: it has no apiVersion'],
  ],
  ['a forgotten kind', 'apiVersion: v1\nspec: {}', ['f:1:1: not a Kubernetes object: it has no kind']],
  [
    'a kind that is no text',
    'apiVersion: v1\nkind: 5\nmetadata: {}',
    ['f:1:1: not a Kubernetes object: it has no kind'],
  ],
  [
    'entries of a List that are none',
    'apiVersion: v1\nkind: List\nitems:\n- null\n- a\n- metadata: {}',
    [
      'f:4:3: an entry of a List must be an object',
      'f:5:3: an entry of a List must be an object',
      'f:6:3: not a Kubernetes object: it has no apiVersion and no kind',
    ],
  ],
  ['items that are no list', 'apiVersion: v1\nkind: List\nitems: {a: 1}', ['f:3:1: items: must be a list']],
])('%s', (_, text, expected) => {
  expect(objects(text)).toEqual(expected);
});

test('every unreadable file is named', () => {
  const files = ['a: [', 'a: 1', 'kind: X\nspec: {}', 'b: ]'].map((text, index) => ({ file: `${index}.yaml`, text }));
  expect(() => readObjects({ files, skipped: [] })).toThrow(
    /^0\.yaml:.*\n2\.yaml:1:1: not a Kubernetes object: it has no apiVersion\n3\.yaml:/s,
  );
});

test('at most 20 problems are told, and how many more there are', () => {
  const files = Array.from({ length: 25 }, (_, index) => ({ file: `${index}.yaml`, text: '[' }));
  expect(() => readObjects({ files, skipped: [] })).toThrow(/(?:.*\n){20}and 5 more$/);
});
