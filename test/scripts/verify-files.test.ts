import { expect, test } from '@jest/globals';
import { problemsOf } from '../../scripts/verify/files.ts';

const problemsIn = (path: string, text: string) => problemsOf([{ path, content: Buffer.from(text) }]);

test('a large file is refused, save where it may be large', () => {
  const large = 'x'.repeat(200_001);
  expect(problemsIn('docs/picture.svg', large)).toEqual([
    'docs/picture.svg: has 200001 bytes, at most 200000 are allowed',
  ]);
  expect(problemsIn('docs/picture.svg', large.slice(1))).toEqual([]);
  expect(problemsIn('package-lock.json', JSON.stringify({ name: large }))).toEqual([]);
});

test.each([
  'cd /work/main',
  "cp '/root/.ssh/id_ed25519'",
  'file:///home/jane/readiness-operator',
  'at run (/Users/jane/src/main.ts:3)',
  '/tmp/my-try/output.txt',
  '--log=/tmp/full-log',
  '/var/folders/x1/abc',
  String.raw`C:\Users\jane`,
])('a path of a machine is refused: %s', (text) => {
  expect(problemsIn('docs/page.md', `first line\n${text}\n`)).toEqual([
    expect.stringMatching(/^docs\/page\.md:2: \S+ is a path of somebody's machine$/),
  ]);
});

test.each([
  '/app/bin/readiness-operator.js',
  '/usr/bin/node',
  'temporary files go to /tmp, or /tmp/output',
  'https://example.com/home/jane/page',
  'https://example.com/work/1/',
  '${folder}/work/list.txt',
  '../root/file',
  'at /root or /home',
])('not a path of a machine: %s', (text) => {
  expect(problemsIn('docs/page.md', text)).toEqual([]);
});

test('paths inside containers are those of manifests', () => {
  const mount = 'mountPath: /root/.ssh';
  expect(problemsIn('test/checks/readOnlyRootFilesystem/met.yaml', mount)).toEqual([]);
  expect(problemsIn('manifests/install.yaml', mount)).toHaveLength(1);
});

test('a lock file with the host of a registry is refused', () => {
  const lock = (resolved: string) =>
    JSON.stringify({ packages: { 'node_modules/ajv': { version: '1.0.0', resolved } } });
  expect(problemsIn('package-lock.json', lock('https://registry.example.com/ajv/-/ajv-1.0.0.tgz'))).toEqual([
    'package-lock.json: node_modules/ajv names the registry registry.example.com',
  ]);
  expect(problemsIn('package-lock.json', lock('packages/ajv'))).toEqual([]);
});
