import { expect, test } from '@jest/globals';
import { templateHash } from '../../src/policy/template-hash.ts';

const pod = (image: string, more: object = {}) => ({ spec: { containers: [{ name: 'app', image, ...more }] } });

test('a template has one hash, whoever copied it, and another one has another', () => {
  expect(templateHash(pod('shop/app:1'))).toMatch(/^[0-9a-f]{32}$/);
  expect(templateHash(pod('shop/app:1', { resources: {} }))).toBe(templateHash(pod('shop/app:1')));
  expect(templateHash(pod('shop/app:2'))).not.toBe(templateHash(pod('shop/app:1')));
});
