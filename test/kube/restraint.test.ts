import { expect, test } from '@jest/globals';
import { ApiError } from '../../src/kube/client.ts';
import { Restrained, type Requester } from '../../src/kube/restraint.ts';
import { TestClock } from '../support/testClock.ts';

/** A requester that answers or refuses as it is told, and a clock. */
function made() {
  const clock = new TestClock();
  const world = { sent: 0, error: undefined as unknown };
  const requester = {
    request: async () => {
      world.sent += 1;
      if (world.error !== undefined) throw world.error;
      return 'an answer';
    },
  } as unknown as Requester;
  const restrained = new Restrained(requester, clock);
  const ask = (): Promise<unknown> => restrained.request('GET', '/api/v1/namespaces/shop').catch((error) => error);
  const asked = async (times: number): Promise<number> => {
    const before = world.sent;
    for (let turn = 0; turn < times; turn++) await ask();
    return world.sent - before;
  };
  return { clock, world, ask, asked };
}

const tooMany = (retryAfter?: number) => new ApiError(429, 'TooManyRequests', 'please try again later', retryAfter);

test('as many as come', async () => {
  const { world, ask, asked } = made();
  expect(await asked(100)).toBe(100);
  expect(await ask()).toBe('an answer');
  // Another error is no reason to ask less.
  world.error = new ApiError(500, 'InternalError', 'broken');
  expect(await asked(100)).toBe(100);
});

test('after a refusal a few a second, for as long as the server asked', async () => {
  const { clock, world, ask, asked } = made();
  world.error = tooMany(3);
  await ask();
  world.error = undefined;
  expect(await asked(100)).toBe(5);
  expect(await ask()).toMatchObject({ status: 429 });
  await clock.advance(1000);
  expect(await asked(100)).toBe(5);
  await clock.advance(1999);
  expect(await asked(100)).toBe(5);
  await clock.advance(1);
  expect(await asked(100)).toBe(100);
});

test('a server that says no time, or one that is absurd', async () => {
  const { clock, world, ask, asked } = made();
  world.error = tooMany();
  await ask();
  world.error = undefined;
  await clock.advance(1000);
  expect(await asked(100)).toBe(100);
  world.error = tooMany(1e9);
  await ask();
  world.error = undefined;
  await clock.advance(61_000);
  expect(await asked(100)).toBe(100);
});
