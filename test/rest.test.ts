import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { collectAtRest } from '../src/rest.ts';
import { TestClock } from './support/testClock.ts';

let received = 0;
const collect = jest.fn();
let clock: TestClock;
let end: () => void;
beforeEach(() => {
  clock = new TestClock();
  received = 0;
  collect.mockReset();
  end = collectAtRest(clock, () => received, collect);
});
afterEach(() => end());

/** Seconds pass in each of which so many requests come. @returns how often it has been collected so far */
async function pass(seconds: number, requests: number): Promise<number> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(500);
    received += requests;
    await clock.advance(500);
  }
  return collect.mock.calls.length;
}

test('collects once after the start, and not again while next to nothing comes', async () => {
  expect(await pass(9, 0)).toBe(0);
  expect(await pass(1, 0)).toBe(1);
  expect(await pass(600, 0)).toBe(1);
  // Quiet, but for a request now and then: there is nothing to be had.
  for (let time = 0; time < 20; time++) {
    await pass(1, 1);
    await pass(60, 0);
  }
  expect(await pass(0, 0)).toBe(1);
});

test('never while requests come, and once when they cease', async () => {
  expect(await pass(600, 1)).toBe(0);
  expect(await pass(20, 0)).toBe(1);
  expect(await pass(600, 100)).toBe(1);
  expect(await pass(20, 0)).toBe(2);
  expect(await pass(600, 0)).toBe(2);
});

test('ends', async () => {
  end();
  expect(await pass(60, 0)).toBe(0);
});
