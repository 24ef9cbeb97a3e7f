/**
 * Takes credentials out of workloads before they are kept in memory. In the place of each stands what was found there, so
 * that the checks say the same of the copy as of the object.
 */
import hardcodedCredentials from '../checks/hardcodedCredentials.ts';
import { credentialIn, withheld } from '../engine/credentials.ts';
import { evaluateCheck } from '../engine/evaluate.ts';
import { imageLogin } from '../engine/password-places.ts';
import type { WorkloadKind } from '../engine/kinds.ts';
import { valueAt, type Path } from '../engine/path.ts';
import type { Related } from '../engine/related.ts';
import { readWorkload, type RawObject } from '../engine/workload.ts';

const STRICT = {
  check: hardcodedCredentials,
  priority: 'Critical',
  parameters: hardcodedCredentials.prepare?.({} as never),
  exclude: [],
} as const;

/** The check looks at nothing but the object. */
const NOTHING: Related = { find: () => ({ state: 'absent' }) };
/** How the check words its findings: `TOKEN holds a GitHub token`. */
const FOUND = /\bholds (.+)$/;

/**
 * The object with every credential that the check hardcodedCredentials finds replaced; the same object if there is none. One
 * that is too large to be judged stays as large, and keeps no text.
 */
export function withholdCredentials(object: RawObject, kind: WorkloadKind): RawObject {
  const read = readWorkload(object, kind);
  if ('problem' in read) return object;
  if (read.workload.excess !== undefined) return withoutTexts(object);
  const changes: Change[] = [];
  for (const { path, message } of evaluateCheck(STRICT, read.workload, NOTHING, 0).unmet) {
    const text = valueAt(object, path);
    if (typeof text !== 'string') continue;
    changes.push({ path, by: without(text, path, FOUND.exec(message)?.[1] ?? 'a credential') });
  }
  return changes.length === 0 ? object : (changed(object, changes, 0) as RawObject);
}

/** An object without the texts in its template and annotations: nobody has looked for credentials in them. */
function withoutTexts({ apiVersion, kind, metadata, ...judged }: RawObject): RawObject {
  const { annotations, ...named } = metadata as RawObject;
  return { apiVersion, kind, metadata: { ...named, annotations: blank(annotations) }, ...(blank(judged) as RawObject) };
}

/** The words that a selector can't be read without. */
const OPERATOR = /^(?:In|NotIn|Exists|DoesNotExist)$/;

function blank(value: unknown): unknown {
  const text = JSON.stringify(value ?? {}, (_field, inner: unknown) =>
    typeof inner === 'string' && !OPERATOR.test(inner) ? '' : inner,
  );
  return JSON.parse(text);
}

/** A text with a mark for the credential. What other checks read of it stays, unless that holds one too. */
function without(text: string, path: Path, found: string): string {
  const [before, after] = around(text, path);
  return (isHarmless(before) ? before : '') + withheld(found) + (isHarmless(after) ? after : '');
}

/** What stands before and after the part of a text that can hold a credential. */
function around(text: string, path: Path): readonly [before: string, after: string] {
  const [holder, field] = path.slice(-2);
  if (field === 'image' || field === 'reference') {
    const { before, after } = imageLogin(text) ?? { before: '', after: '' };
    return [before, after];
  }
  // The path of a probe, up to its query.
  if (holder === 'httpGet' && field === 'path') return [text.slice(0, text.indexOf('?') + 1), ''];
  // The name of a flag: `--token=` before what it holds.
  return [/^--?[\w.-]+=/.exec(text)?.[0] ?? '', ''];
}

/** Longer parts are not kept: the check may not have looked at them. */
const LONGEST_KEPT = 512;

function isHarmless(text: string): boolean {
  return text.length <= LONGEST_KEPT && credentialIn(text) === undefined;
}

/** A text that stands for another. */
interface Change {
  readonly path: Path;
  readonly by: string;
}

/** A value with all changes made, in one pass: of a list each change alone would copy the whole. @param depth - of the value */
function changed(value: unknown, changes: readonly Change[], depth: number): unknown {
  const [first] = changes;
  if (first?.path.length === depth) return first.by;
  const below = new Map<string | number, Change[]>();
  for (const change of changes) {
    const step = change.path[depth] as string | number;
    const there = below.get(step);
    if (there === undefined) below.set(step, [change]);
    else there.push(change);
  }
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  for (const [step, there] of below) copy[step] = changed(copy[step], there, depth + 1);
  return copy;
}
