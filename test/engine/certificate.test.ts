import { expect, test } from '@jest/globals';
import { certificateFrom, speaksFor } from '../../src/engine/certificate.ts';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';

const FROM = new Date('2026-01-01T00:00:00Z');
const TO = new Date('2027-01-01T00:00:00Z');

test('hosts and end of the first certificate of a chain; addresses are no hosts', async () => {
  const authority = await issueAuthority('a', FROM, new Date('2030-01-01T00:00:00Z'));
  const { cert } = await issueLeaf(authority, ['Shop.example.com', '*.example.com', '10.0.0.1'], FROM, TO);
  const expected = { hosts: ['shop.example.com', '*.example.com'], notAfter: TO.getTime() };
  expect(certificateFrom(cert)).toEqual(expected);
  expect(certificateFrom(`subject=/CN=x\n${cert}\n${authority.cert}`)).toEqual(expected);
  // The common name does not count.
  expect(certificateFrom(authority.cert)?.hosts).toEqual([]);
});

test('a name that tries to be two stays one', async () => {
  const authority = await issueAuthority('a', FROM, TO);
  const { cert } = await issueLeaf(authority, ['evil.example.com, DNS:bank.example.com'], FROM, TO);
  expect(certificateFrom(cert)?.hosts).toEqual(['evil.example.com, dns:bank.example.com']);
});

test('what is no certificate', async () => {
  const { cert, key } = await issueAuthority('a', FROM, TO);
  for (const text of ['', 'x', key, cert.replace(/M/g, 'N'), cert.slice(0, 200)]) {
    expect(certificateFrom(text)).toBeUndefined();
  }
});

// RFC 6125, 6.4.3.
test.each<[string, string, boolean]>([
  ['shop.example.com', 'shop.example.com', true],
  ['Shop.Example.com', 'shop.example.COM', true],
  ['shop.example.com.', 'shop.example.com', true],
  ['shop.example.com', 'www.example.com', false],
  ['example.com', 'shop.example.com', false],
  ['*.example.com', 'shop.example.com', true],
  ['*.example.com', 'SHOP.example.com', true],
  ['*.example.com', 'example.com', false],
  ['*.example.com', '.example.com', false],
  ['*.example.com', 'a.b.example.com', false],
  ['*.example.com', 'shop.example.org', false],
  ['*.example.com', '*.example.com', true],
  ['*.example.com', '*.shop.example.com', false],
  ['*.*.example.com', 'a.b.example.com', false],
  ['s*.example.com', 'shop.example.com', false],
  ['shop.*.com', 'shop.example.com', false],
  ['*', 'localhost', false],
  ['shop.example.com', '*.example.com', false],
])('%s speaks for %s: %s', (name, host, expected) => {
  expect(speaksFor(name, host)).toBe(expected);
});
