/** Manifests as text: parsed with positions, so that a path in an object becomes a line in the file. */
import { Composer, Lexer, LineCounter, Parser, Schema, type Document } from 'yaml';
import type { Path } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { DEEPEST, NodeError, offsetAt, OLD_SCALARS, resolveAliases, TOO_DEEP } from './nodes.ts';
import { UnreadableInput, type Position } from './problems.ts';

/** One document of a file that is a mapping or a list. */
export interface Manifest {
  readonly object: RawObject;
  /** First and last line of the document, its leading comments included. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** Where a path stands; for what is not there, its nearest existing ancestor. Nothing is thrown. */
  locate(path: Path): Position;
}

/**
 * Parses a file of one or more documents, YAML or JSON; those that are empty or a mere scalar are left out.
 *
 * @param file - its name in what is thrown
 * @throws UnreadableInput on the first thing that keeps it from being read: syntax, a key that stands twice, an alias
 *   without an anchor, a size or depth out of all proportion
 */
export function parseManifests(text: string, file = 'manifest'): Manifest[] {
  const counter = new LineCounter();
  counter.addNewLine(0);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) counter.addNewLine(end + 1);
  const positionOf = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  const separators = [...text.matchAll(/^---(?=\s|$)/gm)].map(({ index }) => positionOf(index).line);

  const manifests: Manifest[] = [];
  let base = 0;
  let passed = 0;
  try {
    for (const part of jsonValues(text)) {
      const start = part.offset;
      base = start;
      for (const document of compose(part.text)) {
        const aliases = resolveAliases(document);
        const object: unknown = document.toJS({ maxAliasCount: -1 });
        if (typeof object !== 'object' || object === null) continue;
        const { line } = positionOf(start + offsetAt(document, aliases, []));
        while ((separators[passed] ?? Infinity) <= line) passed += 1;
        manifests.push({
          object: withoutNulls(object) as RawObject,
          firstLine: separators[passed - 1] ?? 1,
          lastLine: (separators[passed] ?? Infinity) - 1,
          locate: (path) => positionOf(start + offsetAt(document, aliases, path)),
        });
      }
    }
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const message = error.message + templateHint(text);
    throw new UnreadableInput([{ file, at: positionOf(base + error.offset), message }]);
  }
  return manifests;
}

/**
 * Without the fields that are null, as `kubectl apply` leaves them out: `limits: { cpu: null }` is how a chart's user takes
 * a default away.
 */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutNulls);
  const fields = Object.entries(value).filter(([, content]) => content !== null);
  return Object.fromEntries(fields.map(([field, content]) => [field, withoutNulls(content)]));
}

const SCHEMA = new Schema({
  schema: 'core',
  merge: true,
  customTags: (tags) => [...OLD_SCALARS, ...tags],
  // An explicit !!binary or !!timestamp stays text, as in kubectl.
  resolveKnownTags: false,
});

/**
 * Composes the documents of a text one by one. The depth is watched while the text is still a flat sequence of tokens:
 * the composer works by recursion, and Node aborts the process when the stack runs out inside a regular expression.
 */
function* compose(text: string): Iterable<Document> {
  const parser = new Parser();
  // Its own look for duplicates takes time quadratic in the number of keys; resolveAliases finds them too.
  const composer = new Composer({ schema: SCHEMA, uniqueKeys: false, prettyErrors: false, logLevel: 'error' });
  function* tokens() {
    for (const lexeme of new Lexer().lex(text)) {
      yield* parser.next(lexeme);
      // Each level is one entry of the stack, the document another, an open scalar a third.
      if (parser.stack.length > DEEPEST + 2) throw new NodeError(parser.offset, TOO_DEEP);
    }
    yield* parser.end();
  }
  for (const document of composer.compose(tokens())) {
    const error = document.errors[0];
    if (error !== undefined) throw new NodeError(error.pos[0], `not valid YAML: ${error.message}`);
    yield document;
  }
}

/**
 * Takes apart a file that is one JSON value after the other (`jq -c .items[]`), which is no YAML. Any other text is one
 * part. Offsets are in UTF-16 code units.
 */
function* jsonValues(text: string): Iterable<{ readonly text: string; readonly offset: number }> {
  if (!/^\s*\{/.test(text)) {
    yield { text, offset: 0 };
    return;
  }
  let start = 0;
  let end = 0;
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index += 1;
      else inString = character !== '"';
    } else if (character === '"') {
      inString = true;
    } else if (character === '{') {
      if (depth === 0 && end > start && text.slice(end, index).trim() === '') {
        yield { text: text.slice(start, index), offset: start };
        start = index;
      }
      depth += 1;
    } else if (character === '}') {
      depth -= 1;
      if (depth === 0) end = index + 1;
    }
  }
  yield { text: text.slice(start), offset: start };
}

/** What templates become has to be checked; they are the usual cause of YAML, and of objects, that are none. */
export function templateHint(text: string): string {
  if (text.includes('{{'))
    return '; a template has to be rendered first: helm template ... | readiness-operator check -f -';
  if (/\$\{\w+(?::?[-=?+]|\})/.test(text)) {
    return '; variables have to be put in first: flux envsubst (or envsubst) < ... | readiness-operator check -f -';
  }
  return '';
}
