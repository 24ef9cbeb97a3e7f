import { Type, type Static, type TSchema, type TUnsafe, type TOptional } from 'typebox';

/**
 * A field of a Kubernetes object as it may stand in JSON: absent, or null (which the API server treats as absent), or
 * the value.
 */
export function Maybe<T extends TSchema>(schema: T): TOptional<TUnsafe<Static<T> | null>> {
  return Type.Optional(Type.Unsafe<Static<T> | null>({ ...schema, nullable: true }));
}

/** A list whose entries are objects of this shape. */
export function ListOf<T extends TSchema>(schema: T) {
  return Maybe(Type.Array(schema));
}

/** A string-to-string map, such as labels. */
export const StringMap = Type.Record(Type.String(), Type.String());

/** A quantity, or an IntOrString: YAML may make either a number. */
export const StringOrNumber = Type.Unsafe<string | number>({ type: ['string', 'number'] });
