import { describe, expect, test } from '@jest/globals';
import type { Outcome } from '../../src/engine/check.ts';
import { judgeReference } from '../../src/engine/missing.ts';
import { referencesOf } from '../../src/engine/references.ts';
import {
  RELATED_KINDS,
  relatedKindsOf,
  SECRET_MAKERS,
  type Answer,
  type Related,
  type RelatedKind,
  type RelatedKindName,
} from '../../src/engine/related.ts';
import { workloadOf } from '../support/workloads.ts';

/** A Secret that was never in a cluster, and of which nobody says where it comes from. */
const PLAIN = { changedAt: undefined, managed: false };
const NO_CREDENTIALS = { found: [], more: false };
const metadata = { name: 'x', namespace: 'shop' };

function readOf(kind: RelatedKindName, object: object): { facts: unknown; key: unknown } {
  const related = RELATED_KINDS[kind] as RelatedKind;
  const facts = related.read({ metadata, ...object });
  const [place] = related.placesOf(facts, metadata.namespace);
  expect(place?.namespace).toBe(metadata.namespace);
  return { facts, key: place?.key ?? '' };
}

describe('what is kept of related objects', () => {
  test('each kind is listed under its name', () => {
    for (const [name, { kind }] of Object.entries(RELATED_KINDS)) expect(kind).toBe(name);
    for (const maker of SECRET_MAKERS) expect(RELATED_KINDS[maker].optional).toBe(true);
  });

  test('the kinds that a workload names are told from those that surround it', () => {
    const named = Object.values(RELATED_KINDS).filter((related) => related.named === true);
    expect(named.map(({ kind }) => kind)).toEqual([
      'Secret',
      'SecretKeys',
      'ConfigMap',
      'ServiceAccount',
      'PersistentVolumeClaim',
      'ServingCertificate',
      'Role',
      'ClusterRole',
    ]);
    const optional = Object.values(RELATED_KINDS).filter((related) => related.optional === true);
    expect(optional.map(({ kind }) => kind)).toEqual([
      'ScaledObject',
      'ServiceMonitor',
      'PodMonitor',
      'PrometheusRule',
      ...SECRET_MAKERS,
    ]);
  });

  test.each<[RelatedKindName, object, string, object]>([
    ['Secret', { type: 'T', data: { a: 'cGFzcw==' } }, 'x', { name: 'x', type: 'T', keys: ['a'], ...PLAIN }],
    [
      'Secret',
      { stringData: { b: 'pass' }, data: { a: '', b: '' } },
      'x',
      { name: 'x', type: 'Opaque', keys: ['a', 'b'], ...PLAIN },
    ],
    ['Secret', { data: null }, 'x', { name: 'x', type: 'Opaque', keys: [], ...PLAIN }],
    [
      'ConfigMap',
      { data: { a: '1' }, binaryData: { b: '2' } },
      'x',
      { name: 'x', keys: ['a', 'b'], credentials: NO_CREDENTIALS },
    ],
    ['ConfigMap', {}, 'x', { name: 'x', keys: [], credentials: NO_CREDENTIALS }],
    [
      'ServiceAccount',
      { imagePullSecrets: [{ name: 'r' }, {}] },
      'x',
      { name: 'x', imagePullSecrets: ['r', ''], mountsToken: true },
    ],
    [
      'ServiceAccount',
      { automountServiceAccountToken: false },
      'x',
      { name: 'x', imagePullSecrets: [], mountsToken: false },
    ],
    ['ServingCertificate', { data: { 'tls.crt': 'eA==' } }, 'x', { name: 'x', certificate: undefined }],
    ['SecretKeys', { data: { a: 'cGFzcw==' }, stringData: { a: '', b: '' } }, 'x', { name: 'x', keys: ['a', 'b'] }],
    ['SecretKeys', { data: null }, 'x', { name: 'x', keys: [] }],
    ['ServingCertificate', {}, 'x', { name: 'x', certificate: undefined }],
    ['PersistentVolumeClaim', { spec: { storageClassName: 'fast' } }, 'x', { name: 'x' }],
    ['ExternalSecret', { spec: { target: { name: 's' } } }, 's', { name: 'x', secrets: ['s'] }],
    ['ExternalSecret', {}, 'x', { name: 'x', secrets: ['x'] }],
    ['SealedSecret', { spec: { template: { metadata: { name: 's' } } } }, 's', { name: 'x', secrets: ['s'] }],
    ['SealedSecret', { spec: {} }, 'x', { name: 'x', secrets: ['x'] }],
    ['Certificate', { spec: { secretName: 's' } }, 's', { name: 'x', secrets: ['s'] }],
    ['VaultPKISecret', { spec: { destination: { name: 's' } } }, 's', { name: 'x', secrets: ['s'] }],
    [
      'SecretProviderClass',
      { spec: { secretObjects: [{ secretName: 's' }, { secretName: 't' }] } },
      's',
      { name: 'x', secrets: ['s', 't'] },
    ],
  ])('%s %j', (kind, object, key, facts) => {
    expect(readOf(kind, object)).toEqual({ key, facts });
  });

  test('of roles and bindings, found in the whole cluster but for a Role', () => {
    const kept = (kind: RelatedKindName, object: object): unknown[] => {
      const related = RELATED_KINDS[kind] as RelatedKind;
      const facts = related.read({ metadata, ...object });
      return [facts, ...related.placesOf(facts, metadata.namespace).map(({ namespace, key }) => [namespace, key])];
    };
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }];
    const subjects = [
      { kind: 'ServiceAccount', name: 'a', namespace: 'shop' },
      { kind: 'Group', name: 'system:authenticated' },
      { kind: 'User', name: 'alice' },
    ];
    const found = [
      ['', 'ServiceAccount/shop/a'],
      ['', 'Group/system:authenticated'],
    ];
    expect(kept('Role', { rules })).toEqual([{ name: 'x', grants: ['secrets'] }, ['shop', 'x']]);
    expect(kept('ClusterRole', { rules })).toEqual([{ name: 'x', grants: ['secrets'] }, ['', 'x']]);
    const role = { kind: 'ClusterRole', name: 'r' };
    const facts = { name: 'x', role, subjects: found.map(([, key]) => key) };
    expect(kept('RoleBinding', { roleRef: role, subjects })).toEqual([{ ...facts, namespace: 'shop' }, ...found]);
    expect(kept('ClusterRoleBinding', { roleRef: role, subjects })).toEqual([{ ...facts, namespace: '' }, ...found]);
    expect(kept('ClusterRoleBinding', { roleRef: role })).toEqual([{ name: 'x', namespace: '', role, subjects: [] }]);
  });

  test('a Secret is also its keys and the certificate in it; other kinds are themselves alone', () => {
    const kinds = (apiVersion: string, kind: string): string[] =>
      relatedKindsOf(apiVersion, kind).map((one) => one.kind);
    expect(kinds('v1', 'Secret')).toEqual(['Secret', 'SecretKeys', 'ServingCertificate']);
    expect(kinds('v1', 'ServingCertificate')).toEqual([]);
    expect(kinds('v1', 'ConfigMap')).toEqual(['ConfigMap']);
    expect(kinds('example.com/v1', 'Secret')).toEqual([]);
    expect(kinds('v1', 'toString')).toEqual([]);
  });

  test('never a value of a Secret', () => {
    const object = {
      data: { a: 'U0VDUkVU' },
      stringData: { b: 'SECRET' },
      metadata: { ...metadata, annotations: { c: 'SECRET' } },
    };
    expect(JSON.stringify(readOf('Secret', object))).not.toMatch(/SECRET|U0VDUkVU/);
  });

  test.each<[object[], object, object]>([
    [[], {}, {}],
    [[{ type: 'Container', default: { memory: '1Gi' } }], { memory: '1Gi' }, { memory: '1Gi' }],
    [[{ type: 'Container', defaultRequest: { memory: '1Gi' } }], {}, { memory: '1Gi' }],
    [
      [{ type: 'Container', default: { memory: '2Gi' }, defaultRequest: { memory: '1Gi' } }],
      { memory: '2Gi' },
      { memory: '1Gi' },
    ],
    [[{ type: 'Container', max: { memory: '4Gi' } }], { memory: '4Gi' }, { memory: '4Gi' }],
    [[{ type: 'Container', min: { memory: '1Mi' } }], {}, { memory: '1Mi' }],
    [
      [
        {
          type: 'Container',
          min: { memory: '1Mi', cpu: '1m' },
          max: { memory: '4Gi' },
          default: { memory: '2Gi' },
          defaultRequest: { memory: '1Gi' },
        },
      ],
      { memory: '2Gi' },
      { memory: '1Gi', cpu: '1m' },
    ],
    [[{ type: 'Container', min: { memory: '1Mi' }, max: { memory: '4Gi' } }], { memory: '4Gi' }, { memory: '4Gi' }],
    [[{ type: 'Pod', max: { memory: '4Gi' }, min: { memory: '1Mi' } }], {}, {}],
    [[{ type: 'PersistentVolumeClaim', max: { storage: '4Gi' } }], {}, {}],
    [
      [
        { type: 'Container', default: { cpu: '1' } },
        { type: 'Container', default: { memory: '1Gi' } },
      ],
      { cpu: '1', memory: '1Gi' },
      { cpu: '1', memory: '1Gi' },
    ],
  ])('the defaults of a LimitRange, as the API server fills them in: %j', (limits, defaultLimits, defaultRequests) => {
    const { facts, key } = readOf('LimitRange', { spec: { limits } });
    expect(facts).toMatchObject({ name: 'x', defaultLimits, defaultRequests });
    expect(key).toBe('');
  });

  test('what a LimitRange holds containers and pods to', () => {
    const limits = [
      { type: 'Container', min: { cpu: '1m' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '4' } },
      { type: 'Pod', max: { memory: '4Gi' }, min: null },
      { type: 'PersistentVolumeClaim', max: { storage: '4Gi' } },
    ];
    expect(readOf('LimitRange', { spec: { limits } }).facts).toMatchObject({
      constraints: [
        { type: 'Container', min: { cpu: '1m' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '4' } },
        { type: 'Pod', min: {}, max: { memory: '4Gi' }, maxLimitRequestRatio: {} },
      ],
    });
  });

  test('what a ResourceQuota counts, and of which pods', () => {
    const matchExpressions = [
      { scopeName: 'PriorityClass', operator: 'In', values: ['high'] },
      { scopeName: 'NotTerminating', operator: 'Exists' },
    ];
    const spec = { hard: { 'limits.cpu': '4' }, scopes: ['NotBestEffort'], scopeSelector: { matchExpressions } };
    const { facts, key } = readOf('ResourceQuota', { spec });
    expect(facts).toEqual({
      name: 'x',
      hard: { 'limits.cpu': '4' },
      scopes: [
        { name: 'NotBestEffort', operator: 'Exists', values: [] },
        { name: 'PriorityClass', operator: 'In', values: ['high'] },
        { name: 'NotTerminating', operator: 'Exists', values: [] },
      ],
    });
    expect(key).toBe('');
    expect(readOf('ResourceQuota', { spec: { hard: null, scopes: null, scopeSelector: null } }).facts).toEqual({
      name: 'x',
      hard: {},
      scopes: [],
    });
  });

  test.each<[RelatedKindName, unknown]>([
    ['Secret', {}],
    ['Secret', { metadata: null }],
    ['HorizontalPodAutoscaler', { metadata, spec: {} }],
    ['LimitRange', { metadata, spec: { limits: 'x' } }],
    ['ResourceQuota', { metadata, spec: { scopes: {} } }],
    ['Certificate', { metadata }],
  ])('%s %j is refused with a TypeError', (kind, object) => {
    expect(() => (RELATED_KINDS[kind] as RelatedKind).read(object)).toThrow(TypeError);
  });
});

describe('a Secret of which only the metadata is known', () => {
  const workload = workloadOf('Pod', {
    containers: [{ name: 'a', env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }],
  });

  /** @param found - what is found of its keys by themselves */
  function outcomes(found: Answer<{ name: string; keys: string[] }>, keys = true): Outcome[] {
    const related: Related = {
      find: (kind) => {
        if (kind === 'SecretKeys') return found as never;
        if (kind !== 'Secret') return { state: 'absent' };
        return { state: 'found', values: [{ name: 's', type: 'Opaque', keys: undefined } as never] };
      },
    };
    const [reference] = referencesOf(workload);
    if (reference === undefined) throw new Error('no reference');
    const told: Outcome[] = [];
    judgeReference(reference, { workload, related }, { whenMissing: 'Unmet', keys }, (outcome) => told.push(outcome));
    return told;
  }

  test('is asked for its keys where one is named', () => {
    expect(outcomes({ state: 'found', values: [{ name: 's', keys: ['k'] }] })).toEqual([]);
    const missing = expect.objectContaining({ type: 'unmet', message: 'Secret s has no key k' });
    expect(outcomes({ state: 'found', values: [{ name: 's', keys: ['other'] }] })).toEqual([missing]);
    expect(outcomes({ state: 'absent' })).toEqual([missing]);
  });

  test('is unknown if they are', () => {
    const cause = 'the keys of Secret s: not read';
    expect(outcomes({ state: 'unknown', cause: 'not read' })).toEqual([{ type: 'unknown', cause }]);
  });

  test('is met where keys are not asked for', () => {
    expect(outcomes({ state: 'unknown', cause: 'not read' }, false)).toEqual([]);
  });
});
