/** Which pods a ResourceQuota concerns (kubernetes/pkg/quota/v1/evaluator/core, podMatchesScopeFunc). */
import { appliedToPod } from './applied-resources.ts';
import type { PodSpec } from './pod.ts';
import type { LimitRangeFacts, QuotaScope } from './related.ts';
import { selects } from './selectors.ts';
import type { Workload } from './workload.ts';

/** `perhaps`: the pod names no priority class, and whether the cluster gives it one is not known. */
export type Concern = 'yes' | 'no' | 'perhaps';

/** Does a quota with these scopes concern the pods of a workload? */
export function concerns(
  scopes: readonly QuotaScope[],
  workload: Workload,
  limitRanges: readonly LimitRangeFacts[],
): Concern {
  const answers = scopes.map((scope) => matches(scope, workload, limitRanges));
  if (answers.includes('no')) return 'no';
  return answers.includes('perhaps') ? 'perhaps' : 'yes';
}

function matches(scope: QuotaScope, workload: Workload, limitRanges: readonly LimitRangeFacts[]): Concern {
  const { pod } = workload;
  switch (scope.name) {
    case 'Terminating':
      return told(hasDeadline(pod));
    case 'NotTerminating':
      return told(!hasDeadline(pod));
    case 'NotBestEffort':
      return told(!isBestEffort(workload, limitRanges));
    case 'CrossNamespacePodAffinity':
      return told(looksAtOtherNamespaces(pod));
    case 'PriorityClass': {
      const name = pod.priorityClassName ?? '';
      if (name === '') return 'perhaps';
      const { operator, values } = scope;
      return told(selects({ matchExpressions: [{ key: scope.name, operator, values }] }, { [scope.name]: name }));
    }
    default:
      // BestEffort, whose quotas count nothing but pods; of volume claims; of a newer Kubernetes.
      return 'no';
  }
}

function told(isConcerned: boolean): Concern {
  return isConcerned ? 'yes' : 'no';
}

function hasDeadline({ activeDeadlineSeconds }: PodSpec): boolean {
  return typeof activeDeadlineSeconds === 'number' && activeDeadlineSeconds >= 0;
}

/** Nothing in the pod has a request or a limit of CPU or memory above 0 (ComputePodQOS). */
function isBestEffort(workload: Workload, limitRanges: readonly LimitRangeFacts[]): boolean {
  return (['cpu', 'memory'] as const).every((resource) =>
    (['requests', 'limits'] as const).every(
      (side) => (appliedToPod(workload, limitRanges, side, resource)?.value ?? 0n) === 0n,
    ),
  );
}

function looksAtOtherNamespaces({ affinity }: PodSpec): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((rules) =>
    [
      ...(rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some((term) => (term?.namespaces?.length ?? 0) > 0 || (term?.namespaceSelector ?? null) !== null),
  );
}
