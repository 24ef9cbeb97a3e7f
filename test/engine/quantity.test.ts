import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ONE, parseQuantity, QUANTITY_PATTERN } from '../../src/engine/quantity.ts';
import { charactersOf } from '../support/arbitraries.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

const LARGEST = (2n ** 63n - 1n) * ONE;
const SUFFIXES = ['', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'E', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** What Kubernetes itself makes of texts. */
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'quantities.json'), 'utf8')) as {
  readonly cases: readonly (readonly [text: string, value: string | null])[];
};

/** Value of a suffix as a fraction. */
const WORTH: Readonly<Record<string, readonly [bigint, bigint]>> = {
  '': [1n, 1n],
  n: [1n, 1_000_000_000n],
  u: [1n, 1_000_000n],
  m: [1n, 1000n],
  k: [1000n, 1n],
  M: [1_000_000n, 1n],
  G: [1_000_000_000n, 1n],
  T: [1_000_000_000_000n, 1n],
  P: [1_000_000_000_000_000n, 1n],
  E: [1_000_000_000_000_000_000n, 1n],
  Ki: [1024n, 1n],
  Mi: [1024n ** 2n, 1n],
  Gi: [1024n ** 3n, 1n],
  Ti: [1024n ** 4n, 1n],
  Pi: [1024n ** 5n, 1n],
  Ei: [1024n ** 6n, 1n],
};

interface Parts {
  readonly sign: string;
  readonly whole: string;
  readonly fraction: string | undefined;
  readonly suffix: string;
  readonly exponent: number | undefined;
}

function textOf({ sign, whole, fraction, suffix, exponent }: Parts): string {
  const number = sign + whole + (fraction === undefined ? '' : `.${fraction}`);
  return number + (exponent === undefined ? suffix : `e${exponent}`);
}

/** The value in billionths, reckoned as a fraction and rounded only at the end. */
function reference({ sign, whole, fraction = '', suffix, exponent }: Parts): bigint {
  let numerator = ONE;
  let denominator = 1n;
  let digits = 0n;
  for (const digit of whole) digits = digits * 10n + BigInt(digit);
  for (const digit of fraction) {
    digits = digits * 10n + BigInt(digit);
    denominator *= 10n;
  }
  numerator *= digits;
  const [up, down] = exponent === undefined ? (WORTH[suffix] ?? [0n, 1n]) : [1n, 1n];
  numerator *= up;
  denominator *= down;
  for (let i = 0; i < (exponent ?? 0); i++) numerator *= 10n;
  for (let i = 0; i > (exponent ?? 0); i--) denominator *= 10n;
  const rounded = numerator / denominator + (numerator % denominator === 0n ? 0n : 1n);
  const value = rounded > LARGEST ? LARGEST : rounded;
  return sign === '-' ? -value : value;
}

const digits = (maxLength: number, minLength = 0): fc.Arbitrary<string> =>
  charactersOf('0123456789', maxLength, minLength);

const quantity: fc.Arbitrary<Parts> = fc.record({
  sign: fc.constantFrom('', '+', '-'),
  whole: digits(22, 1),
  fraction: fc.option(digits(14), { nil: undefined }),
  suffix: fc.constantFrom(...SUFFIXES),
  exponent: fc.option(fc.integer({ min: -40, max: 40 }), { nil: undefined }),
});

function value(text: string | number): bigint {
  const parsed = parseQuantity(text);
  if (parsed === undefined) throw new Error(`${text} is no quantity`);
  return parsed;
}

describe('parseQuantity', () => {
  test.each(cases)('reads %j as Kubernetes does', (text, expected) => {
    expect(parseQuantity(text)?.toString() ?? null).toBe(expected);
  });

  // Kubernetes' parser takes these for 0, against its own grammar; whoever writes them forgot the number.
  test.each(['.', '-', '+', 'M', 'Gi', 'm', 'E', '-.5.'])('refuses %j, which holds no number', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  test('agrees with an exact reference', () => {
    fc.assert(
      fc.property(quantity, (parts) => {
        expect(parseQuantity(textOf(parts))).toBe(reference(parts));
      }),
      { numRuns: 3000 },
    );
  });

  test('takes exactly what the pattern for schemas takes, and the same below 0', () => {
    const pattern = new RegExp(QUANTITY_PATTERN);
    const text = fc.oneof(quantity.map(textOf), charactersOf('0123456789.eE+-numkKMGTPi ', 8));
    fc.assert(
      fc.property(text, (source) => {
        expect(parseQuantity(source) !== undefined).toBe(pattern.test(source.replace(/^-(?![+-])/, '')));
        if (source.startsWith('-')) expect(source).not.toMatch(pattern);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    [0, 0n],
    [1, ONE],
    [0.5, ONE / 2n],
    [1e21, LARGEST],
    [1e-9, 1n],
    [1e-7, 100n],
    [67108864, 67108864n * ONE],
  ])('reads the number %d that YAML made of it', (number, expected) => {
    expect(parseQuantity(number)).toBe(expected);
  });

  test.each([Number.NaN, Infinity, -Infinity])('refuses the number %d', (number) => {
    expect(parseQuantity(number)).toBeUndefined();
  });

  test('relates the suffixes to one another', () => {
    const scale = fc.nat(5000);
    fc.assert(
      fc.property(scale, (n) => {
        for (const [large, small, factor] of [
          ['', 'm', 1000],
          ['m', 'u', 1000],
          ['u', 'n', 1000],
          ['k', '', 1000],
          ['M', 'k', 1000],
          ['G', 'M', 1000],
          ['T', 'G', 1000],
          ['P', 'T', 1000],
          ['Ki', '', 1024],
          ['Mi', 'Ki', 1024],
          ['Gi', 'Mi', 1024],
          ['Ti', 'Gi', 1024],
          ['Pi', 'Ti', 1024],
        ] as const) {
          expect(value(`${n}${large}`)).toBe(value(`${n * factor}${small}`));
        }
        expect(value(`${n}k`)).toBe(value(`${n}e3`));
        expect(value(`${n}M`)).toBe(value(`${n}E6`));
        expect(value(`${n}E3`)).toBe(value(`${n}e+3`));
      }),
    );
    expect(value('1E')).toBe(value('1000P'));
    expect(value('1Ei')).toBe(value('1024Pi'));
  });

  test('keeps order', () => {
    const number = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(
        number,
        number,
        fc.constantFrom(...SUFFIXES.filter((suffix) => !/[PE]/.test(suffix))),
        (a, b, suffix) => {
          const [x, y] = [value(`${a}${suffix}`), value(`${b}${suffix}`)];
          expect(Math.sign(Number(x - y))).toBe(Math.sign(a - b));
        },
      ),
    );
  });

  test('does not care for leading zeros, trailing zeros of a fraction and a plus', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        digits(6, 1),
        digits(5).map((text) => text.replace(/[^0]/g, '0')),
        (whole, fraction, zeros) => {
          const plain = value(`${whole}.${fraction}`);
          expect(value(`${zeros}${whole}.${fraction}`)).toBe(plain);
          expect(value(`${whole}.${fraction}${zeros}`)).toBe(plain);
          expect(value(`+${whole}.${fraction}`)).toBe(plain);
        },
      ),
    );
  });

  test('compares exactly where floating point would not', () => {
    expect(value('9007199254740993')).toBeGreaterThan(value('9007199254740992'));
    expect(value('0.1') + value('0.2')).toBe(value('0.3'));
    expect(value('1.000000001Gi')).toBeGreaterThan(value('1Gi'));
  });

  test('rounds up what is finer than a billionth, and caps what is larger than 2^63-1', () => {
    expect(value('0.0000000001')).toBe(1n);
    expect(value('-0.0000000001')).toBe(-1n);
    expect(value('1.0000000001')).toBe(ONE + 1n);
    expect(value('1e-9')).toBe(1n);
    expect(value('1e-99')).toBe(1n);
    expect(value('0e99')).toBe(0n);
    expect(value('9223372036854775807')).toBe(LARGEST);
    expect(value('9223372036854775808')).toBe(LARGEST);
    expect(value('-9223372036854775808')).toBe(-LARGEST);
    expect(value('8Ei')).toBe(LARGEST);
    expect(value('1e400')).toBe(LARGEST);
  });

  test('takes texts of up to 128 characters', () => {
    expect(parseQuantity('1'.padStart(128, '0'))).toBe(ONE);
    expect(parseQuantity('1'.padStart(129, '0'))).toBeUndefined();
  });

  test.each<[string, (digits: number) => string, bigint | undefined]>([
    ['digits', (digits) => `${'9'.repeat(digits)}Ei`, LARGEST],
    ['a large exponent', (digits) => `1e${'9'.repeat(digits)}`, LARGEST],
    ['a small exponent', (digits) => `1e-${'9'.repeat(digits)}`, 1n],
    ['decimal places', (digits) => `0.${'0'.repeat(digits)}1`, 1n],
    ['points', (digits) => '.'.repeat(digits), undefined],
  ])('takes linear time for many %s', (_, text, value) => {
    expect(parseQuantity(text(120))).toBe(value);
    expect(parseQuantity(text(10_000))).toBeUndefined();
    // The longest is just within what is looked at, or beyond.
    for (const digits of [1.875, 250]) expect(slowdown(text, parseQuantity, digits)).toBeLessThan(LINEAR);
  });
});
