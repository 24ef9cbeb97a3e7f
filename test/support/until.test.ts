import { expect, test } from '@jest/globals';
import { until } from './until.ts';

test('asks until there is an answer, and gives that; an error is none', async () => {
  const answers = [
    () => false as const,
    () => undefined,
    () => {
      throw new Error('not there');
    },
    () => 0,
  ];
  expect(await until('a number', () => answers.shift()?.())).toBe(0);
  expect(answers).toEqual([]);
});

test('says what was awaited, and why it is not there by the last time it asked', async () => {
  const refused = async (): Promise<true> => Promise.reject(new Error('refused'));
  await expect(until('an answer', refused, 0)).rejects.toThrow('waited 0 s for an answer, in vain; last: refused');
  await expect(until('an answer', () => false, 0)).rejects.toThrow(/^waited 0 s for an answer, in vain$/);
});
