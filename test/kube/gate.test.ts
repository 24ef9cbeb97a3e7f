import { expect, test } from '@jest/globals';
import { Gate } from '../../src/kube/gate.ts';

test('lets as many through as there are places, the others in their order, also past failures', async () => {
  const gate = new Gate(2);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const work = [0, 1, 2, 3, 4].map((index) =>
    gate.pass(async () => {
      started.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (index === 1) throw new Error('failed');
      return index;
    }),
  );
  const results = Promise.allSettled(work);
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  for (let index = 0; index < 5; index++) {
    ends[index]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(started).toEqual([0, 1, 2, 3, 4].slice(0, Math.min(5, index + 3)));
  }
  expect((await results).map((result) => result.status)).toEqual([
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  await expect(gate.pass(async () => 'free again')).resolves.toBe('free again');
});
