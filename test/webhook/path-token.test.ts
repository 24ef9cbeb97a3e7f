import { beforeEach, expect, test } from '@jest/globals';
import { bareFor, PathTokens, withoutToken, withToken } from '../../src/webhook/path-token.ts';
import { TestClock } from '../support/testClock.ts';

const HOUR = 3_600_000;
let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
});

/** The tokens of a replica that serves a key. */
function serving(key: string, on = clock): PathTokens {
  const tokens = new PathTokens(on);
  tokens.serve(key);
  return tokens;
}

test('it is put before a path and taken off again; what only looks like one is a part of the path', () => {
  const token = serving('key').current ?? '';
  // A segment of a path in a webhook configuration must be a DNS subdomain.
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  expect(withoutToken(withToken(token, '/validate/workloads/a'))).toEqual({ token, path: '/validate/workloads/a' });
  expect(withToken(undefined, '/validate/policies')).toBe('/validate/policies');
  for (const path of ['/validate/policies', '/t/short/validate/policies', `/t/${token}`, `/x/t/${token}/healthz`]) {
    expect(withoutToken(path)).toEqual({ token: undefined, path });
  }
});

test('replicas of one key make the same, without a key there is none, and another key makes another', () => {
  expect(serving('key').current).toBe(serving('key').current);
  expect(serving('key').isGood(serving('key').current ?? '')).toBe(true);
  expect(serving('other').isGood(serving('key').current ?? '')).toBe(false);
  const none = new PathTokens(clock);
  expect(none.current).toBeUndefined();
  expect(none.isGood(serving('key').current ?? '')).toBe(false);
});

test('one is good in its own hour and the next, also for a clock that is an hour behind', () => {
  const tokens = serving('key');
  const token = tokens.current ?? '';
  const after = (hours: number): boolean => {
    clock.jump(hours * HOUR);
    const isGood = tokens.isGood(token);
    clock.jump(-hours * HOUR);
    return isGood;
  };
  expect([-2, -1, 0, 1, 2].map(after)).toEqual([false, true, true, true, false]);
});

test('after another key has come, those of the old one are good for an hour more, whatever the time of day does', async () => {
  const tokens = serving('old');
  const old = tokens.current ?? '';
  tokens.serve('new');
  expect(tokens.current).toBe(serving('new').current);
  expect(tokens.isGood(old)).toBe(true);
  tokens.serve('new');
  await clock.advance(HOUR - 1);
  expect(tokens.isGood(serving('old').current ?? '')).toBe(true);
  await clock.advance(1);
  expect(tokens.isGood(serving('old').current ?? '')).toBe(false);
});

test('it is told each time that another hour has begun, also by a jump of the clock', async () => {
  let told = 0;
  const cancel = serving('key').onRenewal(() => told++);
  await clock.advance(HOUR);
  expect(told).toBe(1);
  clock.jump(5 * HOUR);
  await clock.advance(60_000);
  expect(told).toBe(2);
  cancel();
  await clock.advance(3 * HOUR);
  expect(told).toBe(2);
});

test('a leader that finds paths without tokens leaves them so for a while, since older replicas know no others', () => {
  const token = serving('key').current;
  const paths = ['/validate/policies', '/validate/workloads/all'];
  expect(bareFor(paths)).toBe(600_000);
  expect(bareFor(paths.map((path) => withToken(token, path)))).toBe(0);
  // Nobody is asked yet.
  expect(bareFor([])).toBe(0);
});
