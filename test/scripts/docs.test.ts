/** What the documents point at is there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = globSync('{*.md,docs/**/*.md,charts/**/*.md,test/**/*.md}', { cwd: ROOT }).toSorted();

test.each(PAGES)('%s: each link to a file leads to one', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const targets = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)].map(([, target = '']) => target);
  const files = targets.filter((target) => !/^[a-z]+:/.test(target));
  expect(files.filter((file) => !existsSync(join(ROOT, dirname(page), file)))).toEqual([]);
});

test('each attack in security.md names the tests that try it', () => {
  const text = readFileSync(join(ROOT, 'docs/operations/security.md'), 'utf8');
  const [, tried = ''] = text.split('## What was tried');
  const [table = ''] = tried.split('\n## ');
  const rows = table.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:attack|---|\*\*)/.test(line));
  expect(rows.length).toBeGreaterThan(40);
  const named = rows.flatMap((row) => row.slice(row.lastIndexOf(' | ') + ' | '.length, -' |'.length).split(', '));
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
});
