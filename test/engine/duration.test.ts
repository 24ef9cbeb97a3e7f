import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../../src/engine/duration.ts';
import { charactersOf } from '../support/arbitraries.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

describe('parseDuration', () => {
  test.each([
    ['0s', 0],
    ['250ms', 250],
    ['1s', 1000],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['0.5s', 500],
    ['1h30m', 5_400_000],
    ['1m30ms', 60_030],
    ['2160h', 7_776_000_000],
    ['1s1s', 2000],
    ['30m1h', 5_400_000],
  ])('reads %s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each([
    '',
    '5',
    's',
    '5d',
    '90d',
    '-5m',
    '+5m',
    '5 m',
    ' 5m',
    '5m ',
    '5m\n',
    '.5h',
    '5.h',
    '1e3s',
    '1h-30m',
    '5M',
    '5µs',
    '1_0s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test('adds up its parts', () => {
    const part = fc.tuple(fc.nat(9999), fc.constantFrom(['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000]));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (list) => {
        const text = list.map(([amount, [unit]]) => `${amount}${unit}`).join('');
        const expected = list.reduce((sum, [amount, [, size]]) => sum + amount * size, 0);
        expect(parseDuration(text)).toBe(expected);
      }),
    );
  });

  test('takes what the pattern for schemas takes', () => {
    const pattern = new RegExp(DURATION_PATTERN);
    fc.assert(
      fc.property(charactersOf('0123456789.mshd -', 12), (text) => {
        expect(parseDuration(text) !== undefined).toBe(pattern.test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('takes texts of up to 64 characters', () => {
    expect(parseDuration('1s'.repeat(32))).toBe(32_000);
    expect(parseDuration(`${'1s'.repeat(31)}10s`)).toBeUndefined();
  });

  // The pattern itself is in a CRD and in ajv, where nobody cuts the text.
  test.each<[string, (text: string) => unknown]>([
    ['the parser', parseDuration],
    ['the pattern', (text) => new RegExp(DURATION_PATTERN).test(text)],
  ])('%s takes linear time for hostile texts', (_, work) => {
    for (const [unit, end] of [
      ['1m', '!'],
      ['1', ''],
      ['1.', 's'],
    ] as const) {
      const text = (size: number): string => unit.repeat(size) + end;
      expect(work(text(10_000))).toBeFalsy();
      expect(slowdown(text, work, 250)).toBeLessThan(LINEAR);
    }
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'],
    [1, '1ms'],
    [250, '250ms'],
    [1000, '1s'],
    [1500, '1s500ms'],
    [30_000, '30s'],
    [300_000, '5m'],
    [5_400_000, '1h30m'],
    [3_601_000, '1h1s'],
    [7_776_000_000, '2160h'],
  ])('writes %d', (milliseconds, expected) => {
    expect(formatDuration(milliseconds)).toBe(expected);
  });

  test('writes what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.nat(100_000_000_000), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});
