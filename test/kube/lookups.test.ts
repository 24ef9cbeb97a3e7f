import { expect, test } from '@jest/globals';
import type { Answer } from '../../src/engine/related.ts';
import { Lookups } from '../../src/kube/lookups.ts';
import { TestClock } from '../support/testClock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function made(read: (name: string) => Answer<string>) {
  const world = { clock: new TestClock(), reads: [] as string[], changes: [] as string[] };
  const lookups = new Lookups<string>({
    read: async (namespace, name) => {
      world.reads.push(`${namespace}/${name}`);
      return read(name);
    },
    onChange: (namespace, name) => world.changes.push(`${namespace}/${name}`),
    clock: world.clock,
  });
  return { lookups, world };
}

test('asks once, tells when the answer is there, and keeps it', async () => {
  const { lookups, world } = made(() => ({ state: 'absent' }));
  expect([lookups.find('a', 'x'), lookups.find('a', 'x')]).toEqual([undefined, undefined]);
  await turn();
  expect(world.changes).toEqual(['a/x']);
  expect(lookups.find('a', 'x')).toEqual({ state: 'absent' });
  await turn();
  expect(world.reads).toEqual(['a/x']);
});

test('an old answer is given while it is asked for anew, and only a new one is told', async () => {
  let answer: Answer<string> = { state: 'absent' };
  const { lookups, world } = made(() => answer);
  lookups.find('a', 'x');
  await turn();
  await world.clock.advance(61_000);
  expect(lookups.find('a', 'x')).toEqual({ state: 'absent' });
  await turn();
  expect([world.reads.length, world.changes.length]).toEqual([2, 1]);
  answer = { state: 'found', values: ['it'] };
  await world.clock.advance(61_000);
  lookups.find('a', 'x');
  await turn();
  expect(world.changes.length).toBe(2);
  expect(lookups.find('a', 'x')).toEqual(answer);
  await world.clock.advance(601_000);
  expect(lookups.find('a', 'x')).toBeUndefined();
});

test('an answer about a known version holds until there is another; one that failed is asked for again', async () => {
  let answer: Answer<string> = { state: 'found', values: ['first'] };
  const { lookups, world } = made(() => answer);
  const find = async (version: string): Promise<unknown> => {
    const found = lookups.find('a', 'x', version);
    await turn();
    return found;
  };
  expect([await find('1'), await find('1')]).toEqual([undefined, answer]);
  await world.clock.advance(100_000_000);
  expect([await find('1'), world.reads.length, world.changes.length]).toEqual([answer, 1, 1]);
  // The same answer about another version is told too: until then there was none.
  expect([await find('2'), await find('2')]).toEqual([undefined, answer]);
  expect([world.reads.length, world.changes.length]).toEqual([2, 2]);

  answer = { state: 'unknown', cause: 'timeout' };
  expect([await find('3'), await find('3'), world.reads.length]).toEqual([undefined, answer, 3]);
  await world.clock.advance(61_000);
  answer = { state: 'found', values: ['third'] };
  expect(await find('3')).toEqual({ state: 'unknown', cause: 'timeout' });
  expect([await find('3'), world.reads.length]).toEqual([answer, 4]);
});

test('is bounded, and stops', async () => {
  const { lookups, world } = made(() => ({ state: 'absent' }));
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 5000; index++) lookups.find('a', `x${round}-${index}`);
    for (let turns = 0; turns < 30_000 && world.reads.length < (round + 1) * 5000; turns++) await turn();
  }
  expect(world.reads.length).toBe(15_000);
  expect(lookups.find('a', 'x2-1')).toBeDefined();
  expect(lookups.find('a', 'x0-1')).toBeUndefined();
  lookups.stop();
  expect(lookups.find('a', 'x2-1')).toBeUndefined();
});
