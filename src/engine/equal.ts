/** Far more levels than any manifest has; what is nested deeper was made to exhaust the stack. */
export const DEEPEST = 500;

/** A value that is nested too deep to be compared. */
export class NestedTooDeep extends Error {
  constructor() {
    super(`is nested more than ${DEEPEST} levels deep`);
    this.name = 'NestedTooDeep';
  }
}

/**
 * Deep equality of JSON values. An absent field equals an absent field only; key order does not matter.
 *
 * @throws NestedTooDeep if that can't be told without looking more than 500 levels deep
 */
export function deepEqual(a: unknown, b: unknown, depth = 0): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (depth > DEEPEST) throw new NestedTooDeep();
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i], depth + 1)) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) {
    if (!Object.hasOwn(b, key)) return false;
    if (!deepEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return true;
}
