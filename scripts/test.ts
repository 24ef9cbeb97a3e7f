/**
 * Runs the tests: `unit`, `integration`, `mutants`, or all of them; `e2e` (on a whole node) and `faults` (a quarter of an
 * hour) only when asked for. The last line is `tests: N passed, N failed`.
 *
 * The integration tests share one real cluster and one operator, which are started here. What they need and is not there
 * is a failure, never a skip.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBinaries } from '../test/cluster/binaries.ts';
import { startCluster } from '../test/cluster/cluster.ts';
import { streamLog } from '../test/cluster/log.ts';
import { startNode } from '../test/cluster/node.ts';
import { writeImage } from '../test/cluster/oci.ts';
import { IMAGE_CONFIG, IMAGE_NAME, imageEntries } from './image.ts';
import { installOperator, startOperator } from '../test/cluster/operator.ts';

const ROOT = join(import.meta.dirname, '..');
const [suite = 'all', ...more] = process.argv.slice(2);
const log = streamLog();
const results = await mkdtemp(join(tmpdir(), 'readiness-tests-'));
let passed = 0;
let failed = 0;
let skipped = false;

try {
  if (suite === 'unit' || suite === 'all') await jest('unit', {});
  if (suite === 'mutants' || suite === 'all') await counted('test/mutants/mutants.ts', []);
  if (suite === 'faults') await counted('test/faults/main.ts', more);
  if (suite === 'integration' || suite === 'all') await integration();
  if (suite === 'e2e') await endToEnd();
} catch (error) {
  failed += 1;
  console.error(error);
}
await rm(results, { recursive: true, force: true });
console.log(`tests: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || (passed === 0 && !skipped) ? 1 : 0;

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

/** Needs Linux and root; elsewhere it says that it skipped all, except on CI, where that is a failure. */
async function endToEnd(): Promise<void> {
  if (process.env['CI'] !== 'true' && (process.platform !== 'linux' || process.getuid?.() !== 0)) {
    console.log('e2e: skipped all of test/e2e, since a node needs Linux and root');
    skipped = true;
    return;
  }
  await ensureBinaries(['helm', 'kubectl'], { log });
  if (more.length === 0) await jest('e2e', {}, ['--testPathPatterns', 'e2e/residue']);
  const node = await startNode({ log });
  try {
    const archive = join(node.dir, 'operator.tar');
    const bytes = await writeImage(archive, IMAGE_NAME, imageEntries(), IMAGE_CONFIG);
    console.log(`figure: image: ${(bytes / 1e6).toFixed(1)} MB unpacked (at most 150)`);
    if (bytes > 150e6) failed += 1;
    await node.loadImages(archive);
    const files = ['--testPathIgnorePatterns', 'e2e/residue', '--runInBand'];
    await jest('e2e', { READINESS_TEST_KUBECONFIG: node.kubeconfig }, files);
  } finally {
    await node.stop();
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
  };
  passed += result.numPassedTests;
  // A skipped test proves nothing, and a file that does not load has failed.
  failed += result.numFailedTests + result.numPendingTests + result.numRuntimeErrorTestSuites;
}

/** Runs a program that ends with a line of counts itself. */
async function counted(file: string, args: readonly string[]): Promise<void> {
  const text = await run(join(ROOT, file), args, {});
  const counts = /tests: (\d+) passed, (\d+) failed/.exec(text);
  passed += Number(counts?.[1] ?? 0);
  failed += Number(counts?.[2] ?? 1);
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
