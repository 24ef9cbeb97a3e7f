/**
 * Watches before a real API server, through networks that break: copies become right again, in time and without a storm.
 * The clock of the client is moved by the test, so that no waiting time is waited for.
 */
import type http from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { canonicalJson } from '../../src/engine/canonical.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { Informer, type InformerOptions, type InformerState } from '../../src/kube/informer.ts';
import { InformedRelated } from '../../src/kube/related.ts';
import { redirectKubeconfig } from '../cluster/kubeconfig.ts';
import { credentialsOf } from '../faults/admin.ts';
import { HttpProxy, isWatch } from '../support/httpProxy.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { TestClock } from '../support/testClock.ts';
import { until } from '../support/until.ts';
import { Stage } from './stage.ts';

const KUBECONFIG = process.env['READINESS_TEST_KUBECONFIG'] ?? '';
const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const NAMESPACE = 'watches';
/** With the least chance (0) a watch is to end after 15 s, and is given up 3 s later. */
const GIVEN_UP_AFTER = 18_000;
/** No pause between two tries is longer than this. */
const LONGEST_PAUSE = 15_000;

const closers: (() => unknown)[] = [];
let folder: string;
let admin: KubeClient;
let stage: Stage;
let clock: TestClock;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readiness-watches-'));
  admin = await KubeClient.load(systemClock, KUBECONFIG);
  stage = await Stage.open(NAMESPACE);
});
beforeEach(() => {
  clock = new TestClock();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(async () => {
  admin?.close();
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A client of the administrator that goes by another address, with the clock of the test. */
async function clientVia(server: string): Promise<KubeClient> {
  const file = join(folder, `via-${new URL(server).port}.kubeconfig`);
  await redirectKubeconfig(KUBECONFIG, server, file);
  const client = await KubeClient.load(clock, file);
  closers.push(() => client.close());
  return client;
}

async function throughTcp(): Promise<{ proxy: TcpProxy; client: KubeClient }> {
  const proxy = await TcpProxy.start((await credentialsOf(KUBECONFIG)).server);
  closers.push(() => proxy.stop());
  return { proxy, client: await clientVia(`https://127.0.0.1:${proxy.port}`) };
}

async function throughHttp(headers?: http.OutgoingHttpHeaders): Promise<{ proxy: HttpProxy; client: KubeClient }> {
  const proxy = await HttpProxy.start(KUBECONFIG, headers);
  closers.push(() => proxy.stop());
  return { proxy, client: await clientVia(proxy.url) };
}

interface Watched {
  readonly informer: Informer<string>;
  readonly changes: string[];
  readonly states: InformerState['state'][];
  readonly errors: string[];
}

/** An informer of the ConfigMaps of the namespace that keeps one value of each. */
function watched(client: KubeClient, more: Partial<InformerOptions<string>> = {}): Watched {
  const result = { changes: [] as string[], states: [] as InformerState['state'][], errors: [] as string[] };
  const informer = new Informer<string>({
    client,
    group: '',
    versions: ['v1'],
    resource: 'configmaps',
    namespace: NAMESPACE,
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
  }>('GET', pathOf(CONFIG_MAPS, NAMESPACE));
  return Object.fromEntries(
    items.map(({ metadata, data }) => [`${metadata.namespace}/${metadata.name}`, data?.value ?? '']),
  );
}

async function isRight({ informer }: Watched): Promise<boolean> {
  return canonicalJson(await truth()) === canonicalJson(Object.fromEntries(informer.entries()));
}

const untilRight = (copy: Watched): Promise<unknown> => until('the copy is right', () => isRight(copy));

/** Lets the pause pass that an informer makes. @returns how long it was, in milliseconds */
async function passPause(): Promise<number> {
  const pause = await clock.waiting(1, LONGEST_PAUSE);
  await clock.advance(pause);
  return pause;
}

/** Lets pauses pass, one by one, until something is so. */
function passPausesUntil(what: string, question: () => boolean | Promise<boolean>): Promise<unknown> {
  return until(what, async () => {
    for (;;) {
      if (await question()) return true;
      const [soonest = Infinity] = clock.pending;
      // An answer is on its way.
      if (soonest > LONGEST_PAUSE) return false;
      await clock.advance(soonest);
    }
  });
}

test('connections cut again and again: each pause is longer up to a second, and the copy is right after it', async () => {
  const { proxy, client } = await throughTcp();
  const copy = watched(client);
  await clock.waiting(GIVEN_UP_AFTER);
  const pauses: number[] = [];
  for (let cut = 0; cut < 8; cut++) {
    await put(`cut-${cut % 3}`, `value ${cut}`);
    if (cut % 3 === 2) await remove(`cut-${cut % 3}`);
    proxy.cut();
    pauses.push(await passPause());
    await clock.waiting(GIVEN_UP_AFTER);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 1000]);
  await untilRight(copy);
  // A watch that lived for a second was a good one: the next pause is short again.
  await clock.advance(1000);
  proxy.cut();
  expect(await passPause()).toBe(100);
  await put('after', 'the storm');
  await untilRight(copy);
});

test('connections that die in silence are given up 3 s after the watch was to end, and the copy is right again', async () => {
  const { proxy, client } = await throughTcp();
  const copy = watched(client);
  await clock.waiting(GIVEN_UP_AFTER);
  const heard = copy.informer.lastEvent;
  proxy.silence();
  await put('silent', 'written into the silence');
  await clock.advance(GIVEN_UP_AFTER - 1);
  expect([copy.informer.lastEvent, copy.errors, copy.informer.get(`${NAMESPACE}/silent`)]).toEqual([
    heard,
    [],
    undefined,
  ]);
  await clock.advance(1);
  await passPausesUntil('the copy is right', () => isRight(copy));
  expect(copy.errors).toEqual([expect.stringContaining('the connection is dead')]);
});

test('an idle watch is renewed without a list, and the longest one is given up after 23 s', async () => {
  const { proxy, client } = await throughHttp();
  proxy.watchSeconds = 1;
  clock.chance = 0.999;
  const copy = watched(client);
  const changes = async (): Promise<number> => {
    await untilRight(copy);
    return copy.changes.length;
  };
  await clock.waiting(23_000);
  const before = await changes();
  for (let renewal = 1; renewal <= 3; renewal++) {
    // It lived long enough to count as a good one.
    await clock.advance(1000);
    await until('the next watch', async () => proxy.watches > renewal);
    await clock.waiting(23_000);
  }
  expect([proxy.reads, copy.errors, await changes()]).toEqual([1, [], before]);
});

test('a watch whose end comes late on a slow connection is alive as long as something comes', async () => {
  const { proxy, client } = await throughHttp();
  const copy = watched(client);
  let answer: http.ServerResponse | undefined;
  proxy.intercept = (request, response) => {
    if (!isWatch(request.url) || answer !== undefined) return false;
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    answer = response;
    return true;
  };
  await clock.waiting(GIVEN_UP_AFTER);
  const heard = copy.informer.lastEvent;
  await clock.advance(GIVEN_UP_AFTER - 500);
  answer?.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '1' } } })}\n`);
  await until('what came late is heard', async () => copy.informer.lastEvent > heard);
  // Past the time at which it would have been given up.
  await clock.advance(2900);
  expect(copy.errors).toEqual([]);
  answer?.end();
  await put('slow', 'but sure');
  await passPausesUntil('the copy is right', () => isRight(copy));
  expect(copy.states).toEqual(['synced']);
});

test('a copy follows the server while its watch is open, and not while it waits to open one', async () => {
  const { proxy, client } = await throughHttp();
  const copy = watched(client);
  expect(copy.informer.isCurrent).toBe(false);
  await until('the watch', () => copy.informer.isCurrent);
  const broken = (_request: http.IncomingMessage, response: http.ServerResponse): boolean => {
    response.destroy();
    return true;
  };
  proxy.intercept = broken;
  proxy.cut();
  await clock.waiting(100);
  expect([copy.informer.state.state, copy.informer.isCurrent]).toEqual(['synced', false]);
  proxy.intercept = () => false;
  await passPausesUntil('the watch is open again', () => copy.informer.isCurrent);
});

test('what a handler or keep throws costs that object alone', async () => {
  const handled: string[] = [];
  const copy = watched((await throughHttp()).client, {
    keep: (object) => {
      if (object.metadata.name === 'unreadable') throw new TypeError('a shape nobody expected');
      return String(object.data?.value ?? '');
    },
    onChange: (key) => {
      if (key.endsWith('/rejected')) throw new Error('the handler failed');
      handled.push(key);
    },
  });
  await copy.informer.settled;
  for (const name of ['unreadable', 'rejected', 'fine']) await put(name, 'x');
  await until('the last one', async () => handled.includes(`${NAMESPACE}/fine`));
  expect(copy.informer.get(`${NAMESPACE}/rejected`)).toBe('x');
  expect(copy.informer.get(`${NAMESPACE}/unreadable`)).toBeUndefined();
  expect(copy.errors.join('\n')).toContain(`reading configmaps ${NAMESPACE}/unreadable: a shape nobody expected`);
  expect(copy.errors.join('\n')).toContain(`taking note of configmaps ${NAMESPACE}/rejected: the handler failed`);
  expect(copy.states).toEqual(['synced']);
});

test('a change of what no check reads tells nobody, a change of what one reads does', async () => {
  const changes: string[] = [];
  const related = new InformedRelated({
    client: (await throughHttp()).client,
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
  await until('what came later', async () => changes.includes(`ConfigMap/${NAMESPACE}/after-prices`));
  expect(changes).not.toContain(`ConfigMap/${NAMESPACE}/prices`);

  await remove('prices');
  await until('the end', async () => changes.includes(`ConfigMap/${NAMESPACE}/prices`));
  expect(related.find('ConfigMap', NAMESPACE, 'prices')).toEqual({ state: 'absent' });
});

/** Refuses everything with a status for as long as it is told to. */
function refusing(proxy: HttpProxy, status: number, headers: http.OutgoingHttpHeaders = {}): { stop(): void } {
  proxy.intercept = (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end('no');
    return true;
  };
  return { stop: () => (proxy.intercept = () => false) };
}

test('429 with Retry-After: nothing is asked before, and the copy comes after', async () => {
  const { proxy, client } = await throughHttp();
  const refusal = refusing(proxy, 429, { 'retry-after': '3' });
  const copy = watched(client);
  for (const asked of [1, 2, 3]) {
    await clock.waiting(3000);
    expect(proxy.requests).toHaveLength(asked);
    await clock.advance(2999);
    expect(clock.pending).toContain(1);
    expect(proxy.requests).toHaveLength(asked);
    await clock.advance(1);
  }
  refusal.stop();
  await passPausesUntil('the copy is right', () => isRight(copy));
  expect(copy.informer.state.state).toBe('synced');
});

test('a Retry-After of days is cut to a minute', async () => {
  const { proxy, client } = await throughHttp();
  refusing(proxy, 429, { 'retry-after': '1000000' });
  watched(client);
  expect(await clock.waiting(30_001, 1e9)).toBe(60_000);
});

test.each([
  ['500', (response: http.ServerResponse) => response.writeHead(500).end(), 6000],
  ['410', (response: http.ServerResponse) => response.writeHead(410).end(), 6000],
  [
    '410 in an event',
    (response: http.ServerResponse) =>
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`),
    6000,
  ],
  ['an end at once', (response: http.ServerResponse) => response.end(), 1000],
  ['a cut at once', (response: http.ServerResponse) => response.destroy(), 1000],
])('watches that are answered by %s: the pauses grow', async (name, answer, longest) => {
  const { proxy, client } = await throughHttp();
  proxy.intercept = (request, response) => {
    if (isWatch(request.url)) answer(response);
    return isWatch(request.url);
  };
  const copy = watched(client);
  const pauses: number[] = [];
  for (let pause = 0; pause < 8; pause++) pauses.push(await passPause());
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  expect([pauses[0], pauses.at(-1)]).toEqual([longest === 1000 ? 100 : 250, longest]);
  expect(proxy.watches).toBeLessThanOrEqual(pauses.length + 1);
  // That the server has forgotten the place is no fault of anybody's.
  if (name.startsWith('410')) expect(copy.errors).toEqual([]);
  proxy.intercept = () => false;
  await put('after', `the storm of ${name}`);
  await passPausesUntil('the copy is right', () => isRight(copy));
});

/** How the API server fails, for how long (milliseconds), and what is known of the API after that. */
test.each([
  [429, 20_000, ['notServed']],
  [500, 20_000, ['notServed']],
  // It says so of everything for a moment after a start; after 5 s it is believed.
  [403, 4900, ['notServed']],
  [403, 30_000, ['notServed', 'failed', 'notServed']],
])('an API that is not served, while the API server answers %d for %d ms: %j', async (status, during, states) => {
  const { proxy, client } = await throughHttp();
  const absent = watched(client, { group: 'nowhere.example.com', resource: 'gadgets' });
  // Long enough that it has been told so more than once.
  await passPausesUntil('the API is known not to be served', () => proxy.requests.length > 2);
  const refusal = refusing(proxy, status);
  let asked = proxy.requests.length;
  await passPausesUntil('the first refusal', () => proxy.requests.length > asked);
  const end = clock.monotonic() + during;
  while (clock.monotonic() < end) {
    await clock.waiting(1, LONGEST_PAUSE);
    await clock.advance(Math.min(clock.pending[0] ?? 0, end - clock.monotonic()));
  }
  refusal.stop();
  asked = proxy.requests.length;
  await passPausesUntil('an answer', () => proxy.requests.length > asked + 1);
  expect(absent.states).toEqual(states);
});

test('a list that fails from the start is told as a failure after 5 s, so that nobody waits for it', async () => {
  const { proxy, client } = await throughHttp();
  const refusal = refusing(proxy, 500);
  const copy = watched(client);
  const started = clock.monotonic();
  await passPausesUntil('the failure', () => copy.informer.state.state === 'failed');
  expect(clock.monotonic() - started).toBeGreaterThanOrEqual(5000);
  expect(clock.monotonic() - started).toBeLessThan(15_000);
  await copy.informer.settled;
  expect(copy.informer.state).toMatchObject({ state: 'failed', cause: 'no' });
  refusal.stop();
  await passPausesUntil('the copy is right', () => isRight(copy));
});

test('missing permission, and a missing API: told, and noticed when they come, without a restart', async () => {
  const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' };
  const definitions = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
  const name = 'reads-configmaps-of-watches';
  const widgets = { group: 'watches.example.com', version: 'v1', resource: 'widgets' };
  closers.push(async () => {
    await admin.request('DELETE', pathOf({ ...rbac, resource: 'clusterroles' }, undefined, name));
    await admin.request('DELETE', pathOf(definitions, undefined, 'widgets.watches.example.com'));
  });
  const { proxy, client } = await throughHttp({
    'impersonate-user': 'nobody-yet',
    'impersonate-group': 'system:authenticated',
  });
  proxy.watchSeconds = 1;
  const copy = watched(client);
  const absent = watched((await throughHttp()).client, {
    ...widgets,
    versions: ['v2', 'v1'],
    keep: (object) => object.metadata.name,
  });
  await until('the refusal', async () => copy.informer.state.state === 'failed');
  expect(copy.informer.state).toMatchObject({
    cause: expect.stringContaining(`User "nobody-yet" cannot list resource "configmaps"`) as unknown,
  });
  await until('that there is no such API', async () => absent.informer.state.state === 'notServed');

  const apiVersion = 'rbac.authorization.k8s.io/v1';
  await admin.request('POST', pathOf({ ...rbac, resource: 'clusterroles' }), {
    body: {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }],
    },
  });
  await admin.request('POST', pathOf({ ...rbac, resource: 'rolebindings' }, NAMESPACE), {
    body: {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name, namespace: NAMESPACE },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'nobody-yet' }],
    },
  });
  await admin.request('POST', pathOf(definitions), {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.watches.example.com' },
      spec: {
        group: widgets.group,
        scope: 'Namespaced',
        names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    },
  });
  await passPausesUntil('the permission', () => copy.informer.state.state === 'synced');
  await untilRight(copy);
  await passPausesUntil('the API', () => absent.informer.state.state === 'synced');
  await admin.request('POST', pathOf(widgets, NAMESPACE), {
    body: { apiVersion: `${widgets.group}/v1`, kind: 'Widget', metadata: { name: 'one' } },
  });
  await until('the first of its objects', async () => absent.informer.get(`${NAMESPACE}/one`) === 'one');

  // Taken away again: what was known stays, and is no answer any more.
  const known = copy.informer.size;
  await admin.request('DELETE', pathOf({ ...rbac, resource: 'rolebindings' }, NAMESPACE, name));
  await passPausesUntil('the refusal', () => copy.informer.state.state === 'failed');
  expect(copy.informer.size).toBe(known);
});
