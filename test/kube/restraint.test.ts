import { expect, test } from '@jest/globals';
import { ApiError } from '../../src/kube/client.ts';
import { Restrained, type Requester } from '../../src/kube/restraint.ts';

/** A requester that answers or refuses as it is told, and a clock. */
function made() {
  const world = { now: 0, sent: 0, error: undefined as unknown };
  const requester = {
    request: async () => {
      world.sent += 1;
      if (world.error !== undefined) throw world.error;
      return 'an answer';
    },
  } as unknown as Requester;
  const restrained = new Restrained(requester, () => world.now);
  const ask = (): Promise<unknown> => restrained.request('GET', '/api/v1/namespaces/shop').catch((error) => error);
  const asked = async (times: number): Promise<number> => {
    const before = world.sent;
    for (let turn = 0; turn < times; turn++) await ask();
    return world.sent - before;
  };
  return { world, ask, asked };
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
  const { world, ask, asked } = made();
  world.error = tooMany(3);
  await ask();
  world.error = undefined;
  expect(await asked(100)).toBe(5);
  expect(await ask()).toMatchObject({ status: 429 });
  world.now = 1000;
  expect(await asked(100)).toBe(5);
  world.now = 2999;
  expect(await asked(100)).toBe(5);
  world.now = 3000;
  expect(await asked(100)).toBe(100);
});

test('a server that says no time, or one that is absurd', async () => {
  const { world, ask, asked } = made();
  world.error = tooMany();
  await ask();
  world.error = undefined;
  world.now = 1000;
  expect(await asked(100)).toBe(100);
  world.error = tooMany(1e9);
  await ask();
  world.error = undefined;
  world.now = 62_000;
  expect(await asked(100)).toBe(100);
});
