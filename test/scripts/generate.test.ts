import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

jest.setTimeout(180_000);
const ROOT = join(import.meta.dirname, '../..');

let folder: string;
/** A copy of the repository in it, to be generated in. */
let copy: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readiness-generate-'));
  copy = join(folder, 'copy');
  const parts = ['charts', 'crds', 'docs', 'manifests', 'scripts', 'src', 'test', 'README.md', 'package.json'];
  for (const part of [...parts, '.prettierrc']) await cp(join(ROOT, part), join(copy, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Generates on a machine that has Node and nothing else: no Helm, and no Go to build it with. */
const generate = () =>
  promisify(execFile)(process.execPath, [join(copy, 'scripts/generate.ts')], {
    env: { PATH: dirname(process.execPath), READINESS_CACHE: join(folder, 'cache'), READINESS_DOWNLOAD: 'off' },
  });

/** The content of all files, by name. */
function content(): Record<string, string> {
  const files = readdirSync(copy, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [relative(copy, path), readFileSync(path, 'utf8')]));
}

/** The names of files that differ between two times. */
function changed(before: Record<string, string>, after: Record<string, string>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]).toSorted();
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(join(copy, file), change(await readFile(join(copy, file), 'utf8')));
}

test('a new check gets into all files at once, or into none', async () => {
  await cp(join(copy, 'src/checks/minReplicas.ts'), join(copy, 'src/checks/leastReplicas.ts'));
  await cp(join(copy, 'test/checks/minReplicas'), join(copy, 'test/checks/leastReplicas'), { recursive: true });
  let before = content();
  await expect(generate()).rejects.toThrow('leastReplicas.ts: its name is minReplicas, not that of the file');
  expect(changed(before, content())).toEqual([]);

  await edit('src/checks/leastReplicas.ts', (text) => text.replace("name: 'minReplicas'", "name: 'leastReplicas'"));
  await edit('docs/operations/alerts.md', (text) => text.replace('<!-- /alerts -->', ''));
  before = content();
  await expect(generate()).rejects.toThrow('docs/operations/alerts.md: no <!-- alerts -->');
  expect(changed(before, content())).toEqual([]);

  await cp(join(ROOT, 'docs/operations/alerts.md'), join(copy, 'docs/operations/alerts.md'));
  // Of a check that was there once.
  await writeFile(join(copy, 'docs/checks/mostReplicas.md'), '# mostReplicas');
  before = content();
  await generate();
  const after = content();
  expect(changed(before, after)).toEqual([
    'README.md',
    'charts/readiness-operator/files/crds/readinesspolicies.yaml',
    'crds/readinesspolicies.yaml',
    'docs/checks/README.md',
    'docs/checks/leastReplicas.md',
    'docs/checks/mostReplicas.md',
    'manifests/install.yaml',
    'src/checks/index.ts',
  ]);
  for (const file of changed(before, after)) expect(after[file] ?? 'leastReplicas').toContain('leastReplicas');
  expect(after).not.toHaveProperty(['docs/checks/mostReplicas.md']);
});
