/** Runs the programs that test: jest, and those of our own that end with a line of counts. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Tally } from './tally.ts';

const ROOT = join(import.meta.dirname, '../..');
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');

/** What jest says of a run with `--json`, as far as it is used. */
interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Runs one project of jest.config.js. @param args - more arguments for jest */
export async function jest(
  tally: Tally,
  project: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'readiness-tests-'));
  try {
    const output = join(folder, 'results.json');
    // Node 26 was seen to spin for ever at its end, when all results were there (in Environment::CleanupHandles).
    const fixed = ['--selectProjects', project, '--json', `--outputFile=${output}`, '--silent=false', '--forceExit'];
    await run(JEST, [...fixed, ...args], {
      ...env,
      NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
    });
    count(tally, JSON.parse(await readFile(output, 'utf8')) as JestResult);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function count(tally: Tally, result: JestResult): void {
  tally.passed += result.numPassedTests;
  // A skipped test proves nothing, and a file that does not load has failed.
  tally.failed += result.numFailedTests + result.numPendingTests + result.numRuntimeErrorTestSuites;
  for (const { name, status, message, assertionResults } of result.testResults) {
    const file = relative(ROOT, name);
    for (const test of assertionResults) tally.outcomes.set(`${file}: ${test.fullName}`, test.status);
    const bad = assertionResults.filter((test) => test.status !== 'passed');
    for (const test of bad) {
      tally.failures.push(`${file}: ${test.fullName}: ${firstLine(test.failureMessages[0] ?? test.status)}`);
    }
    if (status === 'failed' && bad.length === 0) tally.failures.push(`${file}: ${firstLine(message)}`);
  }
}

/** The first line of a message that says something, without colours. */
function firstLine(message: string): string {
  const lines = stripVTControlCharacters(message).split('\n');
  return (lines.find((line) => line.trim() !== '') ?? '').trim().slice(0, 300);
}

/** Runs a program that ends with a line of counts itself, and has one that begins with `failed: ` for each failure. */
export async function counted(
  tally: Tally,
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const text = await run(join(ROOT, file), args, env);
  const counts = [...text.matchAll(/^tests: (\d+) passed, (\d+) failed$/gm)].at(-1);
  for (const [, what = ''] of text.matchAll(/^failed: (.*)$/gm)) tally.failures.push(what);
  for (const [, what = ''] of text.matchAll(/^skipped: (.*)$/gm)) tally.skipped.push(what);
  if (counts === undefined) return tally.fail(`${file} ended early`);
  tally.passed += Number(counts[1]);
  tally.failed += Number(counts[2]);
}

/** Runs a Node program; what it prints on standard output is shown, unless it is jest's JSON, and returned. */
function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const isJest = args.includes('--json');
    const child = spawn(process.execPath, [file, ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!isJest) process.stdout.write(chunk);
    });
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}
