import { defineCheck, NO_PARAMETERS, type Outcome } from '../engine/check.ts';
import type { Path } from '../engine/path.ts';
import type { AffinityTerm } from '../engine/pod.ts';
import { mostReplicas } from '../engine/scaling.ts';
import { compileSelector } from '../engine/selectors.ts';
import type { Workload } from '../engine/workload.ts';

/** Well-known labels of nodes by which replicas end up on different machines; the last one is the zone's old name. */
const TOPOLOGIES = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];

export default defineCheck({
  name: 'topologySpread',
  title: 'Topology spread',
  metWhen:
    'With two replicas or more, topologySpreadConstraints or podAntiAffinity over hostname or zone spread them, with a selector that matches the pods themselves.',
  group: 'Replica counts and resilience',
  items: ['performance.backend.load-balancing', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  parameters: NO_PARAMETERS,
  rationale: 'Replicas that share one node or one zone fail together, and then their number is of no use.',
  remediation: 'add topologySpreadConstraints over topology.kubernetes.io/zone or kubernetes.io/hostname',
  source: 'https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/',
  *run({ workload, related }) {
    const most = mostReplicas(workload, related);
    if (most.state === 'unknown') {
      // Several replicas of its own are no question of the autoscaler; neither is what spreads any number of them.
      if (isSpread(workload)) return;
      yield { type: 'unknown', cause: most.cause };
    } else if (most.count < 2) {
      yield { type: 'notApplicable', reason: 'it has fewer than two replicas' };
    } else if (!isSpread(workload)) {
      yield unspread(workload);
    }
  },
});

interface Rule {
  readonly term: AffinityTerm;
  readonly path: Path;
}

function isSpread(workload: Workload): boolean {
  return rulesOf(workload).some(({ term }) => matchesOwnPods(term, workload));
}

/** The finding, at the rule that selects other pods if there is one. */
function unspread(workload: Workload): Outcome {
  const stray = rulesOf(workload)[0];
  if (stray === undefined) {
    return { type: 'unmet', path: workload.podPath, message: 'nothing spreads the replicas over nodes or zones' };
  }
  return {
    type: 'unmet',
    path: [...stray.path, 'labelSelector'],
    message: "does not select the workload's own pods, so nothing spreads them",
    remediation: 'select the labels of the pod template',
  };
}

/** Spread constraints and anti-affinity terms over a topology that counts. */
function rulesOf({ pod, podPath }: Workload): Rule[] {
  const rules: Rule[] = [];
  const add = (term: AffinityTerm | null | undefined, path: Path): void => {
    if (term?.topologyKey && TOPOLOGIES.includes(term.topologyKey)) rules.push({ term, path });
  };
  pod.topologySpreadConstraints?.forEach((term, index) => {
    add(term, [...podPath, 'topologySpreadConstraints', index]);
  });
  const anti = pod.affinity?.podAntiAffinity;
  const at = [...podPath, 'affinity', 'podAntiAffinity'];
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
  anti?.[required]?.forEach((term, index) => {
    add(term, [...at, required, index]);
  });
  anti?.[preferred]?.forEach(({ podAffinityTerm }, index) => {
    add(podAffinityTerm, [...at, preferred, index, 'podAffinityTerm']);
  });
  return rules;
}

/** An absent selector selects no pods. */
function matchesOwnPods({ labelSelector, namespaces }: AffinityTerm, { namespace, template }: Workload): boolean {
  if (!labelSelector) return false;
  if ((namespaces ?? []).length > 0 && !namespaces?.includes(namespace)) return false;
  return compileSelector(labelSelector)(template.metadata?.labels ?? {});
}
