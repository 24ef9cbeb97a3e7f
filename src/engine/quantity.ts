/**
 * Kubernetes quantities (`100m`, `1.5`, `1e3`, `128Mi`), parsed and compared exactly.
 *
 * Grammar and limits as in k8s.io/apimachinery/pkg/api/resource: at most nine decimals are kept, what is finer is
 * rounded up (away from zero); nothing is larger than 2^63-1.
 */
import { remembering } from './remember.ts';

export type Quantity = bigint & { readonly __quantity: unique symbol };

/** The grammar as one pattern, for schemas, of amounts: none is negative. Anchored; linear in the input's length. */
export const QUANTITY_PATTERN = '^\\+?([0-9]+\\.?[0-9]*|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$';

const SYNTAX = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$/;
const NANO_DIGITS = 9;
const LONGEST = 128;
/** The quantity 1, in billionths. */
export const ONE = 10n ** BigInt(NANO_DIGITS);
const LARGEST = (2n ** 63n - 1n) * ONE;
const DECIMAL_EXPONENT: Record<string, number> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY_EXPONENT: Record<string, bigint> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/**
 * Parses a quantity as it stands in a manifest, where YAML may have made it a number.
 *
 * @returns the quantity in billionths of its unit (cores, bytes), or undefined if the text is not a quantity.
 */
export function parseQuantity(text: string | number): Quantity | undefined {
  return parseText(String(text));
}

const parseText = remembering((source: string): Quantity | undefined => {
  if (source.length > LONGEST) return undefined;
  const match = SYNTAX.exec(source);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;

  let numerator = BigInt(whole + fraction);
  let exponent = NANO_DIGITS - fraction.length;
  const binary = BINARY_EXPONENT[suffix];
  if (binary !== undefined) numerator <<= binary;
  else if (suffix !== '') exponent += DECIMAL_EXPONENT[suffix] ?? Number(suffix.slice(1));

  const value = scale(numerator, exponent);
  return (sign === '-' ? -value : value) as Quantity;
});

/** numerator * 10^exponent, rounded up and capped, without ever building a number far beyond the cap. */
function scale(numerator: bigint, exponent: number): bigint {
  if (numerator === 0n) return 0n;
  const magnitude = numerator.toString().length + exponent;
  if (magnitude > 30) return LARGEST;
  if (magnitude < 0) return 1n;
  if (exponent >= 0) {
    const value = numerator * 10n ** BigInt(exponent);
    return value > LARGEST ? LARGEST : value;
  }
  const divisor = 10n ** BigInt(-exponent);
  const value = (numerator + divisor - 1n) / divisor;
  return value > LARGEST ? LARGEST : value;
}
