/**
 * `npm run quickstart`: the main job on a real API server, with kubectl's own output. On a control plane of its own, on a
 * whole node or a kind cluster of its own, or on a cluster that is there already.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { ensureBinaries } from './binaries.ts';
import { startCluster } from './cluster.ts';
import { confinedSamples, demonstrate, plainSamples } from './demonstration.ts';
import { duration, streamLog } from './log.ts';
import { nextSteps } from './next-steps.ts';
import { installOperator, startOperator } from './operator.ts';
import { downCommand, isProvider, PROVIDERS, provide, type Provider } from './provider.ts';
import { DEMONSTRATION, removal, tryOut } from './trial.ts';

const USAGE = `usage: npm run quickstart -- [options]
  (no options)          on a control plane of its own: etcd, kube-apiserver, kube-controller-manager on loopback
  --keep                leave it running, and say what to try with it
  --kubeconfig <file>   on the cluster of this file: installs the chart with Helm after asking, and removes it again
  --image <repo:tag>    with --kubeconfig: the operator's image, where that cluster can pull it
  --yes                 do not ask
  --provider <name>     ${PROVIDERS.join(', ')}: with Helm and pods on a cluster of that kind (existing: --kubeconfig)
`;

const log = streamLog();
const started = performance.now();
const since = () => duration(performance.now() - started);

try {
  process.exitCode = await main();
} catch (error) {
  log(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  let values;
  try {
    ({ values } = parseArgs({
      options: { keep: flag, yes: flag, help: flag, kubeconfig: text, image: text, provider: text },
    }));
  } catch (error) {
    return usage((error as Error).message);
  }
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const provider = values.provider ?? (values.kubeconfig === undefined ? undefined : 'existing');
  if (provider === undefined) {
    if (values.image !== undefined || values.yes) return usage('--image and --yes go with --kubeconfig or --provider');
    return onLoopback(values.keep);
  }
  if (!isProvider(provider)) return usage(`--provider: there are ${PROVIDERS.join(', ')}`);
  if ((provider === 'existing') !== (values.kubeconfig !== undefined)) {
    return usage('--kubeconfig names the cluster of --provider existing, and of no other');
  }
  if (provider === 'existing' && !/.+:[^/:]+$/.test(values.image ?? '')) {
    return usage(
      '--image <repository:tag> is needed: build it (README, "Install it") and push it where the cluster can pull it',
    );
  }
  return withHelm(provider, { ...values, agreed: values.yes || provider !== 'existing' });
}

function usage(problem: string): number {
  process.stderr.write(`${problem}\n${USAGE}`);
  return 2;
}

async function onLoopback(keep: boolean): Promise<number> {
  await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'], { log });
  const cluster = await startCluster({ log });
  log(`etcd, kube-apiserver and kube-controller-manager are up after ${since()}`);
  const samples = plainSamples();
  let failure: string | undefined;
  try {
    await installOperator(cluster);
    await startOperator(cluster);
    log(`the operator is ready after ${since()}`);
    failure = await demonstrate(cluster, samples);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  if (keep && failure === undefined) {
    const end = [`kill ${cluster.detach()}`];
    process.stdout.write(await nextSteps({ kubeconfig: cluster.kubeconfig, refused: samples.files.bad, end }));
    process.exit(0);
  }
  await cluster.stop();
  return report(failure, 'all is stopped');
}

async function withHelm(
  provider: Provider,
  options: { kubeconfig?: string; image?: string; keep: boolean; agreed: boolean },
): Promise<number> {
  await ensureBinaries(['kubectl', 'helm'], { log });
  const folder = await mkdtemp(join(tmpdir(), 'readiness-quickstart-'));
  const early = new AbortController();
  // What was installed is removed first. A second Ctrl-C ends at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => early.abort());
  const cluster = await provide(provider, {
    log,
    ...(options.kubeconfig !== undefined && { kubeconfig: resolve(options.kubeconfig) }),
  });
  const samples = confinedSamples(folder, DEMONSTRATION);
  let kept = false;
  try {
    const failure = await tryOut({
      target: { kubeconfig: cluster.kubeconfig, home: folder },
      samples,
      image: options.image ?? cluster.image,
      keep: options.keep,
      agreed: async (text) => options.agreed || ask(text, early.signal),
      signal: early.signal,
      log,
    });
    kept = options.keep && failure === undefined;
    if (kept) {
      const end = provider === 'existing' ? await removal() : [downCommand(provider)];
      process.stdout.write(await nextSteps({ kubeconfig: cluster.kubeconfig, refused: samples.files.bad, end }));
    }
    return report(failure, kept ? 'it goes on running' : 'all is removed');
  } finally {
    await (kept ? cluster.detach() : cluster.stop());
    if (!kept) await rm(folder, { recursive: true, force: true });
  }
}

async function ask(text: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error(`this would be done, with --yes:\n${text}`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${text}Go on? [y/N] `, { signal })).trim());
  } finally {
    terminal.close();
  }
}

function report(failure: string | undefined, end: string): number {
  log(failure === undefined ? `${end} after ${since()}` : `FAILED: ${failure}`);
  return failure === undefined ? 0 : 1;
}
