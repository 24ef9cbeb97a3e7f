/** `npm run quickstart`: the main job on a real API server, with kubectl's own output. */
import { join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { startCluster } from './cluster.ts';
import { kubectl, type CommandResult } from './kubectl.ts';
import { duration, streamLog } from './log.ts';
import { enforced, installOperator, startOperator } from './operator.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const SAMPLES = join(import.meta.dirname, '..', '..', 'manifests/samples');
const keep = process.argv.includes('--keep');
const log = streamLog();
const started = performance.now();

await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'], { log });
const cluster = await startCluster({ log });
log(`etcd, kube-apiserver and kube-controller-manager are up after ${duration(performance.now() - started)}`);
let failed: string | undefined;
try {
  await installOperator(cluster);
  await startOperator(cluster);
  log(`the operator is ready after ${duration(performance.now() - started)}`);
  await show('create', 'namespace', 'shop');
  await show('apply', '-f', join(SAMPLES, 'policy-production.yaml'));
  await enforced(cluster, 'production');
  const bad = await show('apply', '-f', join(SAMPLES, 'checkout-bad.yaml'));
  const good = await show('apply', '-f', join(SAMPLES, 'cart-good.yaml'));
  await reported();
  await show('get', 'rpol');
  await show('get', 'rrep', '-A');
  if (bad.code === 0) failed = 'the deployment that is not ready was admitted';
  else if (!bad.stderr.includes('is not ready for production'))
    failed = 'the bad deployment was refused for another reason';
  else if (good.code !== 0) failed = 'the deployment that is ready was refused';
} catch (error) {
  failed = error instanceof Error ? error.message : String(error);
}
if (failed !== undefined) {
  process.exitCode = 1;
  log(`FAILED: ${failed}`);
}
if (keep && failed === undefined) {
  const pid = cluster.detach();
  log(`it goes on running; end it with: kill ${pid}`);
  process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
  process.exit(0);
}
await cluster.stop();
log(`all is stopped after ${duration(performance.now() - started)}`);

/** Runs kubectl and shows what it says, unedited. */
async function show(...args: string[]): Promise<CommandResult> {
  process.stdout.write(`\n$ kubectl ${args.map((arg) => arg.replace(SAMPLES, 'manifests/samples')).join(' ')}\n`);
  const result = await kubectl(cluster, args, { allowFailure: true });
  process.stdout.write(result.stdout + result.stderr);
  return result;
}

/** Waits until the report of the good deployment and its count in the policy are there. */
async function reported(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { stdout } = await kubectl(cluster, [
      'get',
      'rpol',
      'production',
      '-o',
      'jsonpath={.status.workloads.matched}',
    ]);
    if (stdout === '1') return;
    await sleep(100);
  }
}
