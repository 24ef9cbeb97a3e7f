/**
 * The chart on a node where pods run: everything through helm and kubectl, in the order of a life with the operator. The
 * figures are what an idle machine holds; one that is busy with other things may not.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { IMAGE_NAME } from '../../scripts/image.ts';
import { until } from '../support/until.ts';
import { underLoad } from './load.ts';
import {
  apply,
  attempt,
  bad,
  CHART,
  clusterWide,
  deployment,
  IMAGE,
  kube,
  kubeconfig,
  NAMESPACE,
  openShop,
  operators,
  PATIENT,
  pods,
  policy,
  ready,
  readyOperators,
  rejected,
  release,
  rolledOut,
  runHelm,
  SHOP,
  uninstall,
  type Json,
} from './shop.ts';

const REINSTALLS = Number(process.env['READINESS_E2E_REINSTALLS'] ?? 5);
const admitted = async () => (await apply(bad(), '--dry-run=server')).code === 0;

const load = (perSecond: number) => ({
  kubeconfig,
  namespace: SHOP,
  good: deployment('load'),
  bad: bad('load'),
  perSecond,
});

const folder = mkdtempSync(join(tmpdir(), 'readiness-e2e-'));

/** The operator's processes as the machine sees them, with their resident memory in MiB. */
function replicas(): { pid: number; memory: number }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        if (!/^\/usr\/bin\/node\0.*\/app\/bin\/readiness-operator\.js\0serve/.test(command)) return [];
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        return [{ pid: Number(name), memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 }];
      } catch {
        return [];
      }
    });
}

const memory = () => replicas().map((replica) => replica.memory);

const byText = (one: string, other: string) => one.localeCompare(other);

/** Prints a measured value with its bound, and holds it. */
const figure = (name: string, value: number, unit: 's' | 'MiB' | 'MB', most: number) => {
  console.log(`figure: ${name}: ${value.toFixed(1)} ${unit} (at most ${most})`);
  expect(value).toBeLessThanOrEqual(most);
};

beforeAll(openShop);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the quickstart on a cluster that is there: says what it would do, does it, and leaves nothing', async () => {
  const script = join(import.meta.dirname, '../cluster/quickstart.ts');
  const args = [script, '--kubeconfig', kubeconfig, '--image', IMAGE_NAME];
  const run = (...more: string[]) => spawnSync(process.execPath, [...args, ...more], { encoding: 'utf8', input: '' });
  const before = await clusterWide();
  const asked = run();
  expect([asked.status, asked.stderr]).toEqual([1, expect.stringContaining('all is removed again')]);
  expect(await clusterWide()).toEqual(before);
  const done = run('--yes');
  expect([done.status, done.stderr]).toEqual([0, expect.stringContaining('all is removed')]);
  expect(done.stdout).toContain('Deployment readiness-quickstart/checkout is not ready for production');
  expect(done.stdout).toContain('deployment-cart');
  expect(await clusterWide()).toEqual(before);
});

test('an image that is not there: helm reports, the cluster goes on, and the release can be removed', async () => {
  const result = await release('install', '--set', 'image.tag=none', '--wait', '--timeout=10s');
  expect(result.code).not.toBe(0);
  expect(result.stderr).toMatch(/not ready|timed? ?out|deadline/i);
  expect((await apply(policy)).stderr).toBe('');
  expect((await apply(bad('unhindered'))).code).toBe(0);
  await kube(['-n', 'shop', 'delete', 'deployment', 'unhindered']);
  await kube(['delete', 'rpol', '--all']);
  expect((await uninstall()).code).toBe(0);
});

test('helm install --wait, a policy, and the first rejection through the Service', async () => {
  const started = performance.now();
  const result = await release('install', '--wait', PATIENT);
  expect([result.code, result.stderr.includes('Error')]).toEqual([0, false]);
  expect((await apply(policy)).code).toBe(0);
  await until('a rejection', rejected);
  figure('helm install --wait to first rejection', (performance.now() - started) / 1000, 's', 30);
  expect(await readyOperators()).toHaveLength(2);
});

test('the image is small', () => {
  figure('image, unpacked', Number(process.env['READINESS_TEST_IMAGE_BYTES']) / 1e6, 'MB', 150);
});

test('the program starts in half a second, and logs are JSON', async () => {
  const log = await kube(['-n', NAMESPACE, 'logs', (await operators())[0]!['metadata'].name]);
  const lines = log.trim().split('\n');
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const started = performance.now();
    execFileSync(process.execPath, [join(CHART, '../../bin/readiness-operator.js'), 'serve', '--help']);
    times.push(performance.now() - started);
  }
  figure('process start', times.toSorted((a, b) => a - b)[2]! / 1000, 's', 0.5);
});

test('a bad Deployment is rejected, a good one rolls out to Ready pods', async () => {
  const refused = await apply(bad('checkout'));
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('no memory limit')]);
  expect((await apply(deployment('cart'))).code).toBe(0);
  await rolledOut('cart');
  expect((await pods('shop', 'app=cart')).filter(ready)).toHaveLength(2);
});

test('a rollout to a bad template is rejected, running pods stay; a good one, undo, scale and an autoscaler work', async () => {
  const names = async () => (await pods('shop', 'app=cart')).map((pod) => String(pod['metadata'].uid)).toSorted(byText);
  const before = await names();
  expect((await apply(bad('cart'))).stderr).toContain('is not ready for production');
  expect(await names()).toEqual(before);
  expect((await apply(deployment('cart', (c) => (c['env'] = [{ name: 'MODE', value: 'new' }])))).code).toBe(0);
  await rolledOut('cart');
  await kube(['-n', 'shop', 'rollout', 'undo', 'deploy/cart']);
  await rolledOut('cart');
  await kube(['-n', 'shop', 'scale', 'deploy/cart', '--replicas=3']);
  await rolledOut('cart');
  // Without metrics an autoscaler still holds its bounds.
  await kube(['-n', 'shop', 'autoscale', 'deployment', 'cart', '--min=4', '--max=5', '--cpu=50%']);
  await until('the autoscaler', async () => (await pods('shop', 'app=cart')).filter(ready).length === 4);
  await kube(['-n', 'shop', 'delete', 'hpa', 'cart']);
});

test('pods that are killed or drained come back with the policy in force', async () => {
  await kube(['-n', 'shop', 'delete', 'pods', '-l', 'app=cart', '--force', '--grace-period=0']);
  await until('the pods', async () => (await pods('shop', 'app=cart')).filter(ready).length === 4);
  await kube(['drain', 'node-1', '--pod-selector=app=cart', '--ignore-daemonsets', PATIENT]);
  expect((await pods('shop', 'app=cart')).filter(ready)).toHaveLength(0);
  await kube(['uncordon', 'node-1']);
  await until('the pods', async () => (await pods('shop', 'app=cart')).filter(ready).length === 4);
});

test('names of services resolve in pods', async () => {
  const [pod] = (await pods('shop', 'app=cart')).filter(ready);
  const address = async (name: string) => {
    const answer = await fetch(`http://${pod!['status'].podIP}:8080/resolve?name=${name}`);
    return (await answer.text()).trim();
  };
  const service = await kube(['-n', NAMESPACE, 'get', 'service', NAMESPACE, '-o', 'jsonpath={.spec.clusterIP}']);
  expect(await address(`${NAMESPACE}.${NAMESPACE}.svc.cluster.local`)).toBe(service);
  expect(await address(`${NAMESPACE}.${NAMESPACE}.svc`)).toBe(service);
});

test('memory of a replica at rest and under 200 requests a second', async () => {
  // Twice the time after which it gives back what it does not need (src/rest.ts).
  await sleep(20_000);
  expect(memory()).toHaveLength(2);
  figure('a replica at rest', Math.max(...memory()), 'MiB', 95);
  let most = 0;
  const tally = await underLoad(load(200), async () => {
    for (let second = 0; second < 20; second++) {
      await sleep(1_000);
      most = Math.max(most, ...memory());
    }
  });
  figure('a replica under 200 requests a second', most, 'MiB', 130);
  expect(tally).toMatchObject({ wrong: 0, failed: 0, refused: 0 });
});

test('a replica deleted and a rolling upgrade under 100 requests a second: 0 wrong, 0 failed', async () => {
  await until('two replicas', readyOperators);
  const tally = await underLoad(load(100), async () => {
    await sleep(2_000);
    const [victim] = await operators();
    await kube(['-n', NAMESPACE, 'delete', 'pod', victim!['metadata'].name]);
    await until('two replicas', readyOperators);
    const upgraded = await release('upgrade', '--set', 'podAnnotations.round=two', '--wait', PATIENT);
    expect([upgraded.code, upgraded.stderr]).toEqual([0, expect.anything()]);
    await sleep(2_000);
  });
  console.log(`figure: deleted and upgraded: ${JSON.stringify(tally)}`);
  expect(tally).toMatchObject({ wrong: 0, failed: 0, refused: 0 });
  expect(tally.sent).toBeGreaterThan(1_000);
});

test('kill -9 of one of two replicas under 100 requests a second: 0 wrong, 0 failed once the cluster has noticed', async () => {
  await until('two replicas', readyOperators);
  const restarts = async () =>
    (await operators()).reduce((sum, pod) => sum + Number(pod['status'].containerStatuses[0].restartCount), 0);
  const before = await restarts();
  let killed = 0;
  let noticed = 0;
  const tally = await underLoad(load(100), async () => {
    await sleep(3_000);
    killed = performance.now();
    process.kill(replicas()[0]!.pid, 'SIGKILL');
    await until('the loss of a replica', async () => (await restarts()) > before);
    noticed = performance.now();
    await until('two replicas', readyOperators);
    await sleep(5_000);
  });
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1);
  console.log(
    `figure: kill -9: noticed after ${seconds(killed, noticed)} s, ${tally.failed} of ${tally.sent} failed, ` +
      `the last ${seconds(killed, tally.lastFailed)} s after it; ${tally.examples.join('; ')}`,
  );
  expect(tally).toMatchObject({ wrong: 0, refused: 0 });
  // Until then the Service still sends new connections to it, and nobody but the kubelet can change that.
  expect(tally.lastFailed).toBeLessThan(noticed + 2_000);
});

test('an upgrade with other values and a CRD with one more field, and back', async () => {
  const chart = join(folder, 'chart');
  cpSync(CHART, chart, { recursive: true });
  const file = join(chart, 'files/crds/readinesspolicies.yaml');
  const crd = parse(readFileSync(file, 'utf8')) as Json;
  crd['spec'].versions[0].schema.openAPIV3Schema.properties.spec.properties.addedLater = { type: 'string' };
  writeFileSync(file, stringify(crd));
  const text = ['--set', 'log.format=text'];
  const upgrade = await runHelm('upgrade', NAMESPACE, chart, '-n', NAMESPACE, ...IMAGE, ...text, '--wait', PATIENT);
  expect([upgrade.code, upgrade.code === 0 ? '' : upgrade.stderr]).toEqual([0, '']);
  // The API server takes a CRD at once and publishes what it says some time later.
  const explained = async () => (await attempt(['explain', 'rpol.spec.addedLater'])).code === 0;
  await until('the new field', explained);
  expect(await kube(['explain', 'rpol.spec.addedLater'])).toContain('string');
  const [pod] = (await operators()).filter(ready);
  const [line = ''] = (await kube(['-n', NAMESPACE, 'logs', pod!['metadata'].name])).split('\n');
  expect(line).not.toBe('');
  expect(() => JSON.parse(line)).toThrow();
  expect(await rejected()).toBe(true);
  const back = await runHelm('rollback', NAMESPACE, '-n', NAMESPACE, '--wait', PATIENT);
  expect([back.code, back.code === 0 ? '' : back.stderr]).toEqual([0, '']);
  await until('the field gone', async () => !(await explained()));
  expect(await kube(['get', 'rpol', 'production', '-o', 'name'])).toContain('production');
  expect(await rejected()).toBe(true);
});

test('GitOps: a second apply by another field manager shows no diff; a set with Secrets last passes dry-run', async () => {
  const flux = ['--server-side', '--field-manager=flux', '-f', '-'];
  const set = [policy, deployment('gitops')];
  const list = { apiVersion: 'v1', kind: 'List', items: set };
  expect((await attempt(['apply', '--server-side', '--field-manager=argocd', '-f', '-'], list)).code).toBe(0);
  expect((await attempt(['apply', ...flux], list)).stderr).toBe('');
  // kubectl compares two reads: what a controller writes in between is a difference too, and here the pods are starting.
  await until('no difference', async () => {
    const { code, stdout } = await attempt(['diff', ...flux], list);
    return code === 0 && stdout === '';
  });
  const uses = deployment('later', (container) => {
    container['env'] = [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'later', key: 'key' } } }];
  });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'later', namespace: 'shop' },
    stringData: { key: 'value' },
  };
  const whole = { apiVersion: 'v1', kind: 'List', items: [uses, secret] };
  expect((await apply(whole, '--dry-run=server')).code).toBe(0);
});

test('uninstall: refusals stop', async () => {
  expect(await rejected()).toBe(true);
  const removed = uninstall();
  const started = performance.now();
  await until('an end of refusals', admitted);
  figure('uninstall to the end of refusals', (performance.now() - started) / 1000, 's', 5);
  expect((await removed).code).toBe(0);
});

test('uninstall while the operator crash-loops: refusals stop', async () => {
  expect((await release('install', '--wait', PATIENT)).code).toBe(0);
  await until('a rejection', rejected);
  await kube([
    '-n',
    NAMESPACE,
    'patch',
    'deployment',
    NAMESPACE,
    '--type=json',
    '-p',
    '[{"op":"replace","path":"/spec/strategy","value":{"type":"Recreate"}},{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--no-such-flag"}]',
  ]);
  await until('a crash', async () =>
    (await operators()).some((pod) => (pod['status'].containerStatuses?.[0]?.restartCount ?? 0) > 0),
  );
  const started = performance.now();
  const removed = uninstall();
  await until('an end of refusals', admitted);
  figure('crash-looping: uninstall to the end of refusals', (performance.now() - started) / 1000, 's', 5);
  expect((await removed).code).toBe(0);
});

test(`${REINSTALLS} reinstalls: no residue, no stuck namespace`, async () => {
  for (let round = 1; round <= REINSTALLS; round++) {
    const installed = await release('install', '--wait', PATIENT);
    expect([round, installed.code, installed.code === 0 ? '' : installed.stderr]).toEqual([round, 0, '']);
    await until('a rejection', rejected);
    expect([round, (await uninstall()).code]).toEqual([round, 0]);
    await kube(['delete', 'namespace', NAMESPACE, PATIENT]);
    expect((await clusterWide()).filter((name) => !name.startsWith('customresourcedefinition'))).toEqual([]);
  }
}, 1_200_000);
