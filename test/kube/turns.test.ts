import { expect, test } from '@jest/globals';
import { CallerGone, mapInTurns, Turns } from '../../src/kube/turns.ts';
import { TestClock } from '../support/testClock.ts';

test('what is done within one turn is done at once', () => {
  const clock = new TestClock();
  expect(mapInTurns([1, 2, 3], new Turns(clock), (item) => item * 2)).toEqual([2, 4, 6]);
  expect(mapInTurns([], new Turns(clock), (item) => item)).toEqual([]);
});

/** Does three pieces of work that take 20 ms each. */
function longWork(clock: TestClock, isWanted?: () => boolean): { done: number[]; all: Promise<number[]> } {
  const done: number[] = [];
  const work = (item: number): number => {
    clock.spend(20);
    done.push(item);
    return item;
  };
  return { done, all: Promise.resolve(mapInTurns([1, 2, 3], new Turns(clock, isWanted), work)) };
}

test('what takes longer gives way, and is done in order', async () => {
  const clock = new TestClock();
  const { done, all } = longWork(clock);
  expect(done).toEqual([1, 2]);
  await clock.advance(0);
  expect(done).toEqual([1, 2, 3]);
  expect(await all).toEqual([1, 2, 3]);
});

test('what nobody waits for any more is not gone on with', async () => {
  const clock = new TestClock();
  const { done, all } = longWork(clock, () => false);
  const ended = expect(all).rejects.toThrow(CallerGone);
  await clock.advance(0);
  await ended;
  expect(done).toEqual([1, 2]);
});
