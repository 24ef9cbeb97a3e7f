/**
 * Writes every file that is made from another source. `npm run verify` runs it and fails on any difference.
 *
 * All is made and checked before the first file is written, so a mistake leaves all files as they were. Helm is needed
 * with `--chart` alone, which is for those who change the chart's templates or values (generate/install.ts).
 */
import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkIndexSource, checkNames, importCheckIndex } from './generate/check-index.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGES = 'docs/checks';

const { values } = parseArgs({ options: { chart: { type: 'boolean', default: false } } });
// Before anything is imported that imports the index of checks.
importCheckIndex(checkIndexSource(checkNames()));
const { generatedFiles } = await import('./generate/files.ts');
const files = await generatedFiles(values);

for (const [file, text] of files) {
  const path = join(ROOT, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
for (const page of readdirSync(join(ROOT, PAGES))) {
  // Of a check that is no more.
  if (!files.has(`${PAGES}/${page}`)) await rm(join(ROOT, PAGES, page));
}
