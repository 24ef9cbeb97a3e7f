/**
 * The serving certificate as the API server meets it: on open connections, and in the webhook configurations. What becomes of
 * the Secret is tested with a clock that the test moves (test/integration/certificate-keeper.test.ts).
 */
import { X509Certificate } from 'node:crypto';
import https from 'node:https';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';
import type { CertifiedKey } from '../../src/webhook/server.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { kubectl } from '../cluster/kubectl.ts';
import {
  enforced,
  installOperator,
  killAll,
  launchOperator,
  startOperator,
  type Operator,
  type OperatorOptions,
} from '../cluster/operator.ts';
import { until } from '../support/until.ts';
import type { Json } from '../integration/stage.ts';

const NAMESPACE = 'readiness-operator';
const SECRET = 'secret/readiness-operator-tls';
const CONFIGURATION = 'validatingwebhookconfiguration/readiness-operator';
const DAY = 24 * 3_600_000;
let cluster: Cluster;
let running: Operator[] = [];

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
});
afterAll(() => cluster?.stop());
afterEach(async () => {
  await killAll(running);
  running = [];
  await kubectl(cluster, ['delete', '--ignore-not-found', CONFIGURATION]);
  await run('delete', '--ignore-not-found', 'lease/readiness-operator', SECRET);
  await kubectl(cluster, ['delete', '--all', 'rpol']);
});

const run = (...args: string[]) => kubectl(cluster, ['-n', NAMESPACE, ...args]);

async function start(more: readonly string[] = [], options: OperatorOptions = {}): Promise<Operator> {
  const operator = await startOperator(cluster, more, options);
  running.push(operator);
  return operator;
}

const secret = async (): Promise<Json> => JSON.parse((await run('get', SECRET, '-o', 'json')).stdout) as Json;

const entry = async (key: string): Promise<string> =>
  Buffer.from((await secret())['data'][key] as string, 'base64').toString();

/** Makes or changes the Secret as a person or cert-manager would. */
async function put(texts: Record<string, string>, labels: Record<string, string> = {}): Promise<void> {
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'readiness-operator-tls', namespace: NAMESPACE, labels },
    data: Object.fromEntries(data),
  };
  await kubectl(cluster, ['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: JSON.stringify(object) });
}

/** A CA and a leaf of it for a local operator. */
async function issued(days = 60): Promise<Record<'ca.crt' | 'ca.key' | 'tls.crt' | 'tls.key', string>> {
  const authority = await issueAuthority('foreign', new Date(Date.now() - DAY), new Date(Date.now() + 3000 * DAY));
  return { 'ca.crt': authority.cert, 'ca.key': authority.key, ...(await leafOf(authority, days)) };
}

async function leafOf(authority: CertifiedKey, days: number): Promise<{ 'tls.crt': string; 'tls.key': string }> {
  const end = Date.now() + days * DAY;
  const leaf = await issueLeaf(authority, ['127.0.0.1'], new Date(end - 90 * DAY), new Date(end));
  return { 'tls.crt': leaf.cert, 'tls.key': leaf.key };
}

/** The leaf that an operator serves to who connects now. */
function served({ url }: Operator): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = tls.connect({ port: Number(port), host: hostname, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate() as X509Certificate);
      socket.end();
    });
    socket.on('error', reject);
  });
}

async function bundle(): Promise<X509Certificate[]> {
  const { stdout } = await kubectl(cluster, ['get', CONFIGURATION, '-o', 'json']);
  const { webhooks } = JSON.parse(stdout) as Json;
  const pem = Buffer.from(webhooks[0]['clientConfig']['caBundle'] as string, 'base64').toString();
  return pem.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g)!.map((text) => new X509Certificate(text));
}

const vouches = (authorities: readonly X509Certificate[], leaf: X509Certificate): boolean =>
  authorities.some((authority) => leaf.verify(authority.publicKey));

function ask(url: string, agent: https.Agent | false = false): Promise<{ status: number; text: string; port: number }> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { rejectUnauthorized: false, agent }, (response) => {
      let text = '';
      const port = response.socket.localPort ?? 0;
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, port }));
    });
    request.on('error', reject);
  });
}

test('a new leaf is served to new connections, and open ones go on', async () => {
  const operator = await start();
  await until('the leaf is trusted', async () => vouches(await bundle(), await served(operator)));
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = await ask(`${operator.url}/readyz`, agent);
  const before = await served(operator);
  const authority = await entry('ca.crt');

  await run('annotate', SECRET, 'readiness-operator.dev/rotate=Leaf');
  await until('another leaf', async () => (await served(operator)).fingerprint256 !== before.fingerprint256);
  const after = await ask(`${operator.url}/readyz`, agent);
  agent.destroy();
  expect(after).toEqual({ status: 200, text: 'ok', port });
  expect(await entry('ca.crt')).toBe(authority);
  expect((await secret())['metadata']['annotations'] ?? {}).not.toHaveProperty(['readiness-operator.dev/rotate']);
  const { text: metrics } = await ask(`${operator.url}/metrics`);
  const expires = /certificate_expiry_timestamp_seconds\{certificate="leaf"\} (\d+)/.exec(metrics)?.[1];
  expect(Number(expires) * 1000).toBe(Date.parse((await served(operator)).validTo));
  expect(metrics).toMatch(/certificate_expiry_timestamp_seconds\{certificate="authority"\} \d+/);
});

test('a new CA is trusted before any replica serves a leaf of it, and the old one goes when asked', async () => {
  const replicas = [await start(), await start()];
  await kubectl(cluster, ['apply', '-f', '-'], {
    input: JSON.stringify({
      apiVersion: 'readiness-operator.dev/v1alpha1',
      kind: 'ReadinessPolicy',
      metadata: { name: 'all' },
      spec: { profile: 'production-v1', match: { namespaceSelector: { matchLabels: { team: 'all' } } } },
    }),
  });
  await enforced(cluster, 'all');
  const [old] = await bundle();
  await run('annotate', SECRET, 'readiness-operator.dev/rotate=CA');
  let looks = 0;
  const isDone = async (): Promise<boolean> => {
    // What is trusted is read first: it may only ever be ahead of what is served.
    const trusted = await bundle();
    const leaves = await Promise.all(replicas.map(served));
    looks += 1;
    for (const leaf of leaves) expect(vouches(trusted, leaf)).toBe(true);
    return leaves.every((leaf) => !leaf.verify(old!.publicKey));
  };
  // Not by `until`, which would take what the looks expect for not yet.
  while (!(await isDone())) await sleep(100);
  expect(looks).toBeGreaterThan(1);
  expect(await bundle()).toHaveLength(2);

  await run('annotate', SECRET, 'readiness-operator.dev/rotate=Distrust');
  await until('one CA in the Secret', async () => (await entry('ca.crt')).match(/BEGIN/g)?.length === 1);
  // The one that left stays trusted until every replica has heard of it.
  expect(await bundle()).toHaveLength(2);
});

test('with --certificate Provided a replica waits for the Secret, alive, and follows it', async () => {
  const operator = await launchOperator(cluster, ['--certificate=Provided']);
  running.push(operator);
  await until('it is alive', async () => (await ask(`${operator.url}/healthz`)).status === 200);
  await until('it waits', async () => (await ask(`${operator.url}/readyz`)).text.includes('Provided'));
  const waiting = await ask(`${operator.url}/readyz`);
  expect(waiting.status).toBe(503);
  expect(waiting.text).toBe(
    'waiting for Secret readiness-operator/readiness-operator-tls with tls.crt, tls.key and ca.crt (--certificate Provided)',
  );
  await put({ 'tls.crt': 'nonsense', 'tls.key': 'nonsense', 'ca.crt': '' });
  await until('it says what is wrong', async () =>
    (await ask(`${operator.url}/readyz`)).text.endsWith("can't be used: tls.crt is no PEM certificate"),
  );

  const first = await issued();
  await put(first);
  await until('it is ready', async () => (await ask(`${operator.url}/readyz`)).status === 200);
  await until('the leaf is trusted', async () => vouches(await bundle(), await served(operator)));
  // CA and leaf at once, as cert-manager does: the new CA is trusted first.
  const second = await issued();
  await put(second);
  await until('both CAs are trusted', async () => (await bundle()).length === 2);
  expect((await served(operator)).fingerprint256).toBe(new X509Certificate(first['tls.crt']).fingerprint256);
  await until(
    'the second leaf',
    async () => (await served(operator)).fingerprint256 === new X509Certificate(second['tls.crt']).fingerprint256,
  );
});
