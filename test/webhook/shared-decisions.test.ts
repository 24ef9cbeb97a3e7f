import { describe, expect, test } from '@jest/globals';
import type { Decision } from '../../src/webhook/review.ts';
import { contentOf, SharedDecisions } from '../../src/webhook/shared-decisions.ts';
import { TestClock } from '../support/testClock.ts';

const decided = (kind: string): Decision => ({ response: { allowed: true }, decision: 'allowed', kind, errors: [] });

describe('the content of a request', () => {
  const body = (uid: string, more = ''): Buffer => Buffer.from(`{"request":{"uid":"${uid}","kind":{}${more}}}`);

  test('is the same for all calls that are made for it', () => {
    expect(contentOf(body('a'), 'a')).toBe(contentOf(body('b'), 'b'));
    expect(contentOf(body('é"'.replace('"', '')), 'é')).toBe(contentOf(body('b'), 'b'));
  });

  test('is another one if anything else differs', () => {
    const other = body('a', ',"dryRun":true');
    expect(contentOf(other, 'a')).not.toBe(contentOf(body('a'), 'a'));
    // A uid is looked for once: what stands later is part of an object.
    expect(contentOf(body('a', ',"uid":"a"'), 'a')).not.toBe(contentOf(body('a', ',"uid":"b"'), 'a'));
    expect(contentOf(Buffer.from('{"uid" : "a"}'), 'a')).not.toBe(contentOf(Buffer.from('{"uid" : "b"}'), 'b'));
  });
});

describe('a decision', () => {
  const by = {};

  /** Decides for the routes a, b and c, and tells how often. */
  function sharing(clock = new TestClock()) {
    const shared = new SharedDecisions(clock);
    let asked = 0;
    const decide = (): Decision => {
      asked += 1;
      const elsewhere = new Map(['b', 'c'].map((route) => [route, decided(`${route}${asked}`)]));
      return { ...decided(`a${asked}`), elsewhere };
    };
    return {
      ask: async (route: string, content = 'x', world: object = by): Promise<string> =>
        (await shared.decision(content, route, world, decide)).kind,
      shared,
    };
  }

  test('is made once for all routes', async () => {
    const { ask } = sharing();
    expect([await ask('a'), await ask('b'), await ask('c')]).toEqual(['a1', 'b1', 'c1']);
  });

  test('is made anew when a route comes again: that is another request', async () => {
    const { ask } = sharing();
    expect([await ask('a'), await ask('b'), await ask('b')]).toEqual(['a1', 'b1', 'a2']);
    expect([await ask('a'), await ask('a')]).toEqual(['a3', 'a4']);
  });

  test('holds for nothing else', async () => {
    const { ask } = sharing();
    expect([await ask('a'), await ask('b', 'y')]).toEqual(['a1', 'a2']);
    expect([await ask('a'), await ask('b', 'x', {})]).toEqual(['a3', 'a4']);
  });

  test('is forgotten after a second', async () => {
    const clock = new TestClock();
    const { ask } = sharing(clock);
    await ask('a');
    await clock.advance(1000);
    expect(await ask('b')).toBe('a2');
  });

  test('is forgotten when there are many newer ones', async () => {
    const { ask } = sharing();
    await ask('a');
    for (let index = 0; index < 64; index++) await ask('a', String(index));
    expect(await ask('b')).toBe('a66');
    expect(await ask('b', '63')).toBe('b65');
  });

  test('that is being made is waited for', async () => {
    const shared = new SharedDecisions(new TestClock());
    let tell: (decision: Decision) => void = () => undefined;
    const first = shared.decision('x', 'a', by, () => new Promise<Decision>((resolve) => (tell = resolve)));
    const second = shared.decision('x', 'b', by, () => decided('anew'));
    tell({ ...decided('a'), elsewhere: new Map([['b', decided('shared')]]) });
    expect(await first).toMatchObject({ kind: 'a' });
    expect(await second).toMatchObject({ kind: 'shared' });
  });

  test('that fails fails for its own caller alone', async () => {
    const shared = new SharedDecisions(new TestClock());
    let fail: (error: Error) => void = () => undefined;
    const first = shared.decision('x', 'a', by, () => new Promise<Decision>((_, reject) => (fail = reject)));
    const others = ['b', 'c'].map(async (route) => shared.decision('x', route, by, () => decided(route)));
    fail(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect(await Promise.all(others)).toMatchObject([{ kind: 'b' }, { kind: 'c' }]);
  });
});
