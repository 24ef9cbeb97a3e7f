/**
 * `npm run test:repeat -- 3 --busy`: runs `npm test` several times, with `--busy` beside a process for each processor that
 * does nothing but burn it, and says which tests did not come out alike. All runs must be green.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { duration } from '../test/cluster/log.ts';

const ROOT = join(import.meta.dirname, '..');
/** Ends by itself when the process that started it is gone. */
const BURN = 'const of = process.ppid; for (;;) { for (let i = 0; i < 1e8; i++); if (process.ppid !== of) break; }';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { busy: { type: 'boolean' } } });
const [runs = 3, ...rest] = positionals.map(Number);
if (rest.length > 0 || !Number.isInteger(runs) || runs < 1) {
  console.error('usage: npm run test:repeat -- [runs] [--busy]');
  process.exit(2);
}

const folder = await mkdtemp(join(tmpdir(), 'readiness-repeat-'));
const burning = values.busy === true ? Array.from({ length: availableParallelism() }, burn) : [];
const outcomes: Record<string, string>[] = [];
let green = 0;
try {
  for (let run = 1; run <= runs; run++) {
    const file = join(folder, `${run}.json`);
    const started = performance.now();
    const code = await test(file);
    if (code === 0) green += 1;
    outcomes.push(await readFile(file, 'utf8').then(JSON.parse, () => ({})));
    console.log(`run ${run} of ${runs}: ${code === 0 ? 'green' : 'red'} in ${duration(performance.now() - started)}`);
  }
} finally {
  for (const child of burning) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
for (const name of new Set(outcomes.flatMap((run) => Object.keys(run)))) {
  const each = outcomes.map((run) => run[name] ?? 'did not run');
  if (new Set(each).size > 1) console.log(`differs: ${name}: ${each.join(', ')}`);
}
console.log(`${green} of ${runs} runs green${values.busy === true ? ' on a busy machine' : ''}`);
process.exitCode = green === runs ? 0 : 1;

function burn(): ChildProcess {
  return spawn(process.execPath, ['-e', BURN], { stdio: 'ignore' });
}

/** @returns the exit code of one run of the tests, whose outcomes are written to the file */
function test(file: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts/test.ts')], {
      cwd: ROOT,
      env: { ...process.env, READINESS_TEST_OUTCOMES: file },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', reject);
    child.once('close', resolve);
  });
}
