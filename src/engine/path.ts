import { remembering } from './remember.ts';

/** Where something stands in a user's own object: map keys and list indexes from the root. */
export type Path = readonly (string | number)[];

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * Writes a path the way the Kubernetes API server writes field paths: `spec.containers[0].image`, and keys that are not
 * plain words in brackets: `metadata.annotations[example.com/a]`. The root is written as `(root)`.
 *
 * @param from - index of the first step that is written
 */
export function formatPath(path: Path, from = 0): string {
  return path.length === 0 ? '(root)' : appendPath('', path, from);
}

/** Continues a written path with the steps of a path from one index on and up to another, which is left out. */
export function appendPath(written: string, path: Path, from: number, to = path.length): string {
  let text = written;
  for (let index = from; index < to; index++) {
    const step = path[index] as string | number;
    if (typeof step === 'number' || !isIdentifier(step)) text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** Nearly all steps are names of fields, which are few. */
const isIdentifier = remembering((step) => IDENTIFIER.test(step));

/** A path and the steps below it. Not spread: that leaves room for more, and a request has dozens of paths. */
export function pathBelow(base: Path, below: Path): Path {
  // oxlint-disable-next-line unicorn/no-new-array
  const path = new Array<string | number>(base.length + below.length);
  for (let index = 0; index < base.length; index++) path[index] = base[index] as string | number;
  for (let index = 0; index < below.length; index++) path[base.length + index] = below[index] as string | number;
  return path;
}

/** Reads the value at a path, or undefined where the object ends before it. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

/** Turns a JSON pointer, as ajv reports it (`/spec/containers/0`), into a path; steps that are digits become indexes. */
export function fromPointer(pointer: string): Path {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^(0|[1-9][0-9]*)$/.test(step) ? Number(step) : step));
}
