/**
 * What ResourceQuotas refuse when the pods are made, long after the workload was taken: a container without a request or
 * limit that a quota counts, and more than a quota can ever let in (kubernetes/pkg/quota/v1/evaluator/core, podEvaluator).
 *
 * How much of a quota others use is not looked at: it changes all the time, and nobody's workload is wrong for it.
 */
import { appliedTo, appliedToPod } from './applied-resources.ts';
import { unmetAt, type CheckInput, type Outcome, type Report } from './check.ts';
import { pathBelow } from './path.ts';
import type { PodSpec } from './pod.ts';
import { concerns } from './quota-scopes.ts';
import { WHOLE_NAMESPACE, type LimitRangeFacts, type ResourceQuotaFacts } from './related.ts';
import type { ResourceSide } from './resource-givers.ts';
import { amountIn, resourceTitle, type Amount, type ComputeResource } from './resource-values.ts';
import type { Workload } from './workload.ts';

const SIDES = ['requests', 'limits'] as const;
/** Kubernetes counts other resources without asking each container for them. */
const ASKED_FOR: readonly ComputeResource[] = ['cpu', 'memory'];

/** Requires that the ResourceQuotas of the namespace let the pods in, as far as requests and limits of one resource go. */
export function requireQuotaFit(input: CheckInput<unknown>, resource: ComputeResource, report: Report): void {
  const { workload, related } = input;
  const quotas = related.find('ResourceQuota', workload.namespace, WHOLE_NAMESPACE);
  if (quotas.state === 'absent') return;
  const undecided = (cause: string): void =>
    report({ type: 'unknown', cause: `whether a ResourceQuota refuses its ${resourceTitle(resource)}: ${cause}` });
  if (quotas.state === 'unknown') {
    undecided(quotas.cause);
    return;
  }
  const counting = quotas.values.filter(({ hard }) => SIDES.some((side) => mostOf(hard, side, resource) !== undefined));
  if (counting.length === 0) return;
  const limitRanges = related.find('LimitRange', workload.namespace, WHOLE_NAMESPACE);
  if (limitRanges.state === 'unknown') {
    undecided(limitRanges.cause);
    return;
  }
  const defaults = limitRanges.state === 'found' ? limitRanges.values : [];
  for (const quota of counting) {
    const concern = concerns(quota.scopes, workload, defaults);
    if (concern === 'no') continue;
    const refusals = [...missing(quota, input, defaults, resource), ...beyond(quota, workload, defaults, resource)];
    if (concern === 'yes') refusals.forEach(report);
    else if (refusals.length > 0) undecided(`${quota.name} is for priority classes, and the pods name none`);
  }
}

/** What containers lack that the quota counts. A pod with resources of its own is let off (IsPodLevelResourcesSet). */
function missing(
  { name, hard }: ResourceQuotaFacts,
  { workload, containers }: CheckInput<unknown>,
  limitRanges: readonly LimitRangeFacts[],
  resource: ComputeResource,
): Outcome[] {
  if (!ASKED_FOR.includes(resource) || hasResources(workload.pod)) return [];
  return SIDES.filter((side) => mostOf(hard, side, resource) !== undefined).flatMap((side) =>
    containers
      .filter((container) => appliedTo(container, limitRanges, side, resource) === undefined)
      .map((container) => {
        const what = `${resourceTitle(resource)} ${side === 'limits' ? 'limit' : 'request'}`;
        const message = `no ${what}, which ResourceQuota ${name} asks for`;
        return unmetAt(container, ['resources', side], message, `set resources.${side}.${resource}`);
      }),
  );
}

/** Of each side, what one pod or all replicas have beyond all that the quota has. */
function beyond(
  { name, hard }: ResourceQuotaFacts,
  workload: Workload,
  limitRanges: readonly LimitRangeFacts[],
  resource: ComputeResource,
): Outcome[] {
  const replicas = Math.max(1, workload.replicas?.count ?? 1);
  return SIDES.flatMap((side) => {
    const most = mostOf(hard, side, resource);
    const each = appliedToPod(workload, limitRanges, side, resource);
    if (most === undefined || each === undefined || each.value * BigInt(replicas) <= most.value) return [];
    const fitsAlone = each.value <= most.value;
    const forAll = fitsAlone ? ` for ${replicas} replicas` : '';
    return {
      type: 'unmet',
      path: pathBelow(workload.podPath, each.path),
      message: `${each.subject}${each.pause} above ${most.text}${forAll}, the most of ResourceQuota ${name}`,
      remediation: `lower the ${side}${fitsAlone ? ' or the replica count' : ''}, or have the quota raised`,
    };
  });
}

/** The most that a quota has of one side of a resource; requests go by two names, of which the narrower counts. */
function mostOf(hard: ResourceQuotaFacts['hard'], side: ResourceSide, resource: ComputeResource): Amount | undefined {
  const names = side === 'requests' ? [resource, `requests.${resource}`] : [`limits.${resource}`];
  return names
    .map((name) => amountIn(hard, name))
    .filter((amount) => amount !== undefined)
    .toSorted((a, b) => (a.value < b.value ? -1 : 1))[0];
}

/** Does a pod have CPU, memory or huge pages of its own? */
function hasResources({ resources }: PodSpec): boolean {
  return [resources?.requests, resources?.limits].some((amounts) =>
    Object.keys(amounts ?? {}).some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')),
  );
}
