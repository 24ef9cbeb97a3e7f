import * as fc from 'fast-check';

/** Texts made of the given characters alone. */
export function charactersOf(characters: string, maxLength: number, minLength = 0): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters.split('')), minLength, maxLength });
}
