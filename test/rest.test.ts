import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { collectAtRest } from '../src/rest.ts';

let received = 0;
const collect = jest.fn();
let end: () => void;
beforeEach(() => {
  jest.useFakeTimers();
  received = 0;
  collect.mockReset();
  end = collectAtRest(() => received, collect);
});
afterEach(() => {
  end();
  jest.useRealTimers();
});

/** Seconds pass in each of which so many requests come. @returns how often it has been collected so far */
function pass(seconds: number, requests: number): number {
  for (let second = 0; second < seconds; second++) {
    jest.advanceTimersByTime(500);
    received += requests;
    jest.advanceTimersByTime(500);
  }
  return collect.mock.calls.length;
}

test('collects once after the start, and not again while next to nothing comes', () => {
  expect(pass(9, 0)).toBe(0);
  expect(pass(1, 0)).toBe(1);
  expect(pass(600, 0)).toBe(1);
  // Quiet, but for a request now and then: there is nothing to be had.
  for (let time = 0; time < 20; time++) {
    pass(1, 1);
    pass(60, 0);
  }
  expect(pass(0, 0)).toBe(1);
});

test('never while requests come, and once when they cease', () => {
  expect(pass(600, 1)).toBe(0);
  expect(pass(20, 0)).toBe(1);
  expect(pass(600, 100)).toBe(1);
  expect(pass(20, 0)).toBe(2);
  expect(pass(600, 0)).toBe(2);
});

test('ends', () => {
  end();
  expect(pass(60, 0)).toBe(0);
});
