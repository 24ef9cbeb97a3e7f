/**
 * Runs the tests: one suite, `all` (what every machine can run in minutes; the default), or `ci` (with `e2e`, on a whole
 * node). The last line is `tests: N passed, N failed`; before it stands what this machine can't run.
 *
 * The integration tests share one real cluster and one operator, which are started here. What they need and is not there
 * is a failure, never a skip.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ensureBinaries, programNames } from '../test/cluster/binaries.ts';
import { startCluster } from '../test/cluster/cluster.ts';
import { duration, streamLog } from '../test/cluster/log.ts';
import { obstacle } from '../test/cluster/node.ts';
import { installOperator, startOperator } from '../test/cluster/operator.ts';
import { provide } from '../test/cluster/provider.ts';

const ROOT = join(import.meta.dirname, '..');
const [suite = 'all', ...more] = process.argv.slice(2);
const log = streamLog();
const results = await mkdtemp(join(tmpdir(), 'readiness-tests-'));
let passed = 0;
let failed = 0;
/** What this machine can't run, and why. */
const skipped: string[] = [];
/** What failed and why, a line each: told again at the end, since the middle of a long output is often not kept. */
const failures: string[] = [];

const SUITES: Readonly<Record<string, () => Promise<void>>> = {
  unit: () => jest('unit', {}),
  mutants: () => counted('test/mutants/mutants.ts', []),
  integration,
  faults: () => counted('test/faults/main.ts', more),
  e2e: endToEnd,
};
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  all: ['unit', 'mutants', 'integration'],
  ci: ['unit', 'mutants', 'integration', 'e2e', 'faults'],
};

for (const name of GROUPS[suite] ?? [suite]) {
  const started = performance.now();
  const before = { passed, failed };
  try {
    const run = SUITES[name];
    if (run === undefined) throw new Error(`no such suite: ${name}; there are ${names().join(', ')}`);
    await run();
  } catch (error) {
    fail(`${name}: ${String(error)}`);
    console.error(error);
  }
  const took = duration(performance.now() - started);
  console.log(`${name}: ${passed - before.passed} passed, ${failed - before.failed} failed in ${took}`);
}
await rm(results, { recursive: true, force: true });
for (const what of skipped) console.log(`skipped: ${what}`);
for (const what of failures) console.log(`failed: ${what}`);
console.log(`tests: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || (passed === 0 && skipped.length === 0) ? 1 : 0;

function fail(what: string): void {
  failed += 1;
  failures.push(what);
}

function names(): string[] {
  return [...Object.keys(SUITES), ...Object.keys(GROUPS)];
}

async function integration(): Promise<void> {
  await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm'], { log });
  const cluster = await startCluster({ log });
  try {
    await installOperator(cluster);
    const operator = await startOperator(cluster);
    const before = failed;
    await jest('integration', { READINESS_TEST_KUBECONFIG: cluster.kubeconfig, READINESS_TEST_OPERATOR: operator.url });
    if (failed > before) console.error(`the operator's log:\n${(await readFile(operator.log, 'utf8')).slice(-6000)}`);
  } finally {
    await cluster.stop();
  }
}

/** Needs a machine that can have a node; any other says what it skipped. Missing tools are a failure: they can be had. */
async function endToEnd(): Promise<void> {
  const why = await obstacle();
  if (why !== undefined) {
    skipped.push(`all of test/e2e: ${why}`);
    return;
  }
  // All of them, and here: a test does not have the minutes that it may take to build them.
  await ensureBinaries(programNames, { log });
  if (more.length === 0) await jest('e2e', {}, ['--testPathPatterns', 'e2e/residue']);
  const cluster = await provide('node', { log });
  try {
    const { imageBytes = Infinity, kubeconfig } = cluster;
    console.log(`figure: image: ${(imageBytes / 1e6).toFixed(1)} MB unpacked (at most 150)`);
    if (imageBytes > 150e6) fail('the image is too large');
    const files = ['--testPathIgnorePatterns', 'e2e/residue', '--runInBand'];
    await jest('e2e', { READINESS_TEST_KUBECONFIG: kubeconfig }, files);
  } finally {
    await cluster.stop();
  }
}

async function jest(project: string, env: Record<string, string>, select: readonly string[] = []): Promise<void> {
  const output = join(results, `${project}.json`);
  const args = ['--selectProjects', project, '--json', `--outputFile=${output}`, '--silent=false', ...select, ...more];
  await run(join(ROOT, 'node_modules/jest/bin/jest.js'), args, {
    ...env,
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  });
  const result = JSON.parse(await readFile(output, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numRuntimeErrorTestSuites: number;
    testResults: {
      name: string;
      status: string;
      message: string;
      assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
    }[];
  };
  passed += result.numPassedTests;
  // A skipped test proves nothing, and a file that does not load has failed.
  failed += result.numFailedTests + result.numPendingTests + result.numRuntimeErrorTestSuites;
  for (const { name, status, message, assertionResults } of result.testResults) {
    const file = relative(ROOT, name);
    const bad = assertionResults.filter((test) => test.status !== 'passed');
    for (const test of bad) {
      failures.push(`${file}: ${test.fullName}: ${firstLine(test.failureMessages[0] ?? test.status)}`);
    }
    if (status === 'failed' && bad.length === 0) failures.push(`${file}: ${firstLine(message)}`);
  }
}

/** The first line of a message that says something, without colours. */
function firstLine(message: string): string {
  const lines = stripVTControlCharacters(message).split('\n');
  return (lines.find((line) => line.trim() !== '') ?? '').trim().slice(0, 300);
}

/** Runs a program that ends with a line of counts itself, and has one that begins with `failed: ` for each failure. */
async function counted(file: string, args: readonly string[]): Promise<void> {
  const text = await run(join(ROOT, file), args, {});
  const counts = /tests: (\d+) passed, (\d+) failed/.exec(text);
  for (const [, what = ''] of text.matchAll(/^failed: (.*)$/gm)) failures.push(what);
  if (counts === null) return fail(`${file} ended early`);
  passed += Number(counts[1]);
  failed += Number(counts[2]);
}

/** Runs a Node program; what it prints on standard output is shown, unless it is jest's JSON, and returned. */
function run(file: string, args: readonly string[], env: Record<string, string>): Promise<string> {
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
