/**
 * What LimitRanges refuse when the pods are made, long after the workload was taken: values beyond their bounds, and a
 * request above the limit that they give by default (kubernetes/plugin/pkg/admission/limitranger, PodValidateLimitFunc).
 */
import { appliedTo, appliedToPod, type Applied } from './applied-resources.ts';
import { unmetAt, type CheckInput, type Report } from './check.ts';
import { pathBelow, type Path } from './path.ts';
import { ONE } from './quantity.ts';
import { WHOLE_NAMESPACE, type LimitRangeConstraint, type LimitRangeFacts } from './related.ts';
import { written, type ResourceSide } from './resource-givers.ts';
import { amountIn, resourceTitle, type ComputeResource, type Flaw } from './resource-values.ts';
import type { Container, Workload } from './workload.ts';

interface Refusal extends Flaw {
  readonly path: Path;
}

/** Requires that the LimitRanges of the namespace let the pods in, as far as requests and limits of one resource go. */
export function requireLimitRangeFit(input: CheckInput<unknown>, resource: ComputeResource, report: Report): void {
  const { workload, containers, related } = input;
  const limitRanges = related.find('LimitRange', workload.namespace, WHOLE_NAMESPACE);
  if (limitRanges.state === 'absent') return;
  if (limitRanges.state === 'unknown') {
    const cause = `whether a LimitRange refuses its ${resourceTitle(resource)}: ${limitRanges.cause}`;
    report({ type: 'unknown', cause });
    return;
  }
  const { values } = limitRanges;
  for (const container of containers) {
    for (const { path, message, remediation } of ofContainer(container, values, resource)) {
      report(unmetAt(container, path, message, remediation));
    }
  }
  for (const { path, message, remediation } of ofPod(workload, values, resource)) {
    report({ type: 'unmet', path: pathBelow(workload.podPath, path), message, remediation });
  }
}

function ofContainer(
  container: Container,
  limitRanges: readonly LimitRangeFacts[],
  resource: ComputeResource,
): Refusal[] {
  const request = appliedTo(container, limitRanges, 'requests', resource);
  const limit = appliedTo(container, limitRanges, 'limits', resource);
  const refusals = constraintsOf('Container', limitRanges).flatMap(([constraint, whose]) =>
    refusalsOf(constraint, whose, request, limit, resource, (side) => ['resources', side]),
  );
  const limitIsDefault = written(container.spec.resources, 'limits', resource) === undefined;
  if (limitIsDefault && request !== undefined && limit !== undefined && request.value > limit.value) {
    refusals.push({
      path: request.path,
      message: `${request.subject}, above the limit, which ${limit.subject}`,
      remediation: `set resources.limits.${resource} too, or lower the request`,
    });
  }
  return refusals;
}

function ofPod(workload: Workload, limitRanges: readonly LimitRangeFacts[], resource: ComputeResource): Refusal[] {
  const constraints = constraintsOf('Pod', limitRanges);
  if (constraints.length === 0) return [];
  const request = appliedToPod(workload, limitRanges, 'requests', resource);
  const limit = appliedToPod(workload, limitRanges, 'limits', resource);
  return constraints.flatMap(([constraint, whose]) =>
    refusalsOf(constraint, `${whose} for a pod`, request, limit, resource, () => ['containers']),
  );
}

function constraintsOf(
  type: LimitRangeConstraint['type'],
  limitRanges: readonly LimitRangeFacts[],
): (readonly [LimitRangeConstraint, whose: string])[] {
  return limitRanges.flatMap(({ name, constraints }) =>
    constraints
      .filter((constraint) => constraint.type === type)
      .map((constraint) => [constraint, `LimitRange ${name}`] as const),
  );
}

/**
 * What one item of a LimitRange refuses.
 *
 * @param whose - names the LimitRange in messages
 * @param placeOf - where a value that is missing belongs
 */
function refusalsOf(
  constraint: LimitRangeConstraint,
  whose: string,
  request: Applied | undefined,
  limit: Applied | undefined,
  resource: ComputeResource,
  placeOf: (side: ResourceSide) => Path,
): Refusal[] {
  const refusals: Refusal[] = [];
  const missing = new Set<ResourceSide>();
  const min = amountIn(constraint.min, resource);
  if (min !== undefined) {
    const low = [request, limit].find((one) => one !== undefined && one.value < min.value);
    if (request === undefined) missing.add('requests');
    else if (low !== undefined) {
      const message = `${low.subject}${low.pause} below ${min.text}, the minimum of ${whose}`;
      refusals.push({ path: low.path, message, remediation: `set at least ${min.text}` });
    }
  }
  const max = amountIn(constraint.max, resource);
  if (max !== undefined) {
    const high = [limit, request].find((one) => one !== undefined && one.value > max.value);
    if (limit === undefined) missing.add('limits');
    else if (high !== undefined) {
      const message = `${high.subject}${high.pause} above ${max.text}, the maximum of ${whose}`;
      refusals.push({ path: high.path, message, remediation: `set at most ${max.text}` });
    }
  }
  const ratio = amountIn(constraint.maxLimitRequestRatio, resource);
  if (ratio !== undefined) {
    if (request === undefined || request.value === 0n) missing.add('requests');
    else if (limit === undefined || limit.value === 0n) missing.add('limits');
    else if (limit.value * ONE > request.value * ratio.value) {
      refusals.push({
        path: limit.path,
        message: `${limit.subject}${limit.pause} more than ${ratio.text} times the request, the most of ${whose}`,
        remediation: 'raise the request or lower the limit',
      });
    }
  }
  for (const side of missing) {
    refusals.push({
      path: placeOf(side),
      message: `no ${resourceTitle(resource)} ${side === 'limits' ? 'limit' : 'request'}, which ${whose} asks for`,
      remediation: `set resources.${side}.${resource}`,
    });
  }
  return refusals;
}
