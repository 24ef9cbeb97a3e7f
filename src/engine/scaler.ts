import type { Related } from './related.ts';
import type { Workload } from './workload.ts';

/** What scales a workload. */
export type Scaler =
  | {
      readonly state: 'found';
      readonly kind: string;
      readonly name: string;
      readonly minReplicas: number;
      readonly maxReplicas: number;
    }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly cause: string };

/** The autoscaler of a workload. A ScaledObject makes a HorizontalPodAutoscaler of its own, so the HPA is asked first. */
export function scalerOf(workload: Workload, related: Related): Scaler {
  let unknown: Scaler | undefined;
  for (const kind of ['HorizontalPodAutoscaler', 'ScaledObject'] as const) {
    const answer = related.find(kind, workload.namespace, `${workload.kind.kind}/${workload.name}`);
    if (answer.state === 'unknown') unknown = answer;
    const scaler = answer.state === 'found' ? answer.values[0] : undefined;
    if (scaler !== undefined) return { state: 'found', kind, ...scaler };
  }
  return unknown ?? { state: 'absent' };
}
