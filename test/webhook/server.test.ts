/** The server on a real socket, with limits that a test can reach. */
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/kube/clock.ts';
import type { ClusterEvent } from '../../src/kube/events.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import type { Decision } from '../../src/webhook/review.ts';
import {
  EXCEPTION_PATH,
  LIMITS,
  NAMESPACE_PATH,
  POLICY_PATH,
  STAMP_PATH,
  WebhookServer,
  WORKLOADS_PATH,
  type ServerOptions,
} from '../../src/webhook/server.ts';
import type { World } from '../../src/webhook/world.ts';
import { Authority } from '../cluster/pki.ts';
import { ALL_KNOWN, ALL_UNKNOWN } from '../support/callers.ts';
import { SILENT } from '../support/logger.ts';
import { TestClock } from '../support/testClock.ts';
import { until } from '../support/until.ts';

/** No policy is in force. */
const EMPTY = { policies: () => ({ route: () => undefined }) } as unknown as World;
const ALLOWED: Decision = { response: { allowed: true }, decision: 'allowed', kind: 'ReadinessPolicy', errors: [] };
const REVIEW = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u-1',
    kind: { group: 'readiness-operator.dev', version: 'v1alpha1', kind: 'ReadinessPolicy' },
    resource: { group: 'readiness-operator.dev', version: 'v1alpha1', resource: 'readinesspolicies' },
    operation: 'CREATE',
    userInfo: { username: 'alice' },
    object: {},
  },
});

let certificate: { cert: string; key: string };
beforeAll(async () => {
  const authority = await Authority.create('test');
  const { certificate: cert, key } = await authority.server('localhost', ['127.0.0.1']);
  certificate = { cert, key };
});

const { DEFAULT_CIPHERS } = tls;
let server: WebhookServer | undefined;
afterEach(async () => {
  tls.DEFAULT_CIPHERS = DEFAULT_CIPHERS;
  await server?.close();
  server = undefined;
});

/** Starts a server whose every policy may exist, and returns its port. */
async function start(more: Partial<ServerOptions> = {}): Promise<number> {
  server = new WebhookServer({
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    certificate,
    world: EMPTY,
    callers: ALL_KNOWN,
    notReady: () => undefined,
    degraded: () => undefined,
    draining: () => false,
    policiesFor: () => Promise.resolve(undefined),
    reviewPolicy: () => ALLOWED,
    reviewException: () => ALLOWED,
    reviewNamespace: () => ALLOWED,
    onEvent: () => {},
    logger: SILENT,
    metrics: createMetrics(),
    ...more,
  });
  return server.listen();
}

/** Posts a body. @returns status and text; status 0: the connection broke */
function post(port: number, path: string, body: string = REVIEW): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const options = {
      method: 'POST',
      rejectUnauthorized: false,
      agent: false,
      headers: { 'content-type': 'application/json' },
    };
    const request = https.request(`https://127.0.0.1:${port}${path}`, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', (error) => resolve({ status: 0, text: error.message }));
    request.end(body);
  });
}

describe('the path names a policy', () => {
  test.each([
    ['%E0%A4%A', 400],
    ['%', 400],
    ['%zz', 400],
    ['all%2Fstatus', 404],
    ['all/status', 404],
    ['..%2f..%2fsecrets', 404],
    ['', 404],
    ['All', 404],
    ['a'.repeat(254), 404],
    // Of these there may be a policy that is not in force yet.
    ['all', 503],
    ['%61ll', 503],
    ['team.shop-1', 503],
  ])('%s: %d', async (name, status) => {
    const port = await start();
    expect(await post(port, `${WORKLOADS_PATH}/${name}`)).toMatchObject({ status });
  });

  test('it is told in words, and the next request is judged', async () => {
    const port = await start();
    expect(await post(port, `${WORKLOADS_PATH}/%E0%A4%A`)).toEqual({
      status: 400,
      text: 'the path is not percent-encoded as it should be',
    });
    expect(await post(port, POLICY_PATH)).toMatchObject({ status: 200 });
  });
});

test('until requests can be judged, exceptions wait; policies and the stamp do not', async () => {
  const port = await start({ notReady: () => 'the caches are empty' });
  expect(await post(port, EXCEPTION_PATH)).toEqual({ status: 503, text: 'the caches are empty' });
  for (const path of [POLICY_PATH, STAMP_PATH, NAMESPACE_PATH]) {
    expect(await post(port, path)).toMatchObject({ status: 200 });
  }
});

test('told to stop, it is not ready, goes on judging, and each answer ends its connection', async () => {
  let isDraining = false;
  const port = await start({ draining: () => isDraining });
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (path: string): Promise<[status: number | undefined, connection: string | undefined, text: string]> =>
    new Promise((resolve, reject) => {
      const options = { rejectUnauthorized: false, agent };
      https
        .get(`https://127.0.0.1:${port}${path}`, options, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve([response.statusCode, response.headers.connection, text]));
        })
        .on('error', reject);
    });
  expect(await get('/readyz')).toEqual([200, 'keep-alive', 'ok']);
  isDraining = true;
  expect(await get('/readyz')).toEqual([503, 'close', 'the operator is stopping']);
  expect(await get('/healthz')).toEqual([200, 'close', 'ok']);
  expect(await post(port, POLICY_PATH)).toMatchObject({ status: 200 });
  agent.destroy();
});

test('events are told of requests that are no dry-run', async () => {
  const told: unknown[] = [];
  const event = { reason: 'RolloutDenied' } as ClusterEvent;
  const port = await start({
    reviewNamespace: () => ({ ...ALLOWED, events: [event] }),
    onEvent: (...what) => told.push(what),
  });
  const as = (more: object): string => {
    const review = JSON.parse(REVIEW) as { request: object };
    return JSON.stringify({ ...review, request: { ...review.request, namespace: 'shop', ...more } });
  };
  expect(await post(port, NAMESPACE_PATH, as({ dryRun: true }))).toMatchObject({ status: 200 });
  expect(await post(port, NAMESPACE_PATH, as({}))).toMatchObject({ status: 200 });
  expect(told).toEqual([[event, 'shop']]);
});

describe('a caller who is not known', () => {
  const series = async (metrics: Metrics): Promise<string[]> =>
    (await metrics.registry.metrics()).split('\n').filter((line) => /^[a-z_]+_total/.test(line));

  test('is answered, and all that is left of it is a count', async () => {
    const metrics = createMetrics();
    const told: unknown[] = [];
    const event = { reason: 'RolloutDenied' } as ClusterEvent;
    const port = await start({
      metrics,
      callers: ALL_UNKNOWN,
      reviewNamespace: () => ({
        ...ALLOWED,
        events: [event],
        bypassed: ['all'],
        errors: [{ check: 'imageTag', error: new Error('x') }],
      }),
      onEvent: (...what) => told.push(what),
    });
    expect(await post(port, NAMESPACE_PATH)).toMatchObject({ status: 200 });
    expect(told).toEqual([]);
    expect(await series(metrics)).toEqual(['readiness_operator_unknown_callers_total 1']);
  });

  test('makes nobody look for a policy that is not in force', async () => {
    const port = await start({
      callers: ALL_UNKNOWN,
      policiesFor: () => {
        throw new Error('the API server was asked');
      },
    });
    expect(await post(port, `${WORKLOADS_PATH}/all`)).toEqual({
      status: 503,
      text: 'policy all is not in force here yet',
    });
  });

  test('is turned away where a certificate is asked for; health and metrics are not', async () => {
    const port = await start({ callers: { ...ALL_KNOWN, refuses: () => true } });
    expect(await post(port, POLICY_PATH)).toEqual({ status: 403, text: 'a client certificate is required' });
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect(await post(port, path)).toMatchObject({ status: 200 });
  });
});

test('the token is taken off the path, is told to who knows callers, and is never logged', async () => {
  const token = 'a'.repeat(32);
  const asked: unknown[] = [];
  const logged: unknown[] = [];
  const port = await start({
    callers: { ...ALL_KNOWN, knows: (by) => asked.push(by) > 0 },
    reviewPolicy: () => {
      throw new Error('a fault of ours');
    },
    logger: { ...SILENT, error: (...what: unknown[]) => logged.push(what) } as never,
  });
  expect(await post(port, `/t/${token}${NAMESPACE_PATH}?timeout=5s`)).toMatchObject({ status: 200 });
  expect(await post(port, `/t/${token}${POLICY_PATH}?timeout=5s`)).toMatchObject({ status: 500 });
  expect(asked).toEqual([token, token]);
  expect(logged).toEqual([['an admission request failed', { path: POLICY_PATH, error: expect.any(Error) }]]);
});

/** Which TLS the server speaks when a client offers one version only. */
function spoken(port: number, version: tls.SecureVersion): Promise<string> {
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, minVersion: version, maxVersion: version };
    const socket = tls.connect(port, '127.0.0.1', options, () => {
      resolve(socket.getProtocol() ?? '');
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(`refused: ${error.code}`));
  });
}

test('TLS before 1.2 is refused, also after another certificate came', async () => {
  // At its usual level of security OpenSSL itself speaks no old version, whatever the server says.
  tls.DEFAULT_CIPHERS = 'DEFAULT@SECLEVEL=0';
  const port = await start();
  const wanted = [
    'refused: ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'refused: ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'TLSv1.2',
    'TLSv1.3',
  ];
  const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
  const all = (): Promise<string[]> => Promise.all(versions.map((version) => spoken(port, version)));
  expect(await all()).toEqual(wanted);
  server?.setCertificate(certificate);
  expect(await all()).toEqual(wanted);
});

/** The beginning of a review, without its length. */
const HEAD = `POST ${POLICY_PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;

const secure = (port: number): tls.TLSSocket => tls.connect(port, '127.0.0.1', { rejectUnauthorized: false });

/** All that comes on a connection until it is closed, in whatever way. */
function heard(socket: net.Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

describe('what comes too slowly is cut off', () => {
  const plain = (port: number): net.Socket => net.connect(port, '127.0.0.1');

  // Each goes on sending, a little at a time, so that no limit of idle time would ever end it.
  test.each<[string, (port: number) => net.Socket, string, string]>([
    ['the handshake', plain, '', ''],
    ['the headers', secure, `${HEAD}x: `, 'a'],
    ['the body', secure, `${HEAD}content-length: 100000\r\n\r\n`, ' '],
    ['a body in chunks', secure, `${HEAD}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
  ])('%s', async (_what, open, first, more) => {
    const port = await start({ limits: { ...LIMITS, requestTimeout: 300, timeoutCheck: 50 } });
    const socket = open(port);
    let drip: NodeJS.Timeout | undefined;
    socket.once('secureConnect', () => {
      socket.write(first);
      drip = setInterval(() => socket.writable && socket.write(more), 20);
    });
    const answer = await heard(socket);
    clearInterval(drip);
    // The answer may get lost, since we were still writing; any other answer is wrong.
    expect(['', 'HTTP/1.1 408 Request Timeout']).toContain(answer.split('\r\n')[0]);
    // On a busy machine we are too slow ourselves now and then.
    await until('an answer to who is quick', async () => (await post(port, POLICY_PATH)).status === 200);
  });
});

// On a busy machine the handshake takes longer now and then than such a server waits, so each asks until one got through.
describe('a connection that a client opened and keeps in reserve', () => {
  const IMPATIENT = { ...LIMITS, requestTimeout: 200, timeoutCheck: 50 };
  /** All that comes on a connection on which something is sent after 600 ms, if at all. */
  const reserve = (port: number, bytes?: string): Promise<string> => {
    const socket = secure(port);
    if (bytes !== undefined) socket.once('secureConnect', () => setTimeout(() => socket.write(bytes), 600));
    return heard(socket);
  };

  test('serves its first request after the time that a request may take', async () => {
    const port = await start({ limits: IMPATIENT });
    const request = `${HEAD}connection: close\r\ncontent-length: ${REVIEW.length}\r\n\r\n${REVIEW}`;
    await until('the answer', async () => (await reserve(port, request)).includes('"uid":"u-1"'));
  });

  test('has no more time than others once a request has begun', async () => {
    const port = await start({ limits: IMPATIENT });
    await until('the refusal', async () => (await reserve(port, HEAD)).includes('HTTP/1.1 408 Request Timeout'));
  });

  test('is closed without an answer when it stays unused', async () => {
    const idle = 1000;
    const port = await start({ limits: { ...IMPATIENT, idle } });
    await until('one that was open for that long', async () => {
      const opened = performance.now();
      expect(await reserve(port)).toBe('');
      return performance.now() - opened >= idle;
    });
  });
});

test.each([
  ['no HTTP', 'HELO\r\n\r\n', '400 Bad Request'],
  ['headers without end', `GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}`, '431 Request Header Fields Too Large'],
])('%s is answered, and the connection closed', async (_what, bytes, answer) => {
  const port = await start();
  const socket = secure(port);
  socket.once('secureConnect', () => socket.write(bytes));
  expect(await heard(socket)).toContain(`HTTP/1.1 ${answer}`);
});

test('more than are judged at one time are turned away at once, and judged again when there is room', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
  let waiting = 0;
  let arrived: () => void = () => undefined;
  const full = new Promise<void>((resolve) => (arrived = resolve));
  const port = await start({
    limits: { ...LIMITS, judged: 3 },
    policiesFor: () => {
      if (++waiting === 3) arrived();
      return held;
    },
  });
  const judged = [1, 2, 3].map(() => post(port, `${WORKLOADS_PATH}/all`));
  await full;
  // The three are still being judged: these answers can't have waited for them.
  for (let index = 0; index < 5; index++) {
    expect(await post(port, POLICY_PATH)).toEqual({ status: 503, text: 'too much at once, try again' });
  }
  release();
  expect((await Promise.all(judged)).map(({ text }) => text)).toEqual(
    Array.from({ length: 3 }, () => 'policy all is not in force here yet'),
  );
  expect(await post(port, POLICY_PATH)).toMatchObject({ status: 200 });
});

test('bodies that are too much together: the largest that still comes goes, and the others are answered', async () => {
  const port = await start({ limits: { ...LIMITS, inFlight: 100_000 } });
  const half = (size: number): { socket: net.Socket; answer: Promise<string> } => {
    const socket = secure(port);
    socket.once('secureConnect', () => {
      socket.write(`${HEAD}content-length: 1000000\r\n\r\n`);
      socket.write(' '.repeat(size));
    });
    return { socket, answer: heard(socket) };
  };
  const small = half(1000);
  const large = half(99_500);
  expect(await large.answer).toContain('503 Service Unavailable');
  expect(await post(port, POLICY_PATH)).toMatchObject({ status: 200 });
  expect(small.socket.destroyed).toBe(false);
  small.socket.destroy();
});

describe('a large body', () => {
  /** More than what is parsed at once. */
  const LARGE = JSON.stringify({ ...(JSON.parse(REVIEW) as object), padding: 'x'.repeat(300_000) });

  /** A server whose turns come when the clock is moved, and how many policies it has reviewed. */
  async function inTurns(most = LIMITS.connections) {
    const clock = new TestClock();
    const metrics = createMetrics();
    const reviewed: string[] = [];
    const port = await start({
      clock,
      metrics,
      limits: { ...LIMITS, connections: most },
      reviewPolicy: ({ uid }) => {
        reviewed.push(uid);
        return ALLOWED;
      },
    });
    const dropped = async (): Promise<string | undefined> =>
      /decision="dropped".* (\d+)/.exec(await metrics.registry.metrics())?.[1];
    return { clock, port, reviewed, dropped };
  }

  test('waits for its turn, and others are answered meanwhile', async () => {
    const { clock, port, reviewed } = await inTurns();
    const large = post(port, POLICY_PATH, LARGE);
    await clock.waiting(0);
    expect(await post(port, POLICY_PATH)).toMatchObject({ status: 200 });
    expect(reviewed).toHaveLength(1);
    // One turn to be parsed, and the next to be judged.
    await clock.advance(0);
    expect(await large).toMatchObject({ status: 200 });
    expect(reviewed).toHaveLength(2);
  });

  test('is not looked at when its caller has gone', async () => {
    const { clock, port, reviewed, dropped } = await inTurns(1);
    const socket = secure(port);
    socket.write(`${HEAD}content-length: ${LARGE.length}\r\n\r\n${LARGE}`);
    const closed = heard(socket);
    await clock.waiting(0);
    socket.destroy();
    await closed;
    // There is room for one connection: that the next is answered shows that this one is known to be closed.
    await until('the server to notice', async () => (await post(port, NAMESPACE_PATH)).status === 200);
    await clock.advance(0);
    await until('the work to be dropped', async () => (await dropped()) === '1');
    expect(reviewed).toEqual([]);
  });
});
