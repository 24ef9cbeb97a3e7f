/** Watches by the time of the machine, before an API server that restarts and on connections that die. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { canonicalJson } from '../../src/engine/canonical.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { Informer, type InformerState } from '../../src/kube/informer.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { redirectKubeconfig } from '../cluster/kubeconfig.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { until } from '../support/until.ts';

const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const NAMESPACE = 'default';
const closers: (() => unknown)[] = [];
let cluster: Cluster;
let admin: KubeClient;

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

interface Watched {
  readonly informer: Informer<string>;
  readonly states: InformerState['state'][];
}

/** An informer of all ConfigMaps that keeps one value of each. */
async function watched(kubeconfig: string): Promise<Watched> {
  const client = await KubeClient.load(systemClock, kubeconfig);
  const states: InformerState['state'][] = [];
  const informer = new Informer<string>({
    client,
    group: '',
    versions: ['v1'],
    resource: 'configmaps',
    keep: (object) => String(object.data?.value ?? ''),
    onChange: () => {},
    onState: ({ state }) => states.push(state),
  });
  closers.push(
    () => client.close(),
    () => informer.stop(),
  );
  informer.start();
  return { informer, states };
}

async function put(name: string, value: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE }, data: { value } };
  await admin.request('PATCH', pathOf(CONFIG_MAPS, NAMESPACE, name), {
    query: { fieldManager: 'test', force: true },
    contentType: 'application/apply-patch+yaml',
    body,
  });
}

const untilRight = ({ informer }: Watched): Promise<unknown> =>
  until('the copy is right', async () => {
    const { items } = await admin.request<{
      items: { metadata: { name: string; namespace: string }; data?: { value?: string } }[];
    }>('GET', pathOf(CONFIG_MAPS));
    const wanted = items.map(({ metadata, data }) => [`${metadata.namespace}/${metadata.name}`, data?.value ?? '']);
    return canonicalJson(Object.fromEntries(wanted)) === canonicalJson(Object.fromEntries(informer.entries()));
  });

test('an API server that restarts: its history is gone, copies stay in use and are right soon', async () => {
  const copy = await watched(cluster.kubeconfig);
  await put('gone', 'while it restarts');
  await untilRight(copy);
  await cluster.apiServer.stop();
  expect(copy.informer.get(`${NAMESPACE}/gone`)).toBe('while it restarts');
  await cluster.apiServer.start();
  await until('the API server takes a change', () => put('restarted', 'yes').then(() => true));
  await admin.request('DELETE', pathOf(CONFIG_MAPS, NAMESPACE, 'gone'));
  await untilRight(copy);
  expect(copy.states).toEqual(['synced']);
});

test('connections that die in silence are noticed', async () => {
  const proxy = await TcpProxy.start(cluster.server);
  closers.push(() => proxy.stop());
  const kubeconfig = join(cluster.dir, 'silent.kubeconfig');
  await redirectKubeconfig(cluster.kubeconfig, `https://127.0.0.1:${proxy.port}`, kubeconfig);
  const copies = [await watched(kubeconfig), await watched(kubeconfig), await watched(kubeconfig)];
  // A watch is open when it tells of a change.
  await put('silent', 'heard');
  for (const copy of copies) await untilRight(copy);
  proxy.silence();
  await put('silent', 'written into the silence');
  for (const copy of copies) await untilRight(copy);
  expect(copies.map(({ states }) => states)).toEqual([['synced'], ['synced'], ['synced']]);
});
