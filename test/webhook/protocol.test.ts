import { describe, expect, test } from '@jest/globals';
import { BadRequest, decodeReview, encodeReview } from '../../src/webhook/protocol.ts';
import { structureProblem } from '../../src/webhook/structure.ts';

type Json = Record<string, any>;

function review(change: (request: Json, review: Json) => void = () => {}): Buffer {
  const request: Json = {
    uid: 'u-1',
    kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
    resource: { group: 'apps', version: 'v1', resource: 'deployments' },
    operation: 'CREATE',
    namespace: 'shop',
    name: 'web',
    userInfo: { username: 'alice', groups: ['developers'] },
    object: { kind: 'Deployment' },
    oldObject: null,
    dryRun: false,
  };
  const whole: Json = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
  change(request, whole);
  return Buffer.from(JSON.stringify(whole));
}

function refusal(body: Buffer): [number, string] {
  try {
    decodeReview(body);
  } catch (error) {
    if (error instanceof BadRequest) return [error.status, error.message];
    throw error;
  }
  throw new Error('taken');
}

describe('decodeReview', () => {
  test('takes what the API server sends', () => {
    expect(decodeReview(review())).toMatchObject({ uid: 'u-1', operation: 'CREATE', userInfo: { username: 'alice' } });
  });

  test('takes absent and null for optional fields', () => {
    const bare = review((request) => {
      request['operation'] = 'DELETE';
      request['object'] = null;
      delete request['dryRun'];
      request['kind'].group = null;
      request['userInfo'] = {};
    });
    expect(decodeReview(bare)).toMatchObject({ operation: 'DELETE' });
  });

  const cases: [string, (request: Json, review: Json) => void][] = [
    ['apiVersion must be admission.k8s.io/v1', (_, whole) => (whole['apiVersion'] = 'admission.k8s.io/v1beta1')],
    ['kind must be AdmissionReview', (_, whole) => delete whole['kind']],
    ['request is required', (_, whole) => delete whole['request']],
    ['request must be object', (_, whole) => (whole['request'] = [])],
    ['request must be object', (_, whole) => (whole['request'] = null)],
    ['request.uid is required', (request) => delete request['uid']],
    ['request.uid must be string', (request) => (request['uid'] = 7)],
    ['request.uid must have 1 to 256 characters', (request) => (request['uid'] = '')],
    ['request.uid must have 1 to 256 characters', (request) => (request['uid'] = 'x'.repeat(257))],
    ['request.kind is required', (request) => delete request['kind']],
    ['request.kind.kind must be string', (request) => (request['kind'].kind = {})],
    ['request.kind.version is required', (request) => delete request['kind'].version],
    ['request.kind.group must be string', (request) => (request['kind'].group = 1)],
    ['request.resource must be object', (request) => (request['resource'] = 'deployments')],
    ['request.resource.resource is required', (request) => delete request['resource'].resource],
    ['request.subResource must be string', (request) => (request['subResource'] = true)],
    ['request.name must be string', (request) => (request['name'] = ['web'])],
    ['request.namespace must be string', (request) => (request['namespace'] = 0)],
    ['request.operation must be one of CREATE, UPDATE, DELETE, CONNECT', (request) => (request['operation'] = 'PATCH')],
    ['request.userInfo is required', (request) => delete request['userInfo']],
    ['request.userInfo.username must be string', (request) => (request['userInfo'].username = {})],
    ['request.userInfo.groups must be an array of strings', (request) => (request['userInfo'].groups = 'admins')],
    ['request.userInfo.groups must be an array of strings', (request) => (request['userInfo'].groups = [null])],
    ['request.userInfo.extra must be object', (request) => (request['userInfo'].extra = [])],
    ['request.object must be object', (request) => (request['object'] = [])],
    ['request.oldObject must be object', (request) => (request['oldObject'] = 'x')],
    ['request.dryRun must be boolean', (request) => (request['dryRun'] = 'no')],
    ['request.object is required for CREATE', (request) => (request['object'] = null)],
    [
      'request.object is required for UPDATE',
      (request) => {
        request['operation'] = 'UPDATE';
        delete request['object'];
      },
    ],
  ];
  test.each(cases)('%s', (message, change) => {
    expect(refusal(review(change))).toEqual([400, `not an AdmissionReview of admission.k8s.io/v1: ${message}`]);
  });

  test.each(['', '{"a":', 'null', '7', '"x"', '[]'])('%j is none', (body) => {
    expect(refusal(Buffer.from(body))[0]).toBe(400);
  });

  test('keys that JavaScript gives to every object are no fields', () => {
    expect(refusal(Buffer.from('{"__proto__":{"apiVersion":"admission.k8s.io/v1"}}'))[1]).toContain('apiVersion');
  });
});

test('an answer carries the uid of its request', () => {
  expect(JSON.parse(encodeReview('u-1', { allowed: true }))).toEqual({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u-1', allowed: true },
  });
});

test('encodeReview writes a patch as the API server takes it', () => {
  const patch = [{ op: 'add', path: '/spec/requestedBy', value: { username: 'jürgen' } }] as const;
  const { response } = JSON.parse(encodeReview('u-1', { allowed: true, patch })) as Json;
  expect(response).toEqual({ uid: 'u-1', allowed: true, patchType: 'JSONPatch', patch: expect.any(String) });
  expect(JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))).toEqual(patch);
});

describe('structureProblem', () => {
  const pad = ' '.repeat(300_000);
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  test.each<[string, string, string | undefined]>([
    ['small, whatever it holds', nested(10_000), undefined],
    ['large and flat', `{"a":"${pad}"}`, undefined],
    ['large, 500 levels', pad + nested(500), undefined],
    ['large, 501 levels', pad + nested(501), 'is nested more than 500 levels deep'],
    ['brackets in texts', JSON.stringify({ a: '['.repeat(300_000), b: '\\"[[['.repeat(1000) }), undefined],
    ['a text without an end', `"${'['.repeat(300_000)}`, undefined],
    ['many elements', `[${'{},'.repeat(100_000)}{}]`, 'has more than 100000 elements'],
  ])('%s', (_name, text, problem) => {
    expect(structureProblem(Buffer.from(text))).toBe(problem);
  });
});
