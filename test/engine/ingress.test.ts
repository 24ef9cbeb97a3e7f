import { describe, expect, test } from '@jest/globals';
import { hostsServed, ingressFacts, tlsFor } from '../../src/engine/ingress.ts';
import { RELATED_KINDS } from '../../src/engine/related.ts';

const to = (name: string): object => ({ paths: [{ backend: { service: { name } } }] });
const ingress = (spec: object, annotations?: object | null) =>
  ingressFacts({ metadata: { name: 'x', annotations }, spec });

describe('what is kept of an Ingress', () => {
  test('hosts with the Services behind them, the default backend for all hosts', () => {
    expect(
      ingress({
        rules: [
          { host: 'a.example.com', http: { paths: [...(to('one') as any).paths, ...(to('two') as any).paths] } },
          { http: to('one') },
          { host: '', http: null },
          { host: 'b.example.com', http: { paths: [{ backend: { resource: { kind: 'Bucket', name: 'b' } } }] } },
        ],
        defaultBackend: { service: { name: 'three' } },
        tls: [{ hosts: ['a.example.com'], secretName: 's' }, { secretName: '' }],
      }),
    ).toEqual({
      name: 'x',
      rules: [
        { host: 'a.example.com', services: ['one', 'two'] },
        { host: undefined, services: ['one'] },
        { host: undefined, services: [] },
        { host: 'b.example.com', services: [] },
        { host: undefined, services: ['three'] },
      ],
      tls: [
        { hosts: ['a.example.com'], secret: 's' },
        { hosts: [], secret: undefined },
      ],
      tlsBy: undefined,
      annotations: [],
      issued: false,
    });
  });

  test('where its certificates come from', () => {
    const arn = 'alb.ingress.kubernetes.io/certificate-arn';
    expect(ingress({}, { [arn]: 'a' })).toMatchObject({ tlsBy: arn, annotations: [arn] });
    expect(ingress({}, { [arn]: '' })).toMatchObject({ tlsBy: undefined, annotations: [] });
    for (const name of ['cert-manager.io/issuer', 'cert-manager.io/cluster-issuer', 'kubernetes.io/tls-acme']) {
      expect(ingress({}, { [name]: 'a' }).issued).toBe(true);
    }
    expect(ingress({}, null)).toMatchObject({ rules: [], tls: [], issued: false });
  });

  test.each([
    ['alb.ingress.kubernetes.io/listen-ports', '[{"HTTP": 80}, {"HTTPS": 443}]', '[{"HTTP": 80}]'],
    ['nginx.ingress.kubernetes.io/ssl-passthrough', 'true', 'false'],
    ['haproxy-ingress.github.io/ssl-passthrough', 'true', ''],
    ['traefik.ingress.kubernetes.io/router.tls', 'true', 'false'],
    ['traefik.ingress.kubernetes.io/router.tls.certresolver', 'letsencrypt', ''],
    ['route.openshift.io/termination', 'edge', 'none'],
    ['kubernetes.azure.com/tls-cert-keyvault-uri', 'https://kv.vault.azure.net/certificates/app', ''],
  ])('its controller serves TLS: %s', (annotation, with_, without) => {
    expect(ingress({}, { [annotation]: with_ }).tlsBy).toBe(annotation);
    expect(ingress({}, { [annotation]: without }).tlsBy).toBeUndefined();
  });

  test('its controller serves nothing but TLS', () => {
    expect(ingress({ ingressClassName: 'tailscale' }, {}).tlsBy).toBe('ingressClassName tailscale');
    expect(ingress({ ingressClassName: 'nginx' }, {}).tlsBy).toBeUndefined();
  });

  test('an annotation that is called like a part of every object says nothing', () => {
    expect(ingress({}, { constructor: 'true', toString: 'true' }).tlsBy).toBeUndefined();
  });

  test('it is found by each Service once', () => {
    const facts = ingress({
      rules: [{ http: to('one') }, { http: to('two') }],
      defaultBackend: { service: { name: 'one' } },
    });
    expect(RELATED_KINDS.Ingress.placesOf(facts, 'shop')).toEqual([
      { namespace: 'shop', key: 'one' },
      { namespace: 'shop', key: 'two' },
    ]);
  });

  test('another shape is a TypeError', () => {
    expect(() => ingress({ rules: 'x' })).toThrow(TypeError);
    expect(() => ingressFacts({ metadata: { name: 'x' } })).toThrow(TypeError);
  });
});

test('the hosts for which it sends to some Services', () => {
  const facts = ingress({
    rules: [
      { host: 'a', http: to('one') },
      { host: 'b', http: to('two') },
      { host: 'a', http: to('one') },
      { http: to('one') },
    ],
  });
  expect(hostsServed(facts, new Set(['one']))).toEqual(['a', undefined]);
  expect(hostsServed(facts, new Set(['two', 'one']))).toEqual(['a', 'b', undefined]);
  expect(hostsServed(facts, new Set(['three']))).toEqual([]);
});

test.each<[string | undefined, object[], string | undefined]>([
  ['a.example.com', [], undefined],
  ['a.example.com', [{ hosts: ['b.example.com'], secretName: 'b' }], undefined],
  ['a.example.com', [{ secretName: 'all' }, { hosts: ['a.example.com'], secretName: 'a' }], 'a'],
  ['a.example.com', [{ hosts: ['*.example.com'], secretName: 'w' }], 'w'],
  ['a.example.com', [{ hosts: ['b.example.com'], secretName: 'b' }, { secretName: 'all' }], 'all'],
  [undefined, [{ hosts: ['b.example.com'], secretName: 'b' }], 'b'],
  [undefined, [], undefined],
])('the TLS settings for %s in %j', (host, tls, secret) => {
  expect(tlsFor(ingress({ tls }), host)?.secret).toBe(secret);
});
