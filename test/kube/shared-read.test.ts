import { expect, test } from '@jest/globals';
import { SharedRead } from '../../src/kube/shared-read.ts';
import { TestClock } from '../support/testClock.ts';

const INTERVAL = 250;

test('who asks while a read is under way is answered by the next, together with all others, and not before its time', async () => {
  const clock = new TestClock();
  const begun: number[] = [];
  const read = new SharedRead(clock, INTERVAL, () => Promise.resolve(begun.push(clock.monotonic())));
  const first = [read.ask(), read.ask()];
  await clock.advance(0);
  expect(await Promise.all(first)).toEqual([1, 1]);
  await clock.advance(100);
  const later = [read.ask(), read.ask(), read.ask()];
  await clock.advance(149);
  expect(begun).toEqual([0]);
  await clock.advance(1);
  expect([await Promise.all(later), begun]).toEqual([
    [2, 2, 2],
    [0, 250],
  ]);
  expect(read.isIdle).toBe(false);
  await clock.advance(INTERVAL);
  expect(read.isIdle).toBe(true);
});

test('a read that fails is told to those who wait for it alone', async () => {
  const clock = new TestClock();
  let fails = true;
  const read = new SharedRead(clock, INTERVAL, () =>
    fails ? Promise.reject(new Error('no')) : Promise.resolve('yes'),
  );
  await expect(read.ask()).rejects.toThrow('no');
  fails = false;
  const second = read.ask();
  await clock.advance(INTERVAL);
  expect(await second).toBe('yes');
});
