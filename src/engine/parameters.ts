/** Building blocks for the parameters of checks, with the bounds that a CRD needs (every string and list has one). */
import { Type } from 'typebox';
import { DURATION_PATTERN } from './duration.ts';
import { QUANTITY_PATTERN } from './quantity.ts';

/** A quantity above 0; YAML may make it an integer. */
export function Quantity(description: string) {
  return Type.Optional(
    Type.Unsafe<string | number>({
      description: `${description} A quantity, for example 8Gi.`,
      anyOf: [{ type: 'integer' }, { type: 'string' }],
      'x-kubernetes-int-or-string': true,
      minimum: 1,
      pattern: QUANTITY_PATTERN,
      maxLength: 32,
    }),
  );
}

/** A duration with its default. */
export function Duration(fallback: string, description: string) {
  return Type.Optional(Type.String({ description, default: fallback, pattern: DURATION_PATTERN, maxLength: 32 }));
}

/** One of some words, with a default. */
export function OneOf<const T extends readonly string[]>(words: T, fallback: T[number], description: string) {
  return Type.Optional(Type.Unsafe<T[number]>({ type: 'string', enum: [...words], default: fallback, description }));
}

/** A list of names, empty by default. */
export function Names(description: string, fallback: readonly string[] = []) {
  return Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { description, default: [...fallback], maxItems: 64 }),
  );
}
