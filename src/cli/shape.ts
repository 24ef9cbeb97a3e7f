/** Looks into objects that nobody has validated yet. */
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';

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
