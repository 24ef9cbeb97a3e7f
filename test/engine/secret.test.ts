import { describe, expect, test } from '@jest/globals';
import { changedAtOf, isManaged, SECRET_SOURCE_ANNOTATION, type SecretMetadata } from '../../src/engine/secret.ts';

const JUNE = '2026-06-01T00:00:00Z';
const JULY = '2026-07-01T00:00:00Z';
const data = { 'f:data': { 'f:a': {} } };

describe('when the data changed', () => {
  test.each<[string, Omit<SecretMetadata, 'name'>, string | undefined]>([
    ['nothing is known', {}, undefined],
    ['nulls', { creationTimestamp: null, managedFields: null }, undefined],
    ['creation alone', { creationTimestamp: JUNE }, JUNE],
    ['a manager of data', { creationTimestamp: JUNE, managedFields: [{ time: JULY, fieldsV1: data }] }, JULY],
    [
      'the newest of them, in any order',
      {
        managedFields: [
          { time: JULY, fieldsV1: data },
          { time: JUNE, fieldsV1: data },
        ],
      },
      JULY,
    ],
    [
      'a manager of other fields',
      { creationTimestamp: JUNE, managedFields: [{ time: JULY, fieldsV1: { 'f:type': {} } }] },
      JUNE,
    ],
    ['an entry without a time', { creationTimestamp: JUNE, managedFields: [{ fieldsV1: data }] }, JUNE],
    ['an empty entry', { creationTimestamp: JUNE, managedFields: [{}] }, JUNE],
    ['no time at all', { creationTimestamp: 'soon' }, undefined],
  ])('%s', (_, metadata, expected) => {
    expect(changedAtOf({ name: 'x', ...metadata })).toBe(expected === undefined ? undefined : Date.parse(expected));
  });
});

describe('who makes it', () => {
  const owner = (apiVersion: string): object => ({ ownerReferences: [{ apiVersion, kind: 'K', name: 'x', uid: 'u' }] });
  test.each<[object, string, boolean]>([
    [{}, 'Opaque', false],
    [{ annotations: null, labels: null, ownerReferences: null }, 'Opaque', false],
    [{}, 'kubernetes.io/service-account-token', true],
    [{}, 'kubernetes.io/tls', false],
    [owner('external-secrets.io/v1'), 'Opaque', true],
    [owner('bitnami.com/v1alpha1'), 'Opaque', true],
    [owner('secrets.hashicorp.com/v1beta1'), 'Opaque', true],
    [owner('apps/v1'), 'Opaque', false],
    [owner('v1'), 'Opaque', false],
    [{ annotations: { [SECRET_SOURCE_ANNOTATION]: 'vault' } }, 'Opaque', true],
    [{ annotations: { [SECRET_SOURCE_ANNOTATION]: '' } }, 'Opaque', false],
    [{ annotations: { 'avp.kubernetes.io/path': 'kv/shop' } }, 'Opaque', true],
    [{ labels: { 'reconcile.external-secrets.io/managed': 'true' } }, 'Opaque', true],
    [{ labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, 'Opaque', false],
  ])('%j of type %s: %s', (metadata, type, expected) => {
    expect(isManaged({ name: 'x', ...metadata }, type)).toBe(expected);
  });
});
