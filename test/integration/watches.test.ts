/** Watches before a real API server, through a network that breaks: copies become right again, in time and without a storm. */
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { redirectKubeconfig } from '../cluster/kubeconfig.ts';
import { canonicalJson } from '../../src/engine/canonical.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { Informer, type InformerOptions, type InformerState } from '../../src/kube/informer.ts';
import { InformedRelated } from '../../src/kube/related.ts';
import { credentialsOf } from '../faults/admin.ts';
import { TcpProxy } from '../support/tcpProxy.ts';

jest.setTimeout(180_000);
const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const NAMESPACE = 'default';
const closers: (() => unknown)[] = [];
let cluster: Cluster;
let admin: KubeClient;

// A cluster of its own: its API server is restarted.
beforeAll(async () => {
  cluster = await startCluster();
  admin = await KubeClient.load(systemClock, cluster.kubeconfig);
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  admin?.close();
  await cluster?.stop();
});

/** A client of the administrator, or of someone else, that goes through another address. */
async function clientVia(server: string, kubeconfig = cluster.kubeconfig): Promise<KubeClient> {
  const file = join(cluster.dir, `via-${new URL(server).port}.kubeconfig`);
  await redirectKubeconfig(kubeconfig, server, file);
  const client = await KubeClient.load(systemClock, file);
  closers.push(() => client.close());
  return client;
}

async function throughProxy(): Promise<{ proxy: TcpProxy; client: KubeClient }> {
  const proxy = await TcpProxy.start(cluster.server);
  closers.push(() => proxy.stop());
  return { proxy, client: await clientVia(`https://127.0.0.1:${proxy.port}`) };
}

interface Watched {
  readonly informer: Informer<string>;
  readonly changes: string[];
  readonly states: InformerState['state'][];
  readonly errors: string[];
}

/** An informer of ConfigMaps that keeps one value of each. */
function watched(client: KubeClient, more: Partial<InformerOptions<string>> = {}): Watched {
  const result = { changes: [] as string[], states: [] as InformerState['state'][], errors: [] as string[] };
  const informer = new Informer<string>({
    client,
    group: '',
    versions: ['v1'],
    resource: 'configmaps',
    keep: (object) => String(object.data?.value ?? ''),
    onChange: (key) => result.changes.push(key),
    onState: ({ state }) => result.states.push(state),
    onError: (error, what) => result.errors.push(`${what}: ${error instanceof Error ? error.message : String(error)}`),
    ...more,
  });
  closers.push(() => informer.stop());
  informer.start();
  return { informer, ...result };
}

async function put(name: string, value: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE }, data: { value } };
  await admin.request('PATCH', pathOf(CONFIG_MAPS, NAMESPACE, name), {
    query: { fieldManager: 'test', force: true },
    contentType: 'application/apply-patch+yaml',
    body,
  });
}

async function remove(name: string): Promise<void> {
  await admin.request('DELETE', pathOf(CONFIG_MAPS, NAMESPACE, name));
}

/** What the API server has. */
async function truth(): Promise<Record<string, string>> {
  const { items } = await admin.request<{
    items: { metadata: { name: string; namespace: string }; data?: { value?: string } }[];
  }>('GET', pathOf(CONFIG_MAPS));
  return Object.fromEntries(
    items.map(({ metadata, data }) => [`${metadata.namespace}/${metadata.name}`, data?.value ?? '']),
  );
}

/** Waits until a condition holds. @returns milliseconds that it took */
async function until(holds: () => boolean | Promise<boolean>, within: number): Promise<number> {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > within) throw new Error(`not within ${within} ms: ${holds.toString()}`);
    await sleep(20);
  }
  return performance.now() - start;
}

async function untilRight({ informer }: Watched, within: number): Promise<number> {
  const wanted = canonicalJson(await truth());
  return until(() => canonicalJson(Object.fromEntries(informer.entries())) === wanted, within);
}

test('connections cut 50 times: right within 5 s of the last cut', async () => {
  const { proxy, client } = await throughProxy();
  const copy = watched(client);
  await untilRight(copy, 10_000);
  for (let cut = 0; cut < 50; cut++) {
    await put(`cut-${cut % 7}`, `value ${cut}`);
    if (cut % 5 === 4) await remove(`cut-${cut % 7}`);
    proxy.cut();
    await sleep(100);
  }
  const took = await untilRight(copy, 5000);
  console.log(`cut 50 times: right after ${took.toFixed(0)} ms, ${proxy.accepted} connections`);
  // And it goes on from there.
  await put('after', 'the storm');
  await until(() => copy.informer.get(`${NAMESPACE}/after`) === 'the storm', 2000);
});

test('connections that die in silence: right within 30 s', async () => {
  const { proxy, client } = await throughProxy();
  const copies = [watched(client), watched(client), watched(client)];
  for (const copy of copies) await untilRight(copy, 10_000);
  // The lists are there; the watches that follow them are to be open too before anything is cut.
  await sleep(1000);
  const before = copies.map(({ informer }) => informer.lastEvent);
  proxy.silence();
  const start = performance.now();
  await put('silent', 'written into the silence');
  await sleep(1000);
  expect(copies.map(({ informer }) => informer.lastEvent)).toEqual(before);
  for (const copy of copies) await untilRight(copy, 30_000 - (performance.now() - start));
  console.log(`silent: right after ${(performance.now() - start).toFixed(0)} ms`);
  expect(copies[0]?.errors.join()).toMatch(/the connection is dead|no answer within/);
});

test('an idle watch is renewed without a list, and its age stays below 25 s', async () => {
  const copy = watched(await clientVia(cluster.server));
  await untilRight(copy, 10_000);
  const changes = copy.changes.length;
  let oldest = 0;
  for (let second = 0; second < 45; second++) {
    await sleep(1000);
    oldest = Math.max(oldest, Date.now() - copy.informer.lastEvent);
  }
  expect(oldest).toBeLessThan(25_000);
  expect([copy.errors, copy.changes.length]).toEqual([[], changes]);
});

test('a network that takes 2 s for everything: right, a little later', async () => {
  const { proxy, client } = await throughProxy();
  proxy.delay = 1000;
  const copy = watched(client);
  await untilRight(copy, 30_000);
  await put('slow', 'but sure');
  const took = await untilRight(copy, 5000);
  console.log(`slow: right after ${took.toFixed(0)} ms`);
  // Long enough for a watch to be renewed.
  await sleep(25_000);
  await put('slow', 'and steady');
  await untilRight(copy, 8000);
  expect(copy.states).toEqual(['synced']);
});

test('an API server that restarts: its history is gone, copies stay in use and are right soon', async () => {
  const copy = watched(await clientVia(cluster.server));
  await put('gone', 'while it restarts');
  await untilRight(copy, 10_000);
  await cluster.apiServer.stop();
  expect(copy.informer.get(`${NAMESPACE}/gone`)).toBe('while it restarts');
  await cluster.apiServer.start();
  await until(
    () =>
      put('restarted', 'yes').then(
        () => true,
        () => false,
      ),
    20_000,
  );
  await remove('gone');
  // While it starts it may refuse, and the longest pause after that is 12 s.
  const took = await untilRight(copy, 20_000);
  console.log(`restart: right after ${took.toFixed(0)} ms`);
  expect(copy.states).toEqual(['synced']);
});

test('what a handler or keep throws costs that object alone', async () => {
  const handled: string[] = [];
  const copy = watched(await clientVia(cluster.server), {
    keep: (object) => {
      if (object.metadata.name === 'unreadable') throw new TypeError('a shape nobody expected');
      return String(object.data?.value ?? '');
    },
    onChange: (key) => {
      if (key.endsWith('/rejected')) throw new Error('the handler failed');
      handled.push(key);
    },
  });
  await until(() => copy.informer.state.state === 'synced', 10_000);
  for (const name of ['unreadable', 'rejected', 'fine']) await put(name, 'x');
  await until(() => handled.includes(`${NAMESPACE}/fine`), 5000);
  expect(copy.informer.get(`${NAMESPACE}/rejected`)).toBe('x');
  expect(copy.informer.get(`${NAMESPACE}/unreadable`)).toBeUndefined();
  expect(copy.errors.join('\n')).toContain('reading configmaps default/unreadable: a shape nobody expected');
  expect(copy.errors.join('\n')).toContain('taking note of configmaps default/rejected: the handler failed');
  expect(copy.states).toEqual(['synced']);
});

test('a change of what no check reads tells nobody, a change of what one reads does', async () => {
  const changes: string[] = [];
  const related = new InformedRelated({
    client: await clientVia(cluster.server),
    secretAccess: 'None',
    onChange: (kind, dependency) => changes.push(dependency ?? kind),
    onState: () => {},
    onError: () => {},
  });
  closers.push(() => related.stop());
  await put('prices', 'in euros');
  await related.ensure(['ConfigMap']);
  const found = related.find('ConfigMap', NAMESPACE, 'prices');
  expect(found).toMatchObject({ state: 'found', values: [{ keys: ['value'] }] });
  changes.length = 0;

  await put('prices', 'in dollars');
  // Whatever it had to tell would have been told before what happened later.
  await put('after-prices', '');
  await until(() => changes.includes(`ConfigMap/${NAMESPACE}/after-prices`), 5000);
  expect(changes).not.toContain(`ConfigMap/${NAMESPACE}/prices`);

  await remove('prices');
  await until(() => changes.includes(`ConfigMap/${NAMESPACE}/prices`), 5000);
  expect(related.find('ConfigMap', NAMESPACE, 'prices')).toEqual({ state: 'absent' });
});

/** An HTTP server before the API server that answers some requests itself. */
async function injecting(
  inject: (request: http.IncomingMessage, response: http.ServerResponse) => boolean,
): Promise<{ client: KubeClient; requests: { at: number; url: string }[] }> {
  const { ca, cert, key } = await credentialsOf(cluster.kubeconfig);
  const agent = new https.Agent({ ca, cert, key });
  const requests: { at: number; url: string }[] = [];
  const server = http.createServer((request, response) => {
    requests.push({ at: performance.now(), url: request.url ?? '' });
    if (inject(request, response)) return;
    const { host: _, ...headers } = request.headers;
    const upstream = https.request(
      cluster.server + request.url,
      { agent, headers, method: request.method },
      (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
    agent.destroy();
  });
  return { client: await clientVia(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), requests };
}

const isWatch = (url: string): boolean => url.includes('watch=true');

test('429 with Retry-After: nothing is asked before, and the copy comes after', async () => {
  let refusing = true;
  const { client, requests } = await injecting((_request, response) => {
    if (!refusing) return false;
    response.writeHead(429, { 'retry-after': '3', 'content-type': 'text/plain' }).end('too many');
    return true;
  });
  const copy = watched(client);
  await sleep(8000);
  expect(requests.length).toBeGreaterThanOrEqual(2);
  expect(requests.length).toBeLessThanOrEqual(3);
  expect((requests[1]?.at ?? 0) - (requests[0]?.at ?? 0)).toBeGreaterThanOrEqual(3000);
  refusing = false;
  await untilRight(copy, 10_000);
  expect(copy.informer.state.state).toBe('synced');
});

test.each([
  ['500', (response: http.ServerResponse) => response.writeHead(500).end()],
  [
    '410',
    (response: http.ServerResponse) =>
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`),
  ],
  ['an end at once', (response: http.ServerResponse) => response.end()],
  ['a cut at once', (response: http.ServerResponse) => response.destroy()],
])('watches that are answered by %s: fewer and fewer are tried', async (_name, answer) => {
  let storm = true;
  const { client, requests } = await injecting((request, response) => {
    if (!storm || !isWatch(request.url ?? '')) return false;
    answer(response);
    return true;
  });
  const copy = watched(client);
  await sleep(12_000);
  // Waits of 200 ms to 3 s, or of 500 ms and more: about a dozen; in a tight loop it would be thousands.
  expect(requests.length).toBeGreaterThan(3);
  expect(requests.length).toBeLessThan(24);
  storm = false;
  await put('after', `the storm of ${_name}`);
  await untilRight(copy, 20_000);
});

/** How the API server fails, and for how long, in milliseconds. */
test.each([
  ['429', 12_000],
  ['500', 12_000],
  // It says so of everything for a moment after a start.
  ['403', 3000],
])('an API that is not served stays so while the API server answers %s', async (status, during) => {
  let isFailing = false;
  const { client, requests } = await injecting((_request, response) => {
    if (isFailing) response.writeHead(Number(status), { 'content-type': 'text/plain' }).end('no');
    return isFailing;
  });
  const absent = watched(client, { group: 'nowhere.example.com', resource: 'gadgets' });
  // Long enough that it has been told so more than once.
  await until(() => absent.informer.state.state === 'notServed' && requests.length > 2, 15_000);
  const asked = requests.length;
  isFailing = true;
  await until(() => requests.length > asked, 20_000);
  await sleep(during);
  isFailing = false;
  await until(() => requests.at(-1)?.at !== undefined && requests.length > asked + 1, 30_000);
  expect(absent.states).toEqual(['notServed']);
});

test('a list that fails from the start is told as a failure, so that nobody waits for it', async () => {
  let failing = true;
  const { client } = await injecting((_request, response) => {
    if (failing) response.writeHead(500).end('broken');
    return failing;
  });
  const copy = watched(client);
  await expect(Promise.race([copy.informer.settled.then(() => 'settled'), sleep(15_000)])).resolves.toBe('settled');
  expect(copy.informer.state).toMatchObject({ state: 'failed', cause: 'broken' });
  failing = false;
  await until(() => copy.informer.state.state === 'synced', 20_000);
});

test('missing permission, and a missing API: told, and noticed when they come, without a restart', async () => {
  const kubeconfig = await cluster.kubeconfigFor({ user: 'nobody-yet', groups: ['system:authenticated'] });
  const copy = watched(await clientVia(cluster.server, kubeconfig));
  const absent = watched(await clientVia(cluster.server), {
    group: 'example.com',
    versions: ['v2', 'v1'],
    resource: 'widgets',
    keep: (object) => object.metadata.name,
  });
  await until(() => copy.informer.state.state === 'failed', 5000);
  expect(copy.informer.state).toMatchObject({
    cause: expect.stringContaining(`User "nobody-yet" cannot list resource "configmaps"`) as unknown,
  });
  await until(() => absent.informer.state.state === 'notServed', 5000);

  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await admin.request('POST', pathOf({ ...rbac, resource: 'clusterroles' }), {
    body: {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name: 'reads-configmaps' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }],
    },
  });
  const binding = {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'reads-configmaps' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reads-configmaps' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody-yet' }],
  };
  await admin.request('POST', pathOf({ ...rbac, resource: 'clusterrolebindings' }), { body: binding });
  await admin.request(
    'POST',
    pathOf({ group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' }),
    {
      body: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'widgets.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      },
    },
  );
  await until(() => copy.informer.state.state === 'synced', 20_000);
  await untilRight(copy, 5000);
  await until(() => absent.informer.state.state === 'synced', 25_000);
  await admin.request('POST', pathOf({ group: 'example.com', version: 'v1', resource: 'widgets' }, NAMESPACE), {
    body: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'one' } },
  });
  await until(() => absent.informer.get(`${NAMESPACE}/one`) === 'one', 5000);

  // Taken away again: what was known stays, and is no answer any more.
  const known = copy.informer.size;
  await admin.request('DELETE', pathOf({ ...rbac, resource: 'clusterrolebindings' }, undefined, 'reads-configmaps'));
  await until(() => copy.informer.state.state === 'failed', 60_000);
  expect(copy.informer.size).toBe(known);
});
