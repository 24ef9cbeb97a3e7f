import { describe, expect, test } from '@jest/globals';
import { mutatingEntries, validatingEntries, type Entry } from '../../src/controller/webhook-configuration.ts';
import { policyOf, webhookInput } from '../support/policies.ts';

function inputOf(...matches: object[]) {
  const policies = matches.map((match, index) =>
    policyOf({ profile: 'production-v1', match }, undefined, { name: `policy-${index}` }),
  );
  return webhookInput(policies);
}
const validating = (...matches: object[]): Entry[] =>
  validatingEntries(inputOf(...matches)).flatMap(({ entries }) => entries);
const named = (entries: readonly Entry[], name: string): Entry | undefined =>
  entries.find((entry) => entry['name'] === `${name}.readiness-operator.dev`);

describe('the standing entries', () => {
  test('without a policy: our own kinds alone; who relaxes a policy never waits, who writes an exception does', () => {
    const entries = validating();
    expect(entries.map(({ name, failurePolicy }) => [name, failurePolicy])).toEqual([
      ['exceptions.readiness-operator.dev', 'Fail'],
      ['policies.readiness-operator.dev', 'Ignore'],
    ]);
  });

  test('nothing is ever asked about a DELETE', () => {
    const all = [...validating({}), ...mutatingEntries(inputOf({})).flatMap(({ entries }) => entries)];
    const operations = all.flatMap(({ rules }) => (rules as Entry[]).flatMap(({ operations }) => operations));
    expect(new Set(operations)).toEqual(new Set(['CREATE', 'UPDATE']));
  });

  test('namespaces are looked at only where a policy selects them, and never hold anything up', () => {
    expect(named(validating({}, { workloadSelector: { matchLabels: { a: 'b' } } }), 'namespaces')).toBeUndefined();
    expect(named(validating({}, { namespaceSelector: { matchLabels: { a: 'b' } } }), 'namespaces')).toMatchObject({
      failurePolicy: 'Ignore',
      namespaceSelector: {
        matchExpressions: [
          {
            key: 'kubernetes.io/metadata.name',
            operator: 'NotIn',
            values: ['kube-node-lease', 'kube-public', 'kube-system', 'operator'],
          },
        ],
      },
    });
  });

  test('the mutating ones concern exceptions alone, by the same trust', () => {
    const groups = mutatingEntries(inputOf({}));
    expect(groups).toMatchObject([{ name: '', entries: [{ rules: [{ resources: ['readinessexceptions'] }] }] }]);
    const caBundle = Buffer.from('authorities').toString('base64');
    expect(groups[0]?.entries[0]?.['clientConfig']).toEqual({ caBundle, url: 'https://127.0.0.1:9443/s' });
  });
});
