/**
 * Everything that can be held without running the product: types, lint, format, generated files, no stray files, nothing
 * in git that has no business there.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { gitFiles, problemsOf } from './verify/files.ts';

const ROOT = join(import.meta.dirname, '..');
const STEPS: readonly (readonly [string, readonly string[]])[] = [
  ['tsc', ['--noEmit']],
  ['oxlint', ['--type-aware', '--deny-warnings', 'src', 'test', 'scripts']],
  ['node', ['scripts/generate.ts']],
  ['prettier', ['--check', '--log-level=warn', '.']],
];

const problems = problemsOf(gitFiles(ROOT));
if (problems.length > 0) fail(problems.join('\n'));
for (const [command, args] of STEPS) {
  console.log(`> ${command} ${args.join(' ')}`);
  const bin = join(ROOT, 'node_modules/.bin', command);
  const { status, error } = spawnSync(bin, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) fail(`${command} failed${error === undefined ? '' : `: ${error.message}`}`);
}
if (process.env['CI'] === 'true') {
  const { stdout } = spawnSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' });
  if (stdout !== '') fail(`generated files are not current, or files are not in git:\n${stdout}`);
}
console.log('verify: ok');

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
