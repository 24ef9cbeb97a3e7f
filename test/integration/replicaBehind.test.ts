/** A replica whose watches of policies and exceptions are broken, beside a leader whose are not: it decides as the leader does. */
import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { calledAs } from '../cluster/configurations.ts';
import { redirectKubeconfig } from '../cluster/kubeconfig.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { enforced, installOperator, OPERATOR_IDENTITY, startOperator, type Operator } from '../cluster/operator.ts';
import { get } from '../support/https.ts';
import { HttpProxy, isWatch } from '../support/httpProxy.ts';
import { teamPolicy } from '../support/manifests.ts';
import { until } from '../support/until.ts';
import { ask } from '../faults/load.ts';
import { bad } from '../faults/samples.ts';
import type { Json } from './stage.ts';

let cluster: Cluster;
let leader: Operator;
let proxy: HttpProxy;
let other: Operator;

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  for (const name of ['early', 'late', 'removed', 'again']) {
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { team: name } } });
  }
  leader = await startOperator(cluster);
  const straight = await cluster.kubeconfigFor(OPERATOR_IDENTITY);
  proxy = await HttpProxy.start(straight);
  const kubeconfig = join(cluster.dir, 'behind.kubeconfig');
  await redirectKubeconfig(straight, proxy.url, kubeconfig);
  await until('the first to lead', async () => (await metrics(leader)).includes('\nreadiness_operator_leader 1'));
  other = await startOperator(cluster, [], { kubeconfig, webhookUrl: leader.url });
});
afterEach(async () => {
  proxy.intercept = () => false;
  await kubectl(cluster, ['delete', 'rpol', '--all']);
  await kubectl(cluster, ['-n', 'early', 'delete', 'rexc', '--all']);
});
afterAll(async () => {
  proxy?.stop();
  await cluster?.stop();
});

const metrics = async ({ url }: Operator): Promise<string> => (await get(`${url}/metrics`)).text;
const apply = (object: Json) => kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object) });
/** What a replica says of a Deployment that a policy does not let through, in the namespace that it is for. */
const verdict = async ({ url }: Operator, policy: string) =>
  ask(url, aNew('web', policy), await calledAs(cluster, `/validate/workloads/${policy}`));

/** As the API server would have made it: no two creations are of the same object. */
function aNew(name: string, namespace: string): Json {
  const object = bad(name, namespace);
  return { ...object, metadata: { ...object['metadata'], uid: randomUUID() } };
}

async function enforce(name: string, spec: Json = {}): Promise<void> {
  await apply(teamPolicy(name, { profile: 'production-v1', ...spec }));
  await enforced(cluster, name);
}

/** The other replica knows a policy, and its watch of them is open. */
async function heard(name: string): Promise<void> {
  await until(`it to hear of ${name}`, async () => (await verdict(other, name)).text.includes(`[${name}]`));
  await until('its watch', async () =>
    (await metrics(other)).includes('watch_state{resource="readinesspolicies",state="synced"} 1'),
  );
}

/** From now on what the watches of our kinds ask for is answered with an error; what is read once is not. */
function breakWatches(status: number): void {
  proxy.intercept = ({ url = '' }: http.IncomingMessage, response: http.ServerResponse) => {
    const isOurs = url.includes('/readinesspolicies') || url.includes('/readinessexceptions');
    if (!isOurs || !(isWatch(url) || url.includes('limit=250'))) return false;
    response.writeHead(status, { 'content-type': 'text/plain' }).end('not now');
    return true;
  };
  proxy.cut();
}

const reads = (): number => proxy.requests.filter((url) => url.endsWith('/readinesspolicies/late')).length;

test('by a policy that only the leader has heard of, all at once with a few reads', async () => {
  await enforce('early');
  await heard('early');
  breakWatches(500);
  await enforce('late');
  const before = reads();
  const path = await calledAs(cluster, '/validate/workloads/late');
  const all = await Promise.all(Array.from({ length: 60 }, () => ask(other.url, aNew('web', 'late'), path)));
  expect(new Set(all.map(({ allowed }) => allowed))).toEqual(new Set([false]));
  expect(all[0]?.text).toContain('[late]');
  expect(reads() - before).toBeLessThan(60 / 4);
});

test('by a policy that was relaxed or removed meanwhile', async () => {
  await enforce('early');
  await enforce('removed');
  await heard('early');
  await heard('removed');
  breakWatches(500);
  await enforce('early', { enforcement: { critical: 'Warn' } });
  expect(await verdict(other, 'early')).toMatchObject({ allowed: true });
  await kubectl(cluster, ['delete', 'rpol', 'removed']);
  expect(await verdict(other, 'removed')).toMatchObject({ allowed: true });
});

test('with an exception that was made meanwhile, and without one that was taken back', async () => {
  await enforce('early');
  await heard('early');
  breakWatches(500);
  expect(await verdict(other, 'early')).toMatchObject({ allowed: false });
  await apply({
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessException',
    metadata: { name: 'vendor', namespace: 'early' },
    spec: {
      workloads: [{ kind: 'Deployment', name: 'web' }],
      checks: ['*'],
      reason: 'vendor image, TICKET-1',
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    },
  });
  expect(await verdict(other, 'early')).toMatchObject({ allowed: true });
  await kubectl(cluster, ['-n', 'early', 'delete', 'rexc', 'vendor']);
  expect(await verdict(other, 'early')).toMatchObject({ allowed: false });
});

test('while it still takes our own kinds for absent, which are back', async () => {
  await enforce('early');
  await heard('early');
  breakWatches(404);
  await until('it to believe so', async () =>
    (await metrics(other)).includes('watch_state{resource="readinesspolicies",state="notServed"} 1'),
  );
  await enforce('again');
  for (const route of ['early', 'again']) {
    const { allowed, text } = await verdict(other, route);
    expect([allowed, text]).toEqual([false, expect.stringContaining(`[${route}]`)]);
  }
  proxy.intercept = () => false;
  // Being asked, it looks at once, and does not wait for its turn.
  await verdict(other, 'again');
  await until('it to follow again', async () =>
    (await metrics(other)).includes('resource="readinesspolicies",state="synced"} 1'),
  );
});
