import { describe, expect, test } from '@jest/globals';
import { namesOf } from '../../src/engine/companions.ts';
import { RELATED_KINDS, WHOLE_NAMESPACE, type RelatedKind, type RelatedKindName } from '../../src/engine/related.ts';

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
        ports: [
          { port: 80, target: 80, protocol: 'TCP' },
          { name: 'dns', port: 53, target: 'dns', protocol: 'UDP' },
        ],
      },
    ],
    ['Service', { spec: { clusterIP: 'None', selector: {} } }, { headless: true, ports: [] }],
    [
      'Service',
      { spec: { type: 'ExternalName', externalName: 'a.example', selector: { app: 'web' } } },
      { headless: false, ports: [] },
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

test('names in a sentence, in order, and at most two of them', () => {
  const named = (...names: string[]): { name: string }[] => names.map((name) => ({ name }));
  expect(namesOf(named('a'))).toBe('a');
  expect(namesOf(named('b', 'a'))).toBe('a and b');
  expect(namesOf(named('c', 'b', 'a', 'd'))).toBe('a, b and 2 more');
});
