/** Bounds what a large body can become in memory, before it is parsed. */

/** Bodies up to here become no more than some megabytes, whatever is in them; bytes. */
const SMALL = 256 * 1024;
const DEEPEST = 500;
/**
 * Objects, lists and values. A workload that is not too large to be judged has a tenth of them, twice with its managed fields;
 * more of them take a quarter of a second to be parsed alone.
 */
const MOST_ELEMENTS = 100_000;

const [QUOTE, BACKSLASH, COMMA] = ['"', '\\', ','].map((character) => character.charCodeAt(0));
/** How a character changes the depth. */
const DEPTH = new Int8Array(256);
for (const character of '{[') DEPTH[character.charCodeAt(0)] = 1;
for (const character of '}]') DEPTH[character.charCodeAt(0)] = -1;

/**
 * Looks over JSON without parsing it: 1 ms for each megabyte, and nothing for the bodies that are usual.
 *
 * @returns what is wrong with it; undefined if it is fit to be parsed (it may still not be JSON)
 */
export function structureProblem(body: Uint8Array): string | undefined {
  if (body.length <= SMALL) return undefined;
  let depth = 0;
  let elements = 0;
  for (let at = 0; at < body.length; at++) {
    const character = body[at] as number;
    if (character === QUOTE) {
      for (at++; at < body.length && body[at] !== QUOTE; at++) if (body[at] === BACKSLASH) at++;
      continue;
    }
    const change = DEPTH[character] as number;
    depth += change;
    if (change > 0 || character === COMMA) elements += 1;
    if (depth > DEEPEST) return `is nested more than ${DEEPEST} levels deep`;
    if (elements > MOST_ELEMENTS) return `has more than ${MOST_ELEMENTS} elements`;
  }
  return undefined;
}
