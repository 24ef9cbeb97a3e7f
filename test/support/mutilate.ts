/** Objects as no API server would let them through: random parts of a good one replaced by something else. */
import * as fc from 'fast-check';
import { valueAt, type Path } from '../../src/engine/path.ts';
import type { RawObject } from '../../src/engine/workload.ts';

/** What may stand where something else belongs. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    '',
    'x',
    0,
    -1,
    1.5,
    1e300,
    true,
    false,
    [],
    {},
    [null],
    [[]],
    { name: null },
    'a'.repeat(5000),
  ),
  fc.jsonValue(),
);

/** An object with up to four of its parts replaced. */
export function mutilated(objects: readonly RawObject[]): fc.Arbitrary<RawObject> {
  return fc
    .tuple(fc.constantFrom(...objects), fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 4 }))
    .map(([object, wounds]) => {
      const copy = structuredClone(object);
      for (const [choice, value] of wounds) {
        const paths = pathsOf(copy);
        const path = paths[choice % paths.length];
        if (path !== undefined) replace(copy, path, structuredClone(value));
      }
      return copy;
    });
}

/** The paths of all parts of a value, the root aside. */
export function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([step, part]) => [[...path, step], ...pathsOf(part, [...path, step])]);
}

/** Puts a value at a path, where what is above it is there. */
export function replace(root: unknown, path: Path, value: unknown): void {
  const parent = valueAt(root, path.slice(0, -1)) as Record<string | number, unknown>;
  const last = path.at(-1);
  if (last !== undefined) parent[last] = value;
}
