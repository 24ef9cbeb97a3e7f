import { beforeEach, expect, test } from '@jest/globals';
import { LatePolicies, type LatePoliciesOptions } from '../../src/controller/late-policies.ts';
import { TestClock } from '../support/testClock.ts';

let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
});

const made = (more: Partial<LatePoliciesOptions> = {}): LatePolicies =>
  new LatePolicies({
    clock,
    exists: () => Promise.resolve(true),
    isInForce: () => false,
    hurry: () => undefined,
    mostWaiting: 100,
    ...more,
  });

test('a policy that comes is waited for, by all with one question', async () => {
  let isInForce = false;
  let asked = 0;
  const late = made({
    exists: () => Promise.resolve(++asked > 0),
    isInForce: () => isInForce,
    // The watch tells nothing by itself.
    hurry: () => (isInForce = true),
  });
  const judgeable = Promise.all([1, 2, 3].map(() => late.judgeable('new')));
  await clock.advance(200);
  expect(await judgeable).toEqual([true, true, true]);
  expect(asked).toBe(1);
});

test('a watch that works is not opened anew', async () => {
  let hurried = 0;
  const late = made({ isInForce: () => clock.monotonic() > 50, hurry: () => hurried++ });
  const judgeable = late.judgeable('new');
  await clock.advance(200);
  expect([await judgeable, hurried]).toEqual([true, 0]);
});

test('one that does not come is not answered for after 2.5 s; nor is one of which nothing can be found out', async () => {
  let answer: boolean | undefined;
  const judgeable = made()
    .judgeable('new')
    .then((is) => (answer = is));
  await clock.advance(2400);
  expect(answer).toBeUndefined();
  await clock.advance(100);
  expect([await judgeable, answer]).toEqual([false, false]);
  const exists = () => Promise.reject(new Error('no answer'));
  expect(await made({ exists }).judgeable('new')).toBe(false);
});

test('one that does not exist is no reason to wait', async () => {
  expect(await made({ exists: () => Promise.resolve(false) }).judgeable('gone')).toBe(true);
});

test('more than may wait are turned away at once, and there is room again afterwards', async () => {
  let isInForce = false;
  const late = made({ mostWaiting: 2, isInForce: () => isInForce });
  const waiting = [late.judgeable('a'), late.judgeable('b')];
  // Time stands still: whoever is answered now did not wait.
  expect(await late.judgeable('a')).toBe(false);
  isInForce = true;
  await clock.advance(25);
  expect(await Promise.all(waiting)).toEqual([true, true]);
  expect(await late.judgeable('a')).toBe(true);
});
