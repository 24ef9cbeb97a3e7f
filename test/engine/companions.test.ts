import { describe, expect, test } from '@jest/globals';
import { namesOf } from '../../src/engine/companions.ts';
import {
  RELATED_KINDS,
  WHOLE_CLUSTER,
  WHOLE_NAMESPACE,
  type RelatedKind,
  type RelatedKindName,
} from '../../src/engine/related.ts';

const metadata = { name: 'x', namespace: 'shop' };

describe('what is kept of objects that select pods', () => {
  test.each<[RelatedKindName, object, object]>([
    [
      'PodDisruptionBudget',
      { spec: { selector: {}, minAvailable: '50%', unhealthyPodEvictionPolicy: 'AlwaysAllow' }, status: {} },
      { selector: {}, minAvailable: '50%' },
    ],
    ['PodDisruptionBudget', { spec: { selector: null, maxUnavailable: 0 } }, { maxUnavailable: 0 }],
    ['NetworkPolicy', { spec: {} }, { selector: {}, directions: ['Ingress'] }],
    [
      'NetworkPolicy',
      { spec: { podSelector: { matchLabels: { a: 'b' } }, egress: [{}] } },
      { selector: { matchLabels: { a: 'b' } }, directions: ['Ingress', 'Egress'] },
    ],
    ['NetworkPolicy', { spec: { podSelector: {}, policyTypes: ['Egress'] } }, { selector: {}, directions: ['Egress'] }],
    [
      'Service',
      {
        spec: {
          clusterIP: '10.0.0.1',
          selector: { app: 'web' },
          ports: [{ port: 80 }, { name: 'dns', port: 53, targetPort: 'dns', protocol: 'UDP', nodePort: 30053 }],
        },
      },
      {
        selector: { matchLabels: { app: 'web' } },
        headless: false,
        labels: {},
        scraped: false,
        ports: [
          { port: 80, target: 80, protocol: 'TCP' },
          { name: 'dns', port: 53, target: 'dns', protocol: 'UDP' },
        ],
      },
    ],
    [
      'Service',
      { spec: { clusterIP: 'None', selector: {} } },
      { headless: true, ports: [], labels: {}, scraped: false },
    ],
    [
      'Service',
      { spec: { type: 'ExternalName', externalName: 'a.example', selector: { app: 'web' } } },
      { headless: false, ports: [], labels: {}, scraped: false },
    ],
  ])('%s %j', (kind, object, expected) => {
    const related = RELATED_KINDS[kind] as RelatedKind;
    const facts = related.read({ metadata, ...object });
    expect(facts).toEqual({ name: 'x', ...expected });
    expect(related.placesOf(facts, 'shop')).toEqual([{ namespace: 'shop', key: WHOLE_NAMESPACE }]);
  });

  test.each<RelatedKindName>(['PodDisruptionBudget', 'NetworkPolicy', 'Service'])(
    '%s without a spec is refused with a TypeError',
    (kind) => {
      expect(() => RELATED_KINDS[kind].read({ metadata })).toThrow(TypeError);
    },
  );
});

describe('what is kept of monitors and rules, which may stand in any namespace', () => {
  const read = (kind: RelatedKindName, spec: object, labels?: object): { facts: unknown; keys: readonly string[] } => {
    const related = RELATED_KINDS[kind] as RelatedKind;
    const facts = related.read({ metadata: { ...metadata, labels }, spec });
    const places = related.placesOf(facts, 'shop');
    expect(new Set(places.map(({ namespace }) => namespace))).toEqual(
      new Set(places.length > 0 ? [WHOLE_CLUSTER] : []),
    );
    return { facts, keys: places.map(({ key }) => key) };
  };
  const own = { name: 'x', namespace: 'shop' };
  const selector = { matchLabels: { app: 'web' } };

  test.each<[RelatedKindName, object, object, string[]]>([
    [
      'ServiceMonitor',
      { selector, endpoints: [{ port: 'a' }] },
      { targets: ['shop'], selector, ports: ['a'] },
      ['shop'],
    ],
    [
      'ServiceMonitor',
      { selector, namespaceSelector: { any: true, matchNames: ['a'] }, endpoints: [{ port: 'a' }, { targetPort: 1 }] },
      { targets: undefined, selector, ports: undefined },
      [''],
    ],
    [
      'PodMonitor',
      { namespaceSelector: { matchNames: ['a', 'b'] }, podMetricsEndpoints: [{ port: 'a' }, { port: 'b' }] },
      { targets: ['a', 'b'], selector: {}, ports: ['a', 'b'] },
      ['a', 'b'],
    ],
    ['PodMonitor', { selector, namespaceSelector: {} }, { targets: ['shop'], selector, ports: [] }, ['shop']],
  ])('%s %j', (kind, spec, expected, keys) => {
    expect(read(kind, spec)).toEqual({ facts: { ...own, ...expected }, keys });
  });

  test('PrometheusRule: whether it has an alert, and the application that it names', () => {
    const alert = { groups: [{ rules: [{ record: 'a', expr: 'b' }] }, { rules: [{ alert: 'Down', expr: 'c' }] }] };
    expect(read('PrometheusRule', alert, { app: 'web', 'app.kubernetes.io/name': 'api' })).toEqual({
      facts: { ...own, alerts: true, application: 'api' },
      keys: ['namespace/shop', 'application/api'],
    });
    expect(read('PrometheusRule', alert, { app: 'web' }).keys).toEqual(['namespace/shop', 'application/web']);
    expect(read('PrometheusRule', alert).keys).toEqual(['namespace/shop']);
    expect(read('PrometheusRule', { groups: [{ name: 'a', rules: null }] }, { app: 'web' }).keys).toEqual([]);
  });
});

test('names in a sentence, in order, and at most two of them', () => {
  const named = (...names: string[]): { name: string }[] => names.map((name) => ({ name }));
  expect(namesOf(named('a'))).toBe('a');
  expect(namesOf(named('b', 'a'))).toBe('a and b');
  expect(namesOf(named('c', 'b', 'a', 'd'))).toBe('a, b and 2 more');
});
