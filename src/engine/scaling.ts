/** What scales a workload, and how many replicas it may thus have. */
import type { Path } from './path.ts';
import type { AutoscalerFacts, Related } from './related.ts';
import type { Workload } from './workload.ts';

export type Scaler =
  | (AutoscalerFacts & { readonly state: 'found'; readonly kind: 'HorizontalPodAutoscaler' | 'ScaledObject' })
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly cause: string };

/** The autoscaler of a workload. A ScaledObject makes a HorizontalPodAutoscaler of its own, so the HPA is asked first. */
export function scalerOf(workload: Workload, related: Related): Scaler {
  let unknown: Scaler | undefined;
  for (const kind of ['HorizontalPodAutoscaler', 'ScaledObject'] as const) {
    const answer = related.find(kind, workload.namespace, `${workload.kind.kind}/${workload.name}`);
    if (answer.state === 'unknown') unknown = { state: 'unknown', cause: answer.cause };
    const scaler = answer.state === 'found' ? answer.values[0] : undefined;
    if (scaler !== undefined) return { ...scaler, state: 'found', kind };
  }
  return unknown ?? { state: 'absent' };
}

/** The most replicas that a workload may have: the autoscaler's maximum, else its own count, 1 where that is left out. */
export type MostReplicas =
  | { readonly state: 'known'; readonly count: number }
  | { readonly state: 'unknown'; readonly cause: string };

export function mostReplicas(workload: Workload, related: Related): MostReplicas {
  const scaler = scalerOf(workload, related);
  if (scaler.state === 'found') return { state: 'known', count: scaler.maxReplicas };
  if (scaler.state === 'absent') return { state: 'known', count: workload.replicas?.count ?? 1 };
  return { state: 'unknown', cause: `whether an autoscaler scales it: ${scaler.cause}` };
}

/** Where the replica count stands; the root for kinds without one. */
export function replicasPath(workload: Workload): Path {
  return workload.replicas?.path ?? [];
}
