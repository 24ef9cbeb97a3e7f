import { scaleTargetKey } from './autoscalers.ts';
import { namesOf } from './companions.ts';
import type { AutoscalerFacts, Related, RelatedKindName } from './related.ts';
import type { Workload } from './workload.ts';

/** The kinds that scale workloads. */
export const AUTOSCALER_KINDS = ['ScaledObject', 'HorizontalPodAutoscaler'] as const satisfies RelatedKindName[];

export interface Autoscaler extends AutoscalerFacts {
  readonly kind: (typeof AUTOSCALER_KINDS)[number];
}

/** What scales a workload: nothing, one autoscaler, or several that are in each other's way. */
export type Scaling =
  | { readonly state: 'known'; readonly autoscalers: readonly Autoscaler[] }
  | { readonly state: 'unknown'; readonly cause: string };

/** The autoscalers of a workload, less those that let it be and those that another one of them makes. */
export function scalingOf(workload: Workload, related: Related): Scaling {
  const { kind, namespace, name, replicas } = workload;
  const target = scaleTargetKey(kind.group, kind.kind, name);
  // A HorizontalPodAutoscaler lets a count of 0 be, unless it may set that itself (autoscaling/v2); KEDA does not.
  const isStopped = replicas?.count === 0;
  const found: Autoscaler[] = [];
  let cause: string | undefined;
  for (const scaler of AUTOSCALER_KINDS) {
    const answer = related.find(scaler, namespace, target);
    if (answer.state === 'found') found.push(...answer.values.map((facts) => ({ kind: scaler, ...facts })));
    else if (answer.state === 'unknown' && !(isStopped && scaler === 'HorizontalPodAutoscaler')) cause ??= answer.cause;
  }
  const made = new Set(found.map(({ makes }) => makes));
  const autoscalers = found.filter(
    (one) => one.kind === 'ScaledObject' || !(made.has(one.name) || (isStopped && !one.scalesToZero)),
  );
  // What can't be read can only be one more.
  if (cause !== undefined && autoscalers.length < 2) {
    return { state: 'unknown', cause: `whether an autoscaler scales it: ${cause}` };
  }
  return { state: 'known', autoscalers };
}

/** What is wrong where several autoscalers have one target: the condition AmbiguousSelector, under which none acts. */
export function ambiguityOf(autoscalers: readonly Autoscaler[]): string {
  const named = autoscalers.map(({ kind, name }) => ({ name: `${kind} ${name}` }));
  return `${namesOf(named)} all target it, so that none of them scales`;
}

/** The replicas that a workload may come to have. `most` is 0 for one that is stopped. */
export interface ReplicaRange {
  /** At work: an autoscaler that may stop it begins with 1. */
  readonly least: number;
  readonly most: number;
}

/** The bounds of what scales a workload; its own count if nothing does. */
export function replicaRange({ replicas }: Workload, autoscalers: readonly Autoscaler[]): ReplicaRange {
  if (autoscalers.length === 0) {
    const count = replicas?.count ?? 1;
    return { least: count, most: count };
  }
  const most = Math.max(...autoscalers.map(({ maxReplicas }) => maxReplicas));
  const least = Math.min(...autoscalers.map(({ minReplicas }) => minReplicas));
  return { least: Math.min(most, Math.max(1, least)), most };
}
