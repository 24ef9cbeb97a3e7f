import { expect, test } from '@jest/globals';
import { TokenBucket } from '../../src/kube/token-bucket.ts';

test('gives its burst at once, then one an interval, and never saves up more than the burst', () => {
  const bucket = new TokenBucket(3, 1000, 0);
  const taken = (now: number, tries: number): number =>
    Array.from({ length: tries }, () => bucket.take(now)).filter(Boolean).length;
  expect(taken(0, 5)).toBe(3);
  expect(taken(999, 1)).toBe(0);
  expect(taken(1000, 2)).toBe(1);
  expect(taken(3500, 5)).toBe(2);
  expect(taken(1_000_000, 9)).toBe(3);
});

test('a clock that goes back gives nothing and takes nothing', () => {
  const bucket = new TokenBucket(1, 1000, 5000);
  expect(bucket.take(5000)).toBe(true);
  expect(bucket.take(0)).toBe(false);
  expect(bucket.take(1000)).toBe(true);
});
