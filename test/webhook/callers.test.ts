import { beforeEach, expect, test } from '@jest/globals';
import { Callers } from '../../src/webhook/callers.ts';
import { PathTokens } from '../../src/webhook/path-token.ts';
import { TestClock } from '../support/testClock.ts';

const OLD = 'f'.repeat(32);

let clock: TestClock;
let tokens: PathTokens;
/** What the configurations in the cluster have; undefined: they can't be read. */
let configured: (string | undefined)[] | undefined;
let reads: number;
let callers: Callers;
beforeEach(() => {
  clock = new TestClock();
  tokens = new PathTokens(clock);
  tokens.serve('key');
  configured = [tokens.current];
  reads = 0;
  callers = new Callers({
    clock,
    tokens,
    configured: async () => {
      reads += 1;
      if (configured === undefined) throw new Error('the API server does not answer');
      return new Set(configured);
    },
    clients: undefined,
  });
});

test('who comes by the present token is known at once, and nothing is read', () => {
  expect(callers.knows(tokens.current)).toBe(true);
  expect(reads).toBe(0);
});

test('who comes by another one, or by none, is not, and makes us read once in a second at most', async () => {
  expect(await callers.knows(undefined)).toBe(false);
  for (const token of [undefined, OLD, undefined]) expect(callers.knows(token)).toBe(false);
  expect(reads).toBe(1);
  await clock.advance(1000);
  expect(await Promise.all([callers.knows(OLD), callers.knows(undefined)])).toEqual([false, false]);
  expect(reads).toBe(2);
});

test.each([
  ['an old token, since no leader could write', OLD],
  ['none, since a version without tokens wrote them', undefined],
])('what the configurations have is right: %s', async (_, token) => {
  configured = [token];
  expect(await callers.knows(token)).toBe(true);
  expect(await callers.knows(token === undefined ? OLD : undefined)).toBe(false);
  // They are looked at again meanwhile, while nobody waits.
  await clock.advance(59_000);
  expect(callers.knows(token)).toBe(true);
  await clock.advance(0);
  expect(reads).toBe(2);
  // An API server may be a moment behind.
  configured = [tokens.current];
  await clock.advance(59_999);
  expect(callers.knows(token)).toBe(true);
  await clock.advance(1);
  expect(await callers.knows(token)).toBe(false);
});

test('while the configurations can not be read, what they had counts no longer than otherwise', async () => {
  configured = [OLD];
  expect(await callers.knows(OLD)).toBe(true);
  configured = undefined;
  await clock.advance(59_000);
  expect(await callers.knows(OLD)).toBe(true);
  await clock.advance(1000);
  expect(await callers.knows(OLD)).toBe(false);
});

test('a few strangers wait for such a read, and the others are answered without', async () => {
  const read = Promise.withResolvers<ReadonlySet<undefined>>();
  const crowded = new Callers({ clock, tokens, configured: () => read.promise, clients: undefined });
  const answers = Array.from({ length: 20 }, () => crowded.knows(undefined));
  expect(answers.filter((answer) => answer instanceof Promise)).toHaveLength(16);
  read.resolve(new Set());
  expect(await Promise.all(answers.map(async (answer) => answer))).toEqual(answers.map(() => false));
  await clock.advance(1000);
  expect(crowded.knows(undefined)).toBeInstanceOf(Promise);
});
