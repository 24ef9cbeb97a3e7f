/** Requests that no API server would send, and connections that nobody uses. */
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { post, ROUTE, verdictOf } from '../load.ts';
import type { Row } from '../row.ts';
import { bad, good, review } from '../samples.ts';
import type { Stage } from '../stage.ts';
import { RECONCILES_WITHIN } from './replicas.ts';

const REVIEWS = 10_000;
/** Sent before memory is measured first, so that what every process takes once does not count. */
const WARM_UP = 6000;
const A_SECOND = 150;
const MOST_UNDER_WAY = 100;
/** Then the rest is not sent any more, which is told as a failure; milliseconds. */
const LONGEST = 120_000;
/** Memory afterwards, as a multiple of that before. */
const FLAT = 1.15;
const MIB = 1024 * 1024;

interface Hostile {
  readonly what: string;
  readonly status: number;
  /** The verdict, where the status is 200. */
  readonly allowed?: boolean;
  readonly body: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

const UID = 'uid-hostile';

/** A review with some of its request replaced. */
function withRequest(changes: object, object: object = good('hostile')): string {
  const made = review(object, UID);
  return JSON.stringify({ ...made, request: { ...made['request'], ...changes } });
}

function withSpec(spec: unknown): string {
  return withRequest({ object: { ...good('hostile'), spec } });
}

/** A pod template whose only container has these fields too. */
function withContainer(fields: object, containers = 1): string {
  const object = bad('hostile');
  const [container] = object['spec'].template.spec.containers;
  object['spec'].template.spec.containers = Array.from({ length: containers }, (_, index) => ({
    ...container,
    ...fields,
    name: `c-${index}`,
  }));
  return withRequest({ object });
}

const nested = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
/** A text put into a finished review, since no value can have it. */
const insert = (text: string): string => withSpec('INSERT').replace('"INSERT"', text);

const CASES: readonly Hostile[] = [
  { what: 'nothing', status: 400, body: '' },
  { what: 'half JSON', status: 400, body: '{"apiVersion":' },
  { what: 'null', status: 400, body: 'null' },
  { what: 'a list', status: 400, body: '[]' },
  { what: 'a number', status: 400, body: '1e999' },
  { what: 'another version', status: 400, body: JSON.stringify({ ...review(good('x'), UID), apiVersion: 'v1' }) },
  { what: 'another kind', status: 400, body: JSON.stringify({ ...review(good('x'), UID), kind: 'Status' }) },
  { what: 'no request', status: 400, body: '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}' },
  { what: 'uid is a number', status: 400, body: withRequest({ uid: 7 }) },
  { what: 'uid of 100 kB', status: 400, body: withRequest({ uid: 'u'.repeat(100_000) }) },
  { what: 'unknown operation', status: 400, body: withRequest({ operation: 'PATCH' }) },
  { what: 'no object', status: 400, body: withRequest({ object: null }) },
  { what: 'object is a text', status: 400, body: withRequest({ object: 'x' }) },
  { what: 'user is a list', status: 400, body: withRequest({ userInfo: [] }) },
  { what: 'not JSON by its type', status: 415, body: withRequest({}), headers: { 'content-type': 'text/plain' } },
  { what: 'another method', status: 405, body: withRequest({}), method: 'PUT' },
  { what: 'no such path', status: 404, body: withRequest({}), path: '/validate' },
  { what: 'a path that does not decode', status: 400, body: withRequest({}), path: '/validate/workloads/%E0%A4%A' },
  { what: 'a body announced as 1 GB', status: 413, body: 'x', headers: { 'content-length': String(1024 * MIB) } },
  { what: 'spec is a text', status: 200, allowed: false, body: withSpec('x') },
  { what: 'spec is a list', status: 200, allowed: false, body: withSpec([1, 2]) },
  {
    what: 'containers is a number',
    status: 200,
    allowed: false,
    body: withSpec({ template: { spec: { containers: 7 } } }),
  },
  {
    what: 'a container is null',
    status: 200,
    allowed: false,
    body: withSpec({ template: { spec: { containers: [null] } } }),
  },
  { what: 'nested 5,000 deep', status: 200, allowed: false, body: insert(`{"template":${nested(5000)}}`) },
  {
    what: '__proto__',
    status: 200,
    allowed: false,
    body: insert('{"__proto__":{"replicas":3},"constructor":{"prototype":1}}'),
  },
  {
    what: 'image of 200 kB',
    status: 200,
    allowed: false,
    body: withContainer({ image: `${'a/'.repeat(100_000)}:latest` }),
  },
  {
    what: 'memory of 50 kB digits',
    status: 200,
    allowed: false,
    body: withContainer({ resources: { limits: { memory: '9'.repeat(50_000) } } }),
  },
  { what: '2,000 containers', status: 200, allowed: false, body: withContainer({}, 2000) },
  {
    what: 'a control character in a name',
    status: 200,
    allowed: false,
    body: withRequest({}, bad('x\u0000\u001b[31m')),
  },
];
/** Costly ones come seldom, as their size is bounded by the API server too. */
const SELDOM = new Set(['2,000 containers', 'image of 200 kB', 'uid of 100 kB', 'nested 5,000 deep']);

async function send(stage: Stage, agent: https.Agent, one: Hostile): Promise<string | undefined> {
  const answer =
    one.method === undefined && one.headers?.['content-length'] === undefined
      ? await post(stage.webhook + stage.calledAs(one.path ?? ROUTE), agent, one.body, one.headers)
      : await odd(stage, one);
  const verdict = verdictOf(answer, UID);
  if (answer.status === one.status && verdict === one.allowed) return undefined;
  return `${one.what}: ${one.status} ${one.allowed ?? ''} expected, ${answer.status} ${verdict ?? ''} ${answer.text.slice(0, 100)}`;
}

/** Another method, or a body that is announced and does not come. */
function odd(stage: Stage, { method = 'POST', body, headers }: Hostile): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const request = https.request(
      stage.webhook + stage.calledAs(ROUTE),
      {
        method,
        agent: false,
        rejectUnauthorized: false,
        headers: { 'content-type': 'application/json', ...headers },
        timeout: 5000,
      },
      (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, text: '' });
        request.destroy();
      },
    );
    request.on('error', (error) => resolve({ status: 0, text: String(error) }));
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.write(body);
    if (headers?.['content-length'] === undefined) request.end();
  });
}

/** Sends so many, at a steady rate. @returns what was answered otherwise than expected, with counts */
async function flood(stage: Stage, count: number): Promise<ReadonlyMap<string, number>> {
  const agent = new https.Agent({ rejectUnauthorized: false, keepAlive: true, maxSockets: 32 });
  const wrong = new Map<string, number>();
  const started = performance.now();
  let sent = 0;
  let underWay = 0;
  while (sent < count || underWay > 0) {
    const took = performance.now() - started;
    if (took > LONGEST && sent < count) {
      wrong.set(`${count - sent} of ${count} could not be sent in ${LONGEST / 1000} s`, 1);
      count = sent;
    }
    const due = Math.min(count, (took / 1000) * A_SECOND);
    while (sent < due && underWay < MOST_UNDER_WAY) {
      const one = CASES[sent % CASES.length] as Hostile;
      const cheap = SELDOM.has(one.what) && Math.floor(sent / CASES.length) % 10 > 0;
      sent += 1;
      underWay += 1;
      void send(stage, agent, cheap ? (CASES[0] as Hostile) : one).then((problem) => {
        underWay -= 1;
        if (problem !== undefined) wrong.set(problem, (wrong.get(problem) ?? 0) + 1);
      });
    }
    await sleep(10);
  }
  agent.destroy();
  return wrong;
}

/** Median resident memory of each replica over two seconds, in MiB. */
async function memory(stage: Stage): Promise<number[]> {
  const samples: number[][] = stage.replicas.map(() => []);
  for (let turn = 0; turn < 20; turn++) {
    for (const [index, replica] of stage.replicas.entries()) samples[index]?.push(replica.rss());
    await sleep(100);
  }
  return samples.map((values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN);
}

export const hostileReviews: Row = {
  name: '10,000 hostile reviews',
  breaks: `${REVIEWS.toLocaleString('en')} malformed or hostile reviews of ${CASES.length} kinds among the good ones`,
  asserts: `the right HTTP status for each; memory at most ${FLAT} times that before`,
  run: async (stage, _load, checks) => {
    const early = await flood(stage, WARM_UP);
    const before = await memory(stage);
    const late = await flood(stage, REVIEWS);
    const after = await memory(stage);
    const wrong = [...new Set([...early.keys(), ...late.keys()])];
    checks.that('the right status for each', wrong.length === 0, wrong.join('; '));
    for (const [index, { name }] of stage.replicas.entries()) {
      const [from = NaN, to = NaN] = [before[index], after[index]];
      checks.that(`memory of ${name} is flat`, to <= from * FLAT, `${from.toFixed(0)} to ${to.toFixed(0)} MiB`);
    }
  },
};

const CONNECTIONS = 2000;
/**
 * Each that has begun something is let go of within this time, in milliseconds: 10 s for handshake or request, 2 s until
 * Node looks, and some. One that is ready and unused stays for as long as an idle one, if no newcomer needs its place.
 */
const HELD = 20_000;
/** Connections of one replica, whoever has them (LIMITS). */
const MOST_OPEN = 256;
/** A new one is there before the one that goes for it is gone. */
const CHANGING_HANDS = 16;
/** What the good requests may hold at both replicas together: ours, and those of the API server. */
const SENDERS = 200;
/** What all those connections may cost each replica, in MiB. */
const MOST_MEMORY = 100;

/** The kind of client that shakes hands and says nothing more. */
const UNUSED = 1;

/** Opens a connection and does as little with it as one of three kinds of client does. */
function open(port: number, kind: number): net.Socket {
  if (kind === 0) return net.connect({ port, host: '127.0.0.1' });
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  if (kind === 2) {
    socket.once('secureConnect', () => {
      socket.write(
        `POST ${ROUTE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{`,
      );
    });
  }
  return socket;
}

export const connectionsHeld: Row = {
  name: '2,000 connections held',
  breaks: '2,000 connections opened and held: bare TCP, TLS without a request, a request that does not end',
  asserts:
    `at most ${MOST_OPEN} open at each replica, and after ${HELD / 1000} s only unused ones; at most ${MOST_MEMORY} MiB more for each` +
    ' replica meanwhile; both stay ready; reconciling within 20 s',
  run: async (stage, _load, checks) => {
    await sleep(3000);
    const before = await memory(stage);
    const port = Number(new URL(stage.webhook).port);
    const sockets: net.Socket[] = [];
    let connected = 0;
    let unready = 0;
    const most = stage.replicas.map(() => 0);
    const count = setInterval(() => {
      for (const [index, replica] of stage.replicas.entries()) {
        most[index] = Math.max(most[index] ?? 0, replica.connections());
      }
    }, 250);
    for (let index = 0; index < CONNECTIONS; index++) {
      const socket = open(port, index % 3);
      socket.once('connect', () => (connected += 1));
      socket.on('error', () => {});
      // A socket that nobody reads from never hears that it was closed.
      socket.resume();
      sockets.push(socket);
      // All are there before the first ones have been held for long enough to be let go of.
      if (index % 20 === 19) await sleep(60);
      if (index % 200 === 199) unready += 2 - stage.balancer.ready.length;
    }
    const opened = performance.now();
    await sleep(1000);
    const held = await memory(stage);
    checks.that('they were made', connected === CONNECTIONS, connected);
    for (const [index, { name }] of stage.replicas.entries()) {
      // Half of them: so that it is known to have been pressed.
      const ok = (most[index] ?? 0) <= MOST_OPEN + CHANGING_HANDS && (most[index] ?? 0) > MOST_OPEN / 2;
      checks.that(`${name} caps them`, ok, `${most[index]} at most, ${MOST_OPEN} allowed`);
    }
    await checks.within(
      'all but the unused are let go of',
      HELD,
      async () => {
        const open = stage.replicas.reduce((sum, replica) => sum + replica.connections(), 0);
        const unused = sockets.filter((socket, index) => index % 3 === UNUSED && !socket.closed).length;
        return open - unused <= SENDERS || `${open} are open, ${unused} of them unused`;
      },
      opened,
    );
    clearInterval(count);
    checks.that('both were ready all the time', unready === 0, unready);
    for (const socket of sockets) socket.destroy();
    for (const [index, { name }] of stage.replicas.entries()) {
      const more = (held[index] ?? NaN) - (before[index] ?? NaN);
      checks.that(`memory of ${name} is bounded`, more <= MOST_MEMORY, `${more.toFixed(0)} MiB more`);
    }
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
  },
};
