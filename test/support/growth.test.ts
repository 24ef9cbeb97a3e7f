import { expect, test } from '@jest/globals';
import { LINEAR, slowdown } from './growth.ts';

/** Something to do, so many times. */
function work(times: number): number {
  let sum = 0;
  for (let i = 0; i < times; i++) sum = (sum + i) % 1009;
  return sum;
}

test('linear time is told from quadratic time', () => {
  const size = (n: number): number => n;
  expect(slowdown(size, work, 1000)).toBeLessThan(LINEAR);
  expect(slowdown(size, (n) => work(n * n), 100)).toBeGreaterThan(LINEAR);
});
