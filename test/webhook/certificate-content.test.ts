import { describe, expect, test } from '@jest/globals';
import { contentOf, dataOf, isOwn, read } from '../../src/webhook/certificate-content.ts';
import { authority, leafOf, textsOf } from '../support/certificates.ts';

describe('isOwn', () => {
  const own = { 'app.kubernetes.io/managed-by': 'readiness-operator' };
  test.each([
    ['ours', { labels: own }, true],
    ['of nobody', {}, false],
    ['of Helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, false],
    ['taken over by cert-manager', { labels: own, annotations: { 'cert-manager.io/certificate-name': 'x' } }, false],
  ])('%s', (_name, metadata, expected) => {
    expect(isOwn({ metadata })).toBe(expected);
  });
});

describe('contentOf', () => {
  test('reads what dataOf wrote', async () => {
    const ca = await authority();
    const texts = textsOf(await leafOf(ca), [ca]);
    expect(contentOf({ metadata: {}, data: dataOf(texts) })).toMatchObject({ texts, flaw: undefined });
  });

  test.each([
    ['null', null, 'tls.crt is missing'],
    ['no key', { 'tls.crt': 'x' }, 'tls.key is missing'],
    ['no PEM', { 'tls.crt': 'x', 'tls.key': 'x' }, 'tls.crt is no PEM certificate'],
    [
      'PEM of nothing',
      { 'tls.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'tls.key': 'x' },
      'tls.crt is no PEM certificate',
    ],
  ])('says what is wrong: %s', (_name, texts, flaw) => {
    const data = texts === null ? null : dataOf({ 'ca.crt': '', 'ca.key': '', 'tls.key': '', ...texts });
    expect(contentOf({ metadata: {}, data })).toMatchObject({ leaf: undefined, flaw, authorities: [] });
  });

  test('a key that is none is told without its text', async () => {
    const ca = await authority();
    const { flaw } = read({ ...textsOf(await leafOf(ca), [ca]), 'tls.key': 'hunter2' });
    expect(flaw).toBe('tls.key is no private key in PEM without a passphrase');
  });

  test('without ca.crt a self-signed certificate vouches for itself, any other is left to the system', async () => {
    const ca = await authority();
    const alone = read({ 'tls.crt': ca.cert, 'tls.key': ca.key, 'ca.crt': '', 'ca.key': '' });
    expect(alone.authorities).toHaveLength(1);
    expect(alone.leaf?.isFrom(alone.authorities[0]!)).toBe(true);
    const leaf = await leafOf(ca);
    expect(read({ 'tls.crt': leaf.cert, 'tls.key': leaf.key, 'ca.crt': '', 'ca.key': '' }).authorities).toEqual([]);
  });

  test('a chain is from the authority of its last link, and no authority counts twice', async () => {
    const ca = await authority();
    const other = await authority();
    const leaf = await leafOf(ca);
    const content = read({ ...textsOf(leaf, [ca, ca, other]), 'tls.crt': leaf.cert + ca.cert });
    expect(content.authorities.map((one) => content.leaf?.isFrom(one))).toEqual([true, false]);
  });
});
