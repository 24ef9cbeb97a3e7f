/** Looks into objects that nobody has validated yet. */
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';

/** Is a value a JSON object, and neither null nor a list? */
export function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object's name, or null if it has none that is text. */
export function nameOf(object: RawObject): string | null {
  const name = valueAt(object, ['metadata', 'name']) ?? valueAt(object, ['metadata', 'generateName']);
  return typeof name === 'string' ? name : null;
}

/** The namespace that the object names; the fallback where it names none. */
export function namespaceOf(object: RawObject, fallback: string): string {
  const namespace = valueAt(object, ['metadata', 'namespace']);
  return typeof namespace === 'string' ? namespace : fallback;
}
