import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { LatePolicies, type LatePoliciesOptions } from '../../src/controller/late-policies.ts';

const LATE: LatePoliciesOptions = {
  exists: () => Promise.resolve(true),
  isInForce: () => false,
  hurry: () => undefined,
  mostWaiting: 100,
};

test('a policy that comes is waited for, by all with one question', async () => {
  let isInForce = false;
  let asked = 0;
  const late = new LatePolicies({
    ...LATE,
    exists: () => Promise.resolve(++asked > 0),
    isInForce: () => isInForce,
    // The watch tells nothing by itself.
    hurry: () => (isInForce = true),
  });
  expect(await Promise.all([1, 2, 3].map(() => late.judgeable('new')))).toEqual([true, true, true]);
  expect(asked).toBe(1);
});

test('a watch that works is not opened anew', async () => {
  const start = performance.now();
  let hurried = 0;
  const late = new LatePolicies({
    ...LATE,
    isInForce: () => performance.now() - start > 50,
    hurry: () => hurried++,
  });
  expect([await late.judgeable('new'), hurried]).toEqual([true, 0]);
});

test('one that does not come is not answered for; nor is one of which nothing can be found out', async () => {
  const start = performance.now();
  expect(await new LatePolicies(LATE).judgeable('new')).toBe(false);
  expect(performance.now() - start).toBeLessThan(3000);
  const exists = () => Promise.reject(new Error('no answer'));
  expect(await new LatePolicies({ ...LATE, exists }).judgeable('new')).toBe(false);
});

test('one that does not exist is no reason to wait', async () => {
  const exists = () => Promise.resolve(false);
  expect(await new LatePolicies({ ...LATE, exists }).judgeable('gone')).toBe(true);
});

test('more than may wait are turned away at once, and there is room again afterwards', async () => {
  let isInForce = false;
  const late = new LatePolicies({ ...LATE, mostWaiting: 2, isInForce: () => isInForce });
  const waiting = [late.judgeable('a'), late.judgeable('b')];
  const turnedAway = await Promise.race([late.judgeable('a'), sleep(500, 'waited')]);
  expect(turnedAway).toBe(false);
  isInForce = true;
  expect(await Promise.all(waiting)).toEqual([true, true]);
  expect(await late.judgeable('a')).toBe(true);
});
