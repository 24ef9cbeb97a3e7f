/** Hostile and too many callers at once: good requests are answered, and memory stays as it is. */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { calledUrl } from '../cluster/configurations.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator, type Operator } from '../cluster/operator.ts';
import { reviewOf } from '../support/manifests.ts';

type Json = Record<string, any>;
let cluster: Cluster;
let operator: Operator;
let port: number;
/** By which the API server calls. */
let url: string;

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  operator = await startOperator(cluster);
  port = Number(new URL(operator.url).port);
  const policy = {
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessPolicy',
    metadata: { name: 'all' },
    spec: { profile: 'production-v1' },
  };
  await kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(policy) });
  await enforced(cluster, 'all');
  url = await calledUrl(cluster, 'all');
});
afterAll(async () => {
  await cluster?.stop();
});

/** Resident memory of the operator in MiB. */
const rss = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${operator.process.pid}/status`, 'utf8'))?.[1]) / 1024;

function review(image: string, more: Json = {}): string {
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'app', image, env: [{ name: 'A', value: 'b' }] }] },
  };
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { template } };
  return reviewOf(object, { namespace: 'default', ...more });
}

/** @returns the HTTP status and, where there is a review, whether it allows; 0 if the connection broke */
function post(body: string | Buffer, agent: https.Agent | false = false): Promise<[number, boolean | undefined]> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', rejectUnauthorized: false, agent, headers, timeout: 10_000 };
    const request = https.request(url, options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', () => resolve([0, undefined]));
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        resolve([status, status === 200 ? ((JSON.parse(text) as Json)['response'].allowed as boolean) : undefined]);
      });
    });
    request.on('error', () => resolve([0, undefined]));
    request.on('timeout', () => request.destroy());
    request.end(body);
  });
}

/** A good review is denied for what it lacks: that takes the whole of our work. */
const good = (agent: https.Agent | false = false): Promise<[number, boolean | undefined]> =>
  post(review('app:latest'), agent);

const levels = (count: number): string => `${'['.repeat(count)}1${']'.repeat(count)}`;
const nested = { metadata: {}, deep: '@' };
/** Each with the statuses that it may get. */
const HOSTILE: readonly (readonly [string, () => string | Buffer, readonly number[]])[] = [
  ['no JSON', () => '{"a":', [400]],
  ['bytes', () => Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 131) % 256)), [400]],
  ['another kind', () => '{"kind":"Pod","apiVersion":"v1"}', [400]],
  ['no object', () => review('x', { object: null }), [400]],
  ['a list for an object', () => review('x', { object: [] }), [400]],
  ['containers as a text', () => review('x').replace(/"containers":\[.*?\}\]\}\]/, '"containers":"x"'), [200]],
  ['__proto__', () => review('x').replace('"metadata":{', '"metadata":{"__proto__":{"polluted":1},'), [200]],
  ['a long name', () => review('x'.repeat(50_000)), [200]],
  ['many variables', () => review('x').replace('"env":[', `"env":[${'{"name":"A","value":"b"},'.repeat(2000)}`), [200]],
  [
    'nested, to be compared',
    () =>
      review('x', { operation: 'UPDATE', oldObject: nested, object: nested })
        .replaceAll('"deep":"@"', `"spec":{"template":{"spec":{"containers":[],"deep":${levels(20_000)}}}}`)
        .replaceAll('"metadata":{},', '"metadata":{},"apiVersion":"apps/v1","kind":"Deployment",'),
    [422],
  ],
  ['nested, large', () => review('x', { oldObject: { deep: '@' } }).replace('"@"', levels(200_000)), [400]],
  [
    'many elements',
    () => review('x', { oldObject: { many: '@' } }).replace('"@"', `[${'{},'.repeat(80_000)}{}]`),
    [200],
  ],
];

test('10,000 hostile reviews among good ones: the right statuses, and memory stays flat', async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 16 });
  const wrong: string[] = [];
  let next = 0;
  let wronglyAnswered = 0;
  let goodOnes = 0;
  const bodies = HOSTILE.map(([name, body, statuses]) => ({ name, body: body(), statuses }));
  const run = async (until: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (next < until) {
          const index = next++;
          if (index % 4 === 0) {
            const [status, allowed] = await good(agent);
            goodOnes += 1;
            if (status !== 200 || allowed !== false) wronglyAnswered += 1;
          }
          // The two that are large are a tenth as frequent as the others.
          const pick = bodies[index % bodies.length];
          const hostile = pick !== undefined && pick.body.length > 100_000 && index % 10 > 0 ? bodies[0] : pick;
          if (hostile === undefined) continue;
          const [status, allowed] = await post(hostile.body, agent);
          if (!hostile.statuses.includes(status)) wrong.push(`${hostile.name}: ${status}`);
          if (status === 200 && hostile.name === 'containers as a text' && allowed !== false) wrong.push(hostile.name);
        }
      }),
    );
  };
  await run(4000);
  await sleep(1000);
  const before = rss();
  await run(10_000);
  await sleep(1000);
  const after = rss();
  console.log(
    `10,000 hostile, ${goodOnes} good: RSS ${before.toFixed(0)} MiB at 4,000, ${after.toFixed(0)} MiB at the end`,
  );
  agent.destroy();
  expect([...new Set(wrong)]).toEqual([]);
  expect(wronglyAnswered).toBe(0);
  expect(after).toBeLessThan(before * 1.15);
  expect(after).toBeLessThan(220);
});

/** Opens connections in one way and holds them. */
async function hold(count: number, open: (index: number) => net.Socket): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = open(index);
    socket.on('error', () => undefined);
    sockets.push(socket);
    // As fast as one process can, without the accept queue of the kernel running over.
    if (index % 20 === 19) await sleep(10);
  }
  return sockets;
}

const secure = (data: string) => (): net.Socket => {
  const socket = tls.connect(port, '127.0.0.1', { rejectUnauthorized: false });
  socket.once('secureConnect', () => socket.write(data));
  return socket;
};
const HEAD = 'POST /validate/workloads/all HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';

test.each([
  ['that never shake hands', (): net.Socket => net.connect(port, '127.0.0.1')],
  ['that say nothing', secure('')],
  ['with half a header', secure('POST /validate/workloads/all HTTP/1.1\r\nhost: a\r\nx-slow: ')],
  ['with half a body', secure(`${HEAD}content-length: 100000\r\n\r\n{"apiVersion":`)],
  ['that were answered and stay', secure('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')],
])('2,000 connections %s: good requests are answered meanwhile, and memory stays', async (name, open) => {
  await good();
  const before = rss();
  let most = 0;
  const stop = new AbortController();
  const answers: [number, boolean | undefined, number][] = [];
  const asking = (async () => {
    // As an API server: on one connection that it keeps, and on a new one now and then.
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = 0; !stop.signal.aborted || turn < 10; turn++) {
      const start = performance.now();
      const [status, allowed] = await good(turn % 5 === 4 ? false : agent);
      answers.push([status, allowed, performance.now() - start]);
      most = Math.max(most, rss());
      await sleep(50);
    }
    agent.destroy();
  })();
  const sockets = await hold(2000, open);
  await sleep(3000);
  stop.abort();
  await asking;
  const slowest = Math.max(...answers.map(([, , took]) => took));
  const failed = answers.filter(([status, allowed]) => status !== 200 || allowed !== false);
  for (const socket of sockets) socket.destroy();
  await sleep(1000);
  console.log(
    `${name}: ${answers.length} good requests, slowest ${slowest.toFixed(0)} ms; RSS ${before.toFixed(0)} MiB before, ${most.toFixed(0)} at most, ${rss().toFixed(0)} after`,
  );
  expect(failed).toEqual([]);
  expect(slowest).toBeLessThan(5000);
  expect(most).toBeLessThan(before + 60);
});

test('what is held too long is closed: handshake, header, body', async () => {
  const held = await hold(3, (index) =>
    [() => net.connect(port, '127.0.0.1'), secure('GET / HT'), secure(HEAD)][index]!(),
  );
  const closed = await Promise.all(
    held.map(
      (socket) =>
        new Promise<number>((resolve) => {
          const start = performance.now();
          socket.resume();
          socket.once('close', () => resolve(performance.now() - start));
        }),
    ),
  );
  for (const took of closed) expect(took).toBeLessThan(15_000);
});
