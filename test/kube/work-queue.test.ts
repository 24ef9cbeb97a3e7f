import { beforeEach, expect, test } from '@jest/globals';
import { WorkQueue } from '../../src/kube/work-queue.ts';
import { TestClock } from '../support/testClock.ts';

let clock: TestClock;
/** Keys in the order in which they were done, failures included. */
let done: string[];
/** Waiting times before the next try, as they were told. */
let retries: number[];
/** Keys that fail as long as they are here. */
let failing: Set<string>;
let queue: WorkQueue;
beforeEach(() => {
  clock = new TestClock();
  done = [];
  retries = [];
  failing = new Set();
  queue = new WorkQueue({
    clock,
    reconcile: async (key) => {
      done.push(key);
      if (failing.has(key)) throw new Error('not yet');
    },
    onError: (_key, _error, retryIn) => retries.push(retryIn),
  });
});

test('a key that is added again while it waits is done once', async () => {
  for (const key of ['a', 'b', 'a']) queue.add(key);
  await clock.advance(0);
  expect(done).toEqual(['a', 'b']);
});

test('a key that is added while it is done is done once more after, never twice at one time', async () => {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const turns = [first.promise, second.promise];
  let active = 0;
  const slow = new WorkQueue({
    clock,
    concurrency: 4,
    reconcile: async (key) => {
      expect(++active).toBe(1);
      done.push(key);
      await turns.shift();
      active -= 1;
    },
    onError: (_key, error) => done.push(String(error)),
  });
  slow.add('a');
  await clock.advance(0);
  slow.add('a');
  slow.add('a');
  await clock.advance(0);
  expect([done, slow.size]).toEqual([['a'], 2]);
  first.resolve();
  await clock.advance(0);
  second.resolve();
  await clock.advance(0);
  expect([done, slow.size]).toEqual([['a', 'a'], 0]);
});

test('a key that fails comes back later and later, up to a minute, and soon again after a success', async () => {
  failing.add('a');
  queue.add('a');
  await clock.advance(0);
  for (let time = 0; time < 14; time++) await clock.advance(retries.at(-1) ?? 0);
  // With the least chance: half of 100 ms, doubled each time, and half of a minute at the end.
  expect(retries.slice(0, 4)).toEqual([50, 100, 200, 400]);
  expect(retries.slice(-2)).toEqual([30_000, 30_000]);
  clock.chance = 0.999;
  await clock.advance(retries.at(-1) ?? 0);
  expect(retries.at(-1)).toBeCloseTo(60_000, -2);

  failing.clear();
  queue.add('a');
  await clock.advance(0);
  failing.add('a');
  clock.chance = 0;
  queue.add('a');
  await clock.advance(0);
  expect(retries.at(-1)).toBe(50);
});

test('one that fails holds up no other', async () => {
  failing.add('a');
  for (const key of ['a', 'b']) queue.add(key);
  await clock.advance(0);
  expect(done).toEqual(['a', 'b']);
});

test('of several times for one key the soonest counts, and adding it at once takes its place', async () => {
  queue.addAfter('a', 5000);
  queue.addAfter('a', 2000);
  queue.addAfter('a', 9000);
  await clock.advance(1999);
  expect(done).toEqual([]);
  await clock.advance(1);
  expect(done).toEqual(['a']);
  await clock.advance(60_000);
  expect(done).toEqual(['a']);

  queue.addAfter('b', 5000);
  queue.add('b');
  await clock.advance(60_000);
  expect(done).toEqual(['a', 'b']);
});

test("a machine's clock that is set back holds nothing up", async () => {
  queue.addAfter('a', 5000);
  clock.jump(-3_600_000);
  queue.addAfter('a', 2000);
  await clock.advance(2000);
  expect(done).toEqual(['a']);
});

test('after the stop nothing is taken and nothing is begun', async () => {
  queue.add('a');
  queue.addAfter('b', 1000);
  queue.stop();
  queue.add('c');
  await clock.advance(60_000);
  expect([done, queue.size, clock.pending]).toEqual([[], 0, []]);
});
