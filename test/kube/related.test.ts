import { expect, test } from '@jest/globals';
import { InformedRelated } from '../../src/kube/related.ts';

test('--secret-access=None: neither Secrets nor the certificates in them are asked for, and both are unknown', async () => {
  const related = new InformedRelated({
    // Whatever it were asked would throw.
    client: undefined as never,
    secretAccess: 'None',
    onChange: () => {},
    onState: () => {},
    onError: () => {},
  });
  await related.ensure(['Secret', 'ServingCertificate']);
  const cause = '--secret-access=None: the operator is set not to read secrets';
  for (const kind of ['Secret', 'ServingCertificate'] as const) {
    expect(related.find(kind, 'shop', 'web')).toEqual({ state: 'unknown', cause });
    expect(related.unreadable(kind)).toBe(cause);
  }
  expect(related.informers.size).toBe(0);
  await related.stop();
});
