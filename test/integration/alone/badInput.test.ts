/** Hostile and broken input straight at the webhook: the right status, no crash, never "allowed" by accident. */
import https from 'node:https';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { reviewOf } from '../../support/manifests.ts';
import { Stage, type Json } from '../stage.ts';

const base = process.env['READINESS_TEST_OPERATOR'] ?? '';
const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
let stage: Stage;
/** By which the API server calls. */
let called: string;

beforeAll(async () => {
  stage = await Stage.open('hostile', { profile: 'production-v1' });
  called = new URL(await stage.calledUrl()).pathname;
});
afterAll(async () => {
  await stage.close();
  agent.destroy();
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

function post(body: string | Buffer, headers: Record<string, string> = {}, path = called): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers };
    const request = https.request(base + path, { method: 'POST', agent, headers: all }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const review = (object: unknown, more: Json = {}): string => reviewOf(object, { namespace: 'hostile', ...more });

const good = (): Json => stage.deployment('web');

test('a good review is answered under its own uid', async () => {
  const { status, text } = await post(review(good()));
  expect([status, JSON.parse(text)]).toMatchObject([200, { response: { uid: 'u-1', allowed: true } }]);
});

test.each([
  ['not JSON', '{"a":', {}, 400],
  ['empty', '', {}, 400],
  ['not an AdmissionReview', '{"kind":"Pod","apiVersion":"v1"}', {}, 400],
  ['an old version', '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{}}', {}, 400],
  ['another content type', '{}', { 'content-type': 'text/plain' }, 415],
  ['deeply nested', '['.repeat(5_000_000), {}, 400],
] as const)('%s', async (_name, body, headers, wanted) => {
  const { status, text } = await post(body, headers);
  expect(status).toBe(wanted);
  expect(text).not.toContain('"allowed":true');
});

test('20 MiB are refused with 413', async () => {
  const answer = await post(Buffer.alloc(20 * 1024 * 1024, 32)).catch((error: NodeJS.ErrnoException) => error.code);
  // The connection is closed while we still write: either the answer got through or the write failed.
  expect(typeof answer === 'string' ? ['EPIPE', 'ECONNRESET'] : [413]).toContain(
    typeof answer === 'string' ? answer : answer?.status,
  );
  expect((await post(review(good()))).status).toBe(200);
});

test('more than 64 MiB at one time are turned away with 503, and forgotten when their senders go', async () => {
  const size = 15 * 1024 * 1024;
  const open: ReturnType<typeof https.request>[] = [];
  const statuses = await new Promise<number[]>((resolve) => {
    const seen: number[] = [];
    for (let index = 0; index < 6; index++) {
      const request = https.request(base + called, {
        method: 'POST',
        rejectUnauthorized: false,
        agent: false,
        headers: { 'content-type': 'application/json', 'content-length': String(size + 1) },
      });
      open.push(request);
      request.on('error', () => undefined);
      request.on('response', (response) => {
        seen.push(response.statusCode ?? 0);
        resolve(seen);
      });
      // All but the last byte: none of them can be answered as a whole.
      request.write(Buffer.alloc(size, 32));
    }
  });
  expect(statuses).toEqual([503]);
  for (const request of open) request.destroy();
  expect((await post(review(good()))).status).toBe(200);
});

test('a truncated body does no harm', async () => {
  const body = review(good());
  await new Promise<void>((resolve) => {
    const request = https.request(base + called, {
      method: 'POST',
      rejectUnauthorized: false,
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': String(body.length + 100) },
    });
    request.on('error', () => resolve());
    request.on('close', () => resolve());
    request.write(body, () => request.destroy());
  });
  expect((await post(body)).status).toBe(200);
});

const wrongShapes: [string, (object: Json) => void, string][] = [
  [
    'containers: "x"',
    (object) => (object['spec'].template.spec.containers = 'x'),
    'spec.template.spec.containers: must be array',
  ],
  [
    'null entries',
    (object) => (object['spec'].template.spec.containers = [null]),
    'spec.template.spec.containers[0]: must be object',
  ],
  [
    'a number for a string',
    (object) => (object['spec'].template.spec.containers[0].image = 7),
    'containers[0].image: must be string',
  ],
  ['a string for a number', (object) => (object['spec'].replicas = 'two'), 'spec.replicas: must be an integer'],
  ['no template', (object) => delete object['spec'].template, 'spec.template: is required'],
  [
    'env as a map',
    (object) => (object['spec'].template.spec.containers[0].env = { A: 'b' }),
    'containers[0].env: must be array',
  ],
  [
    '501 containers',
    ({ spec }) => (spec.template.spec.containers = Array.from({ length: 501 }, () => spec.template.spec.containers[0])),
    'spec.template.spec: has 501 containers; at most 500 are judged',
  ],
];
test.each(wrongShapes)('%s is denied, naming the field', async (_name, change, message) => {
  const object = good();
  change(object);
  const { status, text } = await post(review(object));
  const { response } = JSON.parse(text) as Json;
  expect([status, response.allowed, response.status.code]).toEqual([200, false, 422]);
  expect(response.status.message).toContain(message);
});

test('an object nested too deep to compare is refused with 422, and with 400 where it is large', async () => {
  const answers = [1000, 10_000, 100_000].map(async (levels) => {
    const deep = `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    const body = review(good(), { operation: 'UPDATE', oldObject: good() });
    const spec = JSON.stringify(good()['spec'].template.spec);
    const hostile = body.replaceAll(`"spec":${spec}`, (text) => `${text},"deep":${deep}`);
    expect(hostile.length).toBeGreaterThan(body.length + 2 * levels);
    return post(hostile);
  });
  expect(await Promise.all(answers)).toEqual([
    { status: 422, text: 'the object is nested more than 500 levels deep' },
    { status: 422, text: 'the object is nested more than 500 levels deep' },
    { status: 400, text: 'the body is nested more than 500 levels deep' },
  ]);
  expect((await post(review(good()))).status).toBe(200);
});

test('other paths, methods and endpoints', async () => {
  expect((await post('{}', {}, '/nothing')).status).toBe(404);
  const get = (path: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      https
        .get(base + path, { agent }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        })
        .on('error', reject);
    });
  expect((await get(called)).status).toBe(405);
  expect(await get('/healthz')).toEqual({ status: 200, text: 'ok' });
  expect(await get('/readyz')).toEqual({ status: 200, text: 'ok' });
  expect((await get('/metrics')).text).toContain('readiness_operator_admission_requests_total');
});

test('Kubernetes controllers, mirror Pods, deletes and system namespaces pass here too', async () => {
  const bad = stage.deployment('web', (_spec, container) => (container['image'] = 'x:latest'));
  const allowed = async (more: Json): Promise<boolean> =>
    (JSON.parse((await post(review(bad, more))).text) as Json)['response'].allowed;
  expect(await allowed({})).toBe(false);
  expect(await allowed({ userInfo: { username: 'system:serviceaccount:kube-system:deployment-controller' } })).toBe(
    true,
  );
  expect(await allowed({ userInfo: { username: 'alice', groups: ['system:masters', 'system:nodes'] } })).toBe(false);
  expect(await allowed({ userInfo: { username: 'system:node:n1' } })).toBe(false);
  expect(await allowed({ namespace: 'kube-system' })).toBe(true);
  expect(await allowed({ operation: 'DELETE' })).toBe(true);
});
