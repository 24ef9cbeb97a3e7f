/** Whether somebody chose a workload's replica count, or left it out, so that the API server filled in 1. */
import { valueAt, type Path } from './path.ts';
import { isObject, LAST_APPLIED, type Workload } from './workload.ts';

/**
 * - `Written`: somebody chose it; always so if it is not 1.
 * - `LeftOut`: nobody did, in a manifest or in what was applied.
 * - `Untold`: a whole object was posted. The API server fills it in before anybody else sees it.
 */
export type CountOrigin = 'Written' | 'LeftOut' | 'Untold';

/**
 * Tells where a replica count comes from, by what is kept of an apply: the annotation of a client-side one, the field
 * managers of a server-side one. The requester can forge both, but gains no more than by leaving the count out.
 */
export function countOrigin({ object, annotations, replicas }: Workload): CountOrigin {
  if (replicas?.count === undefined) return 'LeftOut';
  if (replicas.count !== 1) return 'Written';
  const managers = managersOf(object);
  // Only a manifest has none.
  if (managers.length === 0) return 'Written';
  const applied = lastApplied(annotations[LAST_APPLIED]);
  const owned = replicas.path.map((step) => `f:${step}`);
  const isOwned = ({ fieldsV1 }: FieldManager): boolean => valueAt(fieldsV1, owned) !== undefined;
  const appliers = managers.filter(({ operation }) => operation === 'Apply');
  if (holdsCount(applied, replicas.path) || appliers.some(isOwned)) return 'Written';
  // A manager that updates owns what the API server fills in too; so it says something beside one that applies alone.
  const nobodyOwns = appliers.length > 0 && !managers.some(isOwned);
  return applied !== undefined || nobodyOwns ? 'LeftOut' : 'Untold';
}

/** An entry of metadata.managedFields, as far as anybody may have written it otherwise. */
interface FieldManager {
  readonly operation?: unknown;
  readonly fieldsV1?: unknown;
}

function managersOf(object: unknown): FieldManager[] {
  const managers = valueAt(object, ['metadata', 'managedFields']);
  return Array.isArray(managers) ? managers.filter(isObject) : [];
}

/** @returns undefined where nothing was applied, or it can't be read */
function lastApplied(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    const applied: unknown = JSON.parse(text);
    return isObject(applied) ? applied : undefined;
  } catch {
    return undefined;
  }
}

function holdsCount(applied: unknown, path: Path): boolean {
  return (valueAt(applied, path) ?? undefined) !== undefined;
}
