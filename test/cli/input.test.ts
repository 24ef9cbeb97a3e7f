import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFiles, readStdin } from '../../src/cli/input.ts';
import { UnreadableInput } from '../../src/cli/problems.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'readiness-input-'));
  for (const path of ['b/deep/er', '.hidden', 'node_modules', '.broken'])
    mkdirSync(join(folder, path), { recursive: true });
  for (const path of [
    'z.yaml',
    'a.yml',
    'b/deep/er/c.JSON',
    'b/0.yaml',
    'notes.md',
    '.x.yaml',
    '.hidden/y.yaml',
    'node_modules/n.json',
  ]) {
    writeFileSync(join(folder, path), path);
  }
  symlinkSync('../..', join(folder, 'b/deep/loop'));
  symlinkSync('../z.yaml', join(folder, 'b/same.yaml'));
  symlinkSync('nowhere', join(folder, '.broken/dangling.yaml'));
  writeFileSync(join(folder, '.broken/latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe4]));
  writeFileSync(join(folder, '.broken/large.yaml'), ' '.repeat(16 * 1024 * 1024 + 1));
});
afterAll(() => rmSync(folder, { recursive: true }));

function names(...paths: string[]): string[] {
  return readFiles(
    paths.map((path) => (path === '-' ? path : join(folder, path))),
    Buffer.from('from stdin'),
  ).files.map(({ file }) => file.replace(`${folder}/`, ''));
}

function refusal(path: string): string {
  try {
    return `read: ${names(path).join()}`;
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    return error.message.replaceAll(`${folder}/`, '');
  }
}

describe('a directory', () => {
  test('stands for its manifests at any depth, by name, once each', () => {
    // The link to z.yaml comes first; the link in a circle leads nowhere new.
    expect(names('.')).toEqual(['a.yml', 'b/0.yaml', 'b/deep/er/c.JSON', 'b/same.yaml']);
  });

  test('without manifests is no error here', () => {
    expect(names('node_modules')).toEqual(['node_modules/n.json']);
    expect(names('b/deep/er')).toEqual(['b/deep/er/c.JSON']);
  });

  test('names all files that can not be read', () => {
    expect(refusal('.broken').split('\n')).toEqual([
      '.broken/dangling.yaml: no such file or directory',
      '.broken/large.yaml: is larger than 16 MiB',
      '.broken/latin1.yaml: is not UTF-8 text',
    ]);
  });
});

test('a file that is named itself may have any name, and counts once', () => {
  expect(names('notes.md', '.x.yaml', 'notes.md')).toEqual(['notes.md', '.x.yaml']);
});

test('standard input is read once', () => {
  expect(names('-', 'a.yml', '-')).toEqual(['stdin', 'a.yml']);
  expect(readFiles(['-'], Buffer.from('from stdin')).files).toEqual([{ file: 'stdin', text: 'from stdin' }]);
});

test('a missing file is named', () => {
  expect(refusal('missing.yaml')).toBe('missing.yaml: no such file or directory');
});

test('a file without permission is named', () => {
  const path = join(folder, 'secret.yaml');
  writeFileSync(path, 'a: 1');
  chmodSync(path, 0);
  // Root may read everything.
  expect(refusal('secret.yaml')).toBe(
    process.getuid?.() === 0 ? 'read: secret.yaml' : 'secret.yaml: permission denied',
  );
});

test('a byte order mark is no part of the text', () => {
  writeFileSync(join(folder, 'bom.yaml'), '\ufeffa: 1');
  expect(readFiles([join(folder, 'bom.yaml')]).files[0]?.text).toBe('a: 1');
});

describe('standard input', () => {
  async function* chunks(count: number): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < count; i++) yield Buffer.alloc(1024 * 1024, 0x20);
  }

  test('is read to its end', async () => {
    expect(await readStdin(chunks(3))).toHaveLength(3 * 1024 * 1024);
  });

  test('is refused beyond 16 MiB, without waiting for its end', async () => {
    await expect(readStdin(chunks(Infinity))).rejects.toThrow('stdin: is larger than 16 MiB');
  });
});

test('the templates of a Helm chart are left out and told, whatever else is called templates is not', () => {
  const chart = join(folder, '.charts/app');
  for (const path of ['templates/deep', 'crds', 'charts/sub/templates'])
    mkdirSync(join(chart, path), { recursive: true });
  for (const path of [
    'Chart.yaml',
    'templates/a.yaml',
    'templates/deep/b.yaml',
    'crds/c.yaml',
    'charts/sub/Chart.yaml',
    'charts/sub/templates/d.yaml',
  ]) {
    writeFileSync(join(chart, path), '{{ if }}');
  }
  mkdirSync(join(folder, '.charts/templates'));
  writeFileSync(join(folder, '.charts/templates/e.yaml'), 'a: 1');
  const { files, skipped } = readFiles([join(folder, '.charts')]);
  const below = (file: string): string => file.replace(`${folder}/.charts/`, '');
  expect(files.map(({ file }) => below(file))).toEqual([
    'app/Chart.yaml',
    'app/charts/sub/Chart.yaml',
    'app/crds/c.yaml',
    'templates/e.yaml',
  ]);
  expect(skipped.map(({ file, reason }) => [below(file), reason])).toEqual([
    ['app/templates', expect.stringContaining('helm template')],
    ['app/charts/sub/templates', expect.stringContaining('helm template')],
  ]);
  // Whoever names a template gets an answer about it.
  expect(readFiles([join(chart, 'templates/a.yaml')]).files).toHaveLength(1);
});

test('never reads without an end', () => {
  symlinkSync('/dev/zero', join(folder, '.broken/zero.yaml'));
  expect(refusal('.broken/zero.yaml')).toContain('is larger than 16 MiB');
  mkdirSync(join(folder, '.pipes'));
  execFileSync('mkfifo', [join(folder, '.pipes/pipe.yaml')]);
  expect(readFiles([join(folder, '.pipes')]).files).toEqual([]);
});
