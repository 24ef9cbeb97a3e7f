import { defineCheck, NO_PARAMETERS, type Outcome } from '../engine/check.ts';
import { selects, type LabelSelector } from '../engine/selectors.ts';
import type { PodSpec } from '../engine/pod.ts';
import { replicaRange, scalingOf } from '../engine/scaler.ts';
import type { Workload } from '../engine/workload.ts';

/** Labels of nodes that say where a replica is lost together with others (kubernetes.io/docs/reference/labels-annotations-taints). */
const DOMAINS = new Set(['kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region']);

export default defineCheck({
  name: 'topologySpread',
  title: 'Topology spread',
  metWhen:
    'With 2 replicas or more, topologySpreadConstraints or podAntiAffinity over hosts or zones select the pods themselves.',
  group: 'Replica counts and resilience',
  items: ['performance.backend.load-balancing', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  parameters: NO_PARAMETERS,
  rationale: 'Replicas on one node, or in one zone, go down together with it.',
  remediation:
    "add topologySpreadConstraints with topologyKey kubernetes.io/hostname and a labelSelector of the pods' own labels",
  source: 'https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/',
  run({ workload, related }, report) {
    const problem = spreadProblem(workload);
    // What spreads needs no count.
    if (problem === undefined) return;
    const scaling = scalingOf(workload, related);
    if (scaling.state === 'unknown') {
      report({ type: 'unknown', cause: scaling.cause });
    } else if (replicaRange(workload, scaling.autoscalers).most < 2) {
      report({ type: 'notApplicable', reason: 'fewer than 2 replicas' });
    } else report(problem);
  },
});

function spreadProblem({ pod, podPath, template }: Workload): Outcome | undefined {
  const rules = spreadingRules(pod);
  if (rules.length === 0) {
    return { type: 'unmet', path: podPath, message: 'nothing spreads the replicas over hosts or zones' };
  }
  const labels = template.metadata?.labels ?? {};
  if (rules.some((selector) => selects(selector, labels))) return undefined;
  return {
    type: 'unmet',
    path: [...podPath, (pod.topologySpreadConstraints ?? []).length > 0 ? 'topologySpreadConstraints' : 'affinity'],
    message: 'what spreads over hosts or zones selects other pods than these',
    remediation: "let its labelSelector match the pods' own labels",
  };
}

/**
 * The selectors of all rules that spread over hosts or zones. An absent one selects no pod (core/v1
 * TopologySpreadConstraint, PodAffinityTerm).
 */
function spreadingRules({ topologySpreadConstraints, affinity }: PodSpec): (LabelSelector | null | undefined)[] {
  const anti = affinity?.podAntiAffinity;
  return [
    ...(topologySpreadConstraints ?? []),
    ...(anti?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(anti?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => term.podAffinityTerm ?? {}),
  ]
    .filter(({ topologyKey }) => DOMAINS.has(topologyKey ?? ''))
    .map(({ labelSelector }) => labelSelector);
}
