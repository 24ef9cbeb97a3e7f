/** Manifests as text: parsed with positions, so that a path in an object becomes a line in the file. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Pair } from 'yaml';
import type { Path } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Input that can't be read: nothing may be called ready then. */
export class UnreadableInput extends Error {
  constructor(file: string, at: Position | undefined, why: string) {
    super(`${file}${at === undefined ? '' : `:${at.line}:${at.column}`}: ${why}`);
    this.name = 'UnreadableInput';
  }
}

/** One document of a file. */
export interface Manifest {
  readonly object: RawObject;
  /** First and last line of the document, its leading comments included. */
  readonly firstLine: number;
  readonly lastLine: number;
  /** Where a path stands; for what is not there, its nearest existing ancestor. */
  locate(path: Path): Position;
}

/** Parses a file of one or more YAML documents; empty ones are left out. @throws UnreadableInput on a syntax error */
export function parseManifests(text: string, file = 'manifest'): Manifest[] {
  const counter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: counter, uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  const separators = [...text.matchAll(/^---(?=\s|$)/gm)].map(({ index }) => counter.linePos(index).line);
  const manifests: Manifest[] = [];
  for (const document of documents) {
    const error = document.errors[0];
    if (error !== undefined) {
      const at = error.linePos?.[0] ?? { line: 1, col: 1 };
      throw new UnreadableInput(file, { line: at.line, column: at.col }, error.message.split('\n')[0] ?? error.code);
    }
    const object: unknown = document.toJS();
    if (typeof object !== 'object' || object === null) continue;
    const start = counter.linePos(document.contents?.range?.[0] ?? 0).line;
    manifests.push({
      object: object as RawObject,
      firstLine: Math.max(1, ...separators.filter((line) => line <= start)),
      lastLine: Math.min(Infinity, ...separators.filter((line) => line > start)) - 1,
      locate: (path) => locate(document, counter, path),
    });
  }
  return manifests;
}

/**
 * Finds the place of a path in a document: the key of a mapping's field, or the first line of a list's entry, the scalar
 * itself where the path ends in one. Where the document ends before the path, its nearest existing ancestor is the place.
 */
export function locate(document: Document.Parsed | Document, counter: LineCounter, path: Path): Position {
  let node: unknown = document.contents;
  let offset = rangeOf(node)?.[0] ?? 0;
  for (const step of path) {
    const whole = isAlias(node) ? node.resolve(document) : node;
    if (isMap(whole)) {
      const pair: Pair | undefined = whole.items.find(
        ({ key }) => String(isScalar(key) ? key.value : key) === `${step}`,
      );
      if (pair === undefined) break;
      node = pair.value;
      const value = rangeOf(node);
      offset = (isScalar(node) && node.value !== null ? value?.[0] : undefined) ?? rangeOf(pair.key)?.[0] ?? offset;
    } else if (isSeq(whole)) {
      if (typeof step !== 'number' || step >= whole.items.length) break;
      node = whole.items[step];
      offset = rangeOf(node)?.[0] ?? offset;
    } else {
      break;
    }
  }
  const { line, col } = counter.linePos(offset);
  return { line, column: col };
}

function rangeOf(node: unknown): readonly [number, number, number] | undefined {
  return (node as { readonly range?: [number, number, number] | null } | null)?.range ?? undefined;
}
