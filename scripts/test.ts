/**
 * Runs the tests: suites or groups of them by name, then arguments for jest. Without a name: what every machine can run in
 * minutes, and no other work on the machine can turn red. The last line is `tests: N passed, N failed`; before it stands what
 * this machine can't run.
 *
 * What a suite needs and is not there is a failure, never a skip.
 */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries, programNames } from '../test/cluster/binaries.ts';
import { SUPPORTED } from '../test/cluster/catalog.ts';
import { startCluster } from '../test/cluster/cluster.ts';
import { duration, streamLog } from '../test/cluster/log.ts';
import { obstacle } from '../test/cluster/node.ts';
import { installOperator, startOperator } from '../test/cluster/operator.ts';
import { keepLog } from '../test/cluster/kept-log.ts';
import { provide } from '../test/cluster/provider.ts';
import { counted, jest } from './test/programs.ts';
import { Tally } from './test/tally.ts';

/** Files that need the shared cluster, or its operator, for themselves. */
const ALONE = 'test/integration/alone/';

const log = streamLog();
const tally = new Tally();
const args = process.argv.slice(2);
const first = args.findIndex((arg) => arg.startsWith('-'));
/** Suites and groups, by name. */
const names = first < 0 ? args : args.slice(0, first);
/** Arguments for jest. */
const more = first < 0 ? [] : args.slice(first);

const SUITES: Readonly<Record<string, () => Promise<void>>> = {
  /** Nothing but Node. */
  unit: () => jest(tally, 'unit', ['--maxWorkers=100%', ...more]),
  /** Do the fixtures of each check notice when it is broken? */
  mutants: () => counted(tally, 'test/mutants/mutants.ts'),
  /** One real cluster and one operator, which the files share, two at a time; none of them restarts either. */
  integration,
  /** Clusters of their own, in which operators are killed and API servers restarted. By the time of the machine. */
  disruptive,
  /** The chart on a whole node: install, reject, roll out, upgrade, uninstall. */
  smoke: () => onNode(['--testPathPatterns', 'e2e/smoke']),
  /** The rest of that, with figures: memory, rates, seconds. */
  e2e,
  /** Two replicas while everything around them breaks. */
  faults: () => counted(tally, 'test/faults/main.ts', more),
  /** Reviews that are made to take long, before 200 policies, with figures. */
  costs: () => counted(tally, 'test/costs/main.ts', more),
  /** The oldest Kubernetes that is supported, as far as it can make a difference. */
  oldest: () =>
    counted(tally, 'scripts/test.ts', ['integration', 'disruptive', 'smoke'], {
      READINESS_KUBERNETES: SUPPORTED[0] ?? '',
    }),
};
/** Suites that load src itself. All others run the program that is built of it. */
const WITHOUT_PROGRAM: ReadonlySet<string> = new Set(['unit', 'mutants']);
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  default: ['unit', 'mutants', 'integration'],
  all: ['unit', 'mutants', 'integration', 'disruptive', 'smoke', 'e2e', 'faults', 'costs', 'oldest'],
};

const known = [...Object.keys(SUITES), ...Object.keys(GROUPS)];
const unknown = names.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(`no such suite: ${unknown}; there are ${known.join(', ')}`);
  process.exit(2);
}
const wanted = (names.length === 0 ? ['default'] : names).flatMap((asked) => GROUPS[asked] ?? [asked]);
// Here and not in package.json alone: what is tested by whoever calls this file is what stands in src.
if (wanted.some((name) => !WITHOUT_PROGRAM.has(name))) {
  execFileSync(process.execPath, [join(import.meta.dirname, 'build.js')], { stdio: 'inherit' });
}
for (const name of wanted) {
  const started = performance.now();
  const { passed, failed } = tally;
  try {
    await SUITES[name]?.();
  } catch (error) {
    tally.fail(`${name}: ${String(error)}`);
    console.error(error);
  }
  const took = duration(performance.now() - started);
  console.log(`${name}: ${tally.passed - passed} passed, ${tally.failed - failed} failed in ${took}`);
}
const file = process.env['READINESS_TEST_OUTCOMES'];
if (file !== undefined) await tally.save(file);
tally.print();
process.exitCode = tally.isGreen ? 0 : 1;

async function integration(): Promise<void> {
  await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm'], { log });
  const cluster = await startCluster({ log });
  try {
    await installOperator(cluster);
    const operator = await startOperator(cluster);
    const { failed } = tally;
    const env = { READINESS_TEST_KUBECONFIG: cluster.kubeconfig, READINESS_TEST_OPERATOR: operator.url };
    if (more.length > 0) {
      await jest(tally, 'integration', ['--runInBand', ...more], env);
    } else {
      await jest(tally, 'integration', ['--maxWorkers=2', '--testPathIgnorePatterns', ALONE], env);
      await jest(tally, 'integration', ['--runInBand', '--testPathPatterns', ALONE], env);
    }
    if (tally.failed > failed) {
      const end = (await readFile(operator.log, 'utf8')).slice(-6000);
      console.error(`the operator's log is ${keepLog(operator.log)}; its end:\n${end}`);
    }
  } finally {
    await cluster.stop();
  }
}

async function disruptive(): Promise<void> {
  await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl', 'helm'], { log });
  await jest(tally, 'disruptive', ['--runInBand', ...more]);
}

async function e2e(): Promise<void> {
  if (more.length === 0 && (await obstacle()) === undefined) {
    await ensureBinaries(programNames, { log });
    await jest(tally, 'e2e', ['--testPathPatterns', 'e2e/residue']);
  }
  await onNode(['--testPathIgnorePatterns', 'e2e/(residue|smoke)']);
}

/** Needs a machine that can have a node; any other says what it skipped. Missing tools are a failure: they can be had. */
async function onNode(select: readonly string[]): Promise<void> {
  const why = await obstacle();
  if (why !== undefined) {
    tally.skipped.push(`test/e2e (${select.at(-1)}): ${why}`);
    return;
  }
  // All of them, and here: a test does not have the minutes that it may take to build them.
  await ensureBinaries(programNames, { log });
  const cluster = await provide('node', { log });
  try {
    await jest(tally, 'e2e', [...select, '--runInBand', ...more], {
      READINESS_TEST_KUBECONFIG: cluster.kubeconfig,
      READINESS_TEST_IMAGE_BYTES: String(cluster.imageBytes),
    });
  } finally {
    await cluster.stop();
  }
}
