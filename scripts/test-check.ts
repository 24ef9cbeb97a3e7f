/**
 * `npm run test:check <name>`: what whoever writes a check wants to know after each change: the fixtures and the mutants of
 * that check alone, and what it says of itself. It need not be in the index yet.
 */
import { parseArgs } from 'node:util';
import type { Check } from '../src/engine/check.ts';
import { nearestName } from '../src/engine/names.ts';
import { printVerdict, verdictOf } from '../test/mutants/verdict.ts';
import { loadFixturesOf } from '../test/support/fixtures.ts';
import { checkNames } from './generate/check-index.ts';
import { metadataProblems } from './generate/check-metadata.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const [name = ''] = positionals;
const names = checkNames();
if (names.includes(name)) {
  const { default: check } = (await import(`../src/checks/${name}.ts`)) as { default: Check };
  const { summary, complaints } = verdictOf(check, loadFixturesOf(name));
  const all = [...complaints, ...metadataProblems(check)];
  printVerdict(name, { summary, complaints: all });
  process.exitCode = all.length > 0 ? 1 : 0;
} else {
  const near = nearNames();
  const problem = name === '' ? 'name a check' : `no check is named ${name}`;
  console.error(`${problem}; ${near.length > 0 ? `near are ${near.join(', ')}` : `there are ${names.join(', ')}`}`);
  process.exitCode = 2;
}

/** The checks that may have been meant. */
function nearNames(): string[] {
  if (name === '') return [];
  const nearest = nearestName(name, names);
  return names.filter((other) => other === nearest || other.toLowerCase().includes(name.toLowerCase()));
}
