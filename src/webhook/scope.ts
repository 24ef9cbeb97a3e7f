/** What of a change is judged: rules 1 to 3. */
import type { Aspect } from '../engine/check.ts';
import { deepEqual } from '../engine/equal.ts';
import { valueAt, type Path } from '../engine/path.ts';
import type { RawObject, Workload } from '../engine/workload.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import { RESTARTED_AT } from '../policy/exemptions.ts';
import type { AdmissionRequest } from './protocol.ts';

/** A change that some policies judge. */
export interface Subject {
  readonly workload: Workload;
  readonly old: Workload | undefined;
  /** Undefined: what changed differs from policy to policy (`scopeOf`). */
  readonly aspect: Aspect | undefined;
}

/** All checks, those of one aspect, or none. */
export type ScopeOfChange = 'all' | Aspect | 'none';

/** By which of a policy's checks a change is judged. */
export function scopeOf(
  policy: CompiledPolicy,
  { workload, old, aspect }: Subject,
  operation: AdmissionRequest['operation'],
): ScopeOfChange {
  if (aspect === 'Resources') return aspect;
  if (aspect === undefined) {
    if (operation === 'CREATE' || old === undefined) return 'all';
    if (!policy.match.workload(old.labels)) return 'all';
    if (templateChanged(old, workload)) return 'all';
  }
  return countOf(workload) === countOf(old as Workload) ? 'none' : 'Replicas';
}

/** The replica count as the API server completes it; undefined for a kind that has none. */
export function countOf({ replicas }: Workload): number | undefined {
  return replicas === undefined ? undefined : (replicas.count ?? 1);
}

/** By the workload of a request: each policy asks, and large templates take long to compare. */
const changed = new WeakMap<Workload, boolean>();

/** Does a change bring another version of what runs? @param workload - of one request, with one object before it */
export function templateChanged(old: Workload, workload: Workload): boolean {
  let isChanged = changed.get(workload);
  if (isChanged === undefined) {
    isChanged = isAnotherVersion(old, workload);
    changed.set(workload, isChanged);
  }
  return isChanged;
}

function isAnotherVersion(old: Workload, workload: Workload): boolean {
  const { versionedBy } = workload.kind;
  if (versionedBy === 'Images') return !deepEqual(imagesOf(old), imagesOf(workload));
  if (versionedBy === 'Containers') {
    return CONTAINERS.some((list) => !deepEqual(old.pod[list] ?? [], workload.pod[list] ?? []));
  }
  const [before, after] = [templateOf(old), templateOf(workload)];
  return !deepEqual(before, after) && !deepEqual(withoutRestart(before), withoutRestart(after));
}

const CONTAINERS = ['containers', 'initContainers'] as const;

function imagesOf({ pod }: Workload): unknown {
  return CONTAINERS.map((list) => (pod[list] ?? []).map(({ image }) => image ?? ''));
}

function templateOf({ object, kind }: Workload): unknown {
  return valueAt(object, kind.template);
}

/** Of the fields that users write: does a change leave all but the pod template as it was? */
export function changesTemplateAlone(old: Workload, workload: Workload): boolean {
  return deepEqual(besideTemplate(old), besideTemplate(workload));
}

function besideTemplate({ object, kind }: Workload): RawObject {
  const { metadata: _, status: __, ...written } = object;
  return withoutAt(written, kind.template);
}

/** An object without what stands at a path. */
function withoutAt(object: RawObject, [step, ...below]: Path): RawObject {
  if (step === undefined) return object;
  const { [step]: value, ...rest } = object;
  if (below.length === 0 || typeof value !== 'object' || value === null) return rest;
  return { ...rest, [step]: withoutAt(value as RawObject, below) };
}

/** A template without the annotation that `kubectl rollout restart` sets. */
function withoutRestart(template: unknown): unknown {
  const annotations = valueAt(template, ['metadata', 'annotations']);
  if (typeof annotations !== 'object' || annotations === null || !(RESTARTED_AT in annotations)) {
    return normalizedAnnotations(template);
  }
  const { [RESTARTED_AT]: _, ...rest } = annotations as Record<string, unknown>;
  return normalizedAnnotations({
    ...(template as object),
    metadata: { ...(valueAt(template, ['metadata']) as object), annotations: rest },
  });
}

/** No annotations are the same as an empty map of them. */
function normalizedAnnotations(template: unknown): unknown {
  const metadata = valueAt(template, ['metadata']);
  if (typeof metadata !== 'object' || metadata === null) return template;
  const { annotations, ...rest } = metadata as Record<string, unknown>;
  const none = annotations === undefined || annotations === null || Object.keys(annotations).length === 0;
  return none ? { ...(template as object), metadata: rest } : template;
}
