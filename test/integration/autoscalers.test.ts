/** A first install: a Deployment and, after it, its autoscaler, by each of the ways in which tools write them. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { helm, type CommandResult } from '../cluster/kubectl.ts';
import { until } from '../support/until.ts';
import { apply, attempt, Stage, type Json } from './stage.ts';

const target = { kubeconfig: process.env['READINESS_TEST_KUBECONFIG'] ?? '' };
const AWAITED = 'minReplicas (it may still come)';
const WRITTEN = 'is 1, at least 2 are required; set replicas: 2, or leave it out where an autoscaler scales it';
const POSTED =
  'is 1, at least 2 are required; set replicas: 2, or create the HorizontalPodAutoscaler first, or leave it out and apply with --server-side, or give the policy minReplicas.autoscaler: AwaitAny';

let stage: Stage;
let folder: string;
beforeEach(async () => {
  stage = await Stage.open('autoscalers');
  folder = await mkdtemp(join(tmpdir(), 'autoscalers-'));
});
afterEach(async () => {
  await stage.close();
  await rm(folder, { recursive: true });
  await attempt(['wait', '--for=delete', 'namespace/autoscalers', '--timeout=120s']);
});

const enforce = (parameters: Json = {}, enforcement: Json = {}): Promise<void> =>
  stage.enforce({ profile: 'none', enforcement, checks: { minReplicas: { priority: 'Critical', ...parameters } } });

/** @param replicas - undefined: left out */
const deployment = (replicas?: number): Json =>
  stage.deployment('web', (spec) => {
    if (replicas === undefined) delete spec['replicas'];
    else spec['replicas'] = replicas;
  });

const autoscaler = (name = 'web', apiVersion = 'apps/v1'): Json => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name, namespace: stage.namespace },
  spec: { scaleTargetRef: { apiVersion, kind: 'Deployment', name: 'web' }, minReplicas: 3, maxReplicas: 12 },
});

/** Both in one file, as kubectl takes them. */
const manifests = (replicas?: number): Json => ({
  apiVersion: 'v1',
  kind: 'List',
  items: [deployment(replicas), autoscaler()],
});

/** Installs a chart that holds both. Helm posts whole objects, as version 3 does, unless it applies on the server's side. */
async function install(replicas: number | undefined, ...how: string[]): Promise<CommandResult> {
  await mkdir(join(folder, 'templates'), { recursive: true });
  await writeFile(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: web\nversion: 1.0.0\n');
  await writeFile(join(folder, 'templates', 'web.yaml'), JSON.stringify(deployment(replicas)));
  await writeFile(join(folder, 'templates', 'scaler.yaml'), JSON.stringify(autoscaler()));
  return helm(target, ['upgrade', '--install', 'web', folder, '--namespace', stage.namespace, ...how], {
    allowFailure: true,
  });
}

const WAYS: readonly (readonly [string, (replicas?: number) => Promise<CommandResult>])[] = [
  ['kubectl apply', (replicas) => apply(manifests(replicas))],
  ['kubectl apply --server-side', (replicas) => apply(manifests(replicas), '--server-side')],
  ['helm, server-side', (replicas) => install(replicas, '--server-side=true')],
];

test.each(WAYS)(
  '%s: a count that is left out goes through at the first try, a written 1 does not',
  async (_, write) => {
    await enforce();
    const { code, stderr } = await write();
    expect([code, stderr]).toEqual([0, expect.stringContaining(AWAITED)]);
    await until('the autoscaler to count', async () => {
      const rollout = await stage.run('set', 'env', 'deployment/web', `A=${performance.now()}`);
      return rollout.code === 0 && !rollout.stderr.includes('minReplicas');
    });

    await helm(target, ['uninstall', 'web', '--namespace', stage.namespace, '--ignore-not-found']);
    await stage.run('delete', 'deployment,hpa', '--all');
    await until('the autoscaler to be forgotten', async () => {
      const alone = await apply(deployment(1), '--dry-run=server');
      return alone.code !== 0 && alone.stderr.includes(WRITTEN);
    });
    const written = await write(1);
    expect([written.code === 0, written.stderr]).toEqual([false, expect.stringContaining(WRITTEN)]);
  },
);

test('a plain POST does not tell a count that was left out: it goes through where the policy awaits any', async () => {
  await enforce();
  const client = ['--server-side=false'];
  const posted = await attempt(['create', '-f', '-'], deployment());
  expect([posted.code, posted.stderr]).toEqual([1, expect.stringContaining(POSTED)]);
  const denied = await install(undefined, ...client);
  expect([denied.code, denied.stderr]).toEqual([1, expect.stringContaining(POSTED)]);
  await helm(target, ['uninstall', 'web', '--namespace', stage.namespace, '--ignore-not-found']);
  await stage.run('delete', 'hpa', '--all');
  await enforce({ autoscaler: 'AwaitAny' });
  await until('the autoscaler to be forgotten', async () =>
    (await apply(deployment(1), '--dry-run=server')).stderr.includes(AWAITED),
  );
  const installed = await install(1, ...client);
  expect([installed.code, installed.stderr]).toEqual([0, expect.stringContaining(AWAITED)]);
});

test('while it is awaited nobody lowers the count, and when that is over the next rollout needs it', async () => {
  await enforce({}, { companionGrace: '1h' });
  expect((await apply(deployment())).code).toBe(0);
  const rollout = (): Promise<CommandResult> => stage.run('set', 'env', 'deployment/web', `A=${performance.now()}`);
  const within = await rollout();
  expect([within.code, within.stderr]).toEqual([0, expect.stringContaining(AWAITED)]);
  const scale = (replicas: number): Promise<CommandResult> =>
    stage.run('scale', 'deployment/web', `--replicas=${replicas}`);
  expect((await scale(3)).code).toBe(0);
  for (const lowered of [await scale(1), await stage.run('patch', 'deployment/web', '-p', '{"spec":{"replicas":1}}')]) {
    expect([lowered.code, lowered.stderr]).toEqual([1, expect.stringContaining('is 1, at least 2 are required')]);
  }

  await stage.run('delete', 'deployment/web');
  expect((await apply(deployment())).code).toBe(0);
  await enforce({}, { companionGrace: '1s' });
  const denied = await until('the grace to be over', async () => {
    const { code, stderr } = await rollout();
    return code !== 0 && stderr;
  });
  expect(denied).toContain('is 1, at least 2 are required');
});

test('an autoscaler of another group scales nothing; two of them are in the way of each other', async () => {
  await enforce();
  const denial = (text: string): Promise<unknown> =>
    until(text, async () => {
      const { code, stderr } = await apply(deployment(1), '--dry-run=server');
      return code !== 0 && stderr.includes(text);
    });
  expect((await apply(autoscaler('web', 'extensions/v1beta1'))).code).toBe(0);
  await denial('is 1, at least 2 are required');
  expect((await apply(autoscaler('first', 'apps/v1beta2'))).code).toBe(0);
  await until('it to count', async () => (await apply(deployment(1), '--dry-run=server')).code === 0);
  expect((await apply(autoscaler('second'))).code).toBe(0);
  await denial('HorizontalPodAutoscaler first and HorizontalPodAutoscaler second all target it');
});
