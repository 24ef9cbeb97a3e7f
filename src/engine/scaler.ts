import type { AutoscalerFacts, Related } from './related.ts';
import type { Workload } from './workload.ts';

/** What scales a workload. */
export type Scaler =
  | ({
      readonly state: 'found';
      readonly kind: ScalerKind;
      /** Itself and others of that kind that target the workload too. */
      readonly all: readonly AutoscalerFacts[];
    } & AutoscalerFacts)
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly cause: string };

type ScalerKind = (typeof KINDS)[number];

/** A ScaledObject makes a HorizontalPodAutoscaler of its own, whose bounds follow it, so it is asked first. */
const KINDS = ['ScaledObject', 'HorizontalPodAutoscaler'] as const;

/** The autoscaler of a workload. */
export function scalerOf(workload: Workload, related: Related): Scaler {
  let unknown: Scaler | undefined;
  for (const kind of KINDS) {
    const answer = related.find(kind, workload.namespace, `${workload.kind.kind}/${workload.name}`);
    if (answer.state === 'unknown') unknown = { ...answer, cause: `whether an autoscaler scales it: ${answer.cause}` };
    const scaler = answer.state === 'found' ? answer.values[0] : undefined;
    if (answer.state === 'found' && scaler !== undefined) {
      return { state: 'found', kind, all: answer.values, ...scaler };
    }
  }
  return unknown ?? { state: 'absent' };
}

/** The replicas that a workload may come to have. `most` is 0 for one that is stopped. */
export interface ReplicaRange {
  readonly least: number;
  readonly most: number;
}

/** Its own count, or the bounds of what scales it; an autoscaler lets a count of 0 be (autoscaling/v2), KEDA does not. */
export function replicaRange(workload: Workload, scaler: Exclude<Scaler, { state: 'unknown' }>): ReplicaRange {
  const count = workload.replicas?.count ?? 1;
  if (scaler.state === 'absent' || (count === 0 && scaler.kind === 'HorizontalPodAutoscaler')) {
    return { least: count, most: count };
  }
  return { least: Math.max(1, scaler.minReplicas), most: scaler.maxReplicas };
}
