/** src/checks/index.ts, the list of all checks: made of the names of the files beside it. */
import { readdirSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NOTICE } from './notice.ts';

const CHECKS = join(import.meta.dirname, '../../src/checks');

/** The names of all checks, which are those of their files, sorted. */
export function checkNames(): string[] {
  const files = readdirSync(CHECKS).filter((file) => file !== 'index.ts');
  return files.map((file) => file.replace(/\.ts$/, '')).toSorted();
}

/** The index of these checks. */
export function checkIndexSource(names: readonly string[]): string {
  return [
    `// ${NOTICE}`,
    "import type { Check } from '../engine/check.ts';",
    ...names.map((name) => `import ${name} from './${name}.ts';`),
    '',
    '/** Every check, by name. */',
    `export const CHECKS: readonly Check[] = [${names.join(', ')}];`,
    '',
  ].join('\n');
}

/**
 * Whatever is imported from now on gets this index, instead of the one on disk: what the index is needed for can be made
 * before the index is written.
 */
export function importCheckIndex(source: string): void {
  const index = pathToFileURL(join(CHECKS, 'index.ts')).href;
  registerHooks({
    load: (url, context, next) =>
      url === index ? { format: 'module-typescript', source, shortCircuit: true } : next(url, context),
  });
}
