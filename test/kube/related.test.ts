import { expect, test } from '@jest/globals';
import { InformedRelated, readLive } from '../../src/kube/related.ts';

test('--secret-access=None: neither Secrets nor what is in them is asked for, and all of it is unknown', async () => {
  const related = new InformedRelated({
    // Whatever it were asked would throw.
    client: undefined as never,
    secretAccess: 'None',
    onChange: () => {},
    onState: () => {},
    onError: () => {},
  });
  await related.ensure(['Secret', 'SecretKeys', 'ServingCertificate']);
  const cause = '--secret-access=None: the operator is set not to read secrets';
  for (const kind of ['Secret', 'SecretKeys', 'ServingCertificate'] as const) {
    expect(related.find(kind, 'shop', 'web')).toEqual({ state: 'unknown', cause });
    expect(related.unreadable(kind)).toBe(cause);
  }
  expect(related.informers.size).toBe(0);
  await related.stop();
});

test('the keys of a Secret that is read live are those of its data, whatever its managedFields say', async () => {
  const managedFields = [{ manager: 'x', operation: 'Update', fieldsV1: { 'f:data': { '.': {}, 'f:other': {} } } }];
  const metadata = { name: 'db', namespace: 'shop', managedFields };
  const client = {
    request: async (_method: string, _path: string, { accept = '' }: { accept?: string } = {}) =>
      accept.includes('as=Table')
        ? { rows: [{ cells: ['db', 'Opaque', 1, '1d'], object: { metadata } }] }
        : { metadata, type: 'Opaque', data: { password: 'eHl6enk=' } },
  };
  const answer = await readLive(client as never, 'Secret', 'shop', 'db', 1000);
  expect(answer).toMatchObject({ state: 'found', values: [{ name: 'db', keys: ['password'] }] });
  expect(JSON.stringify(answer)).not.toContain('eHl6enk=');
});
