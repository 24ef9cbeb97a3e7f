/** What checks of requests and limits do: require, bound and forbid them. */
import { unmetAt, type CheckInput, type Report } from './check.ts';
import { pathBelow } from './path.ts';
import type { PodSpec } from './pod.ts';
import { parseQuantity, type Quantity } from './quantity.ts';
import { outside, unfit, type Bounds } from './resource-bounds.ts';
import { givenBy, giverOf, isZero, together, written, type Given, type ResourceSide } from './resource-givers.ts';
import { readAmount, resourceTitle, type ComputeResource, type Flaw } from './resource-values.ts';
import type { Container, Workload } from './workload.ts';

/** Requires that each container has this request or limit, and that it and what the pod itself writes are within bounds. */
export function requireResource(
  input: CheckInput<unknown>,
  side: ResourceSide,
  resource: ComputeResource,
  bounds: Bounds,
  report: Report,
): void {
  const what = `${resourceTitle(resource)} ${side === 'limits' ? 'limit' : 'request'}`;
  judgePod(input.workload, side, resource, bounds, report);
  for (const container of input.containers) {
    const giver = giverOf(container, input, side, resource);
    if (giver.from === 'Pod') continue;
    if (giver.from === 'Nothing') {
      report(unmetAt(container, ['resources', side], `no ${what}`));
      continue;
    }
    if (giver.from === 'Unknown') {
      const article = resource === 'ephemeral-storage' ? 'an' : 'a';
      report({ type: 'unknown', cause: `whether a LimitRange gives ${article} ${what}: ${giver.cause}` });
      continue;
    }
    if (giver.from === 'LimitRange') {
      report({ type: 'note', text: `container ${container.name}: ${what} from LimitRange ${giver.name}` });
    }
    const request = side === 'limits' ? requestOf(container, input, resource) : undefined;
    for (const { message, remediation } of flawsOf(resource, giver.given, bounds, request)) {
      // Of what a LimitRange gives, the cure is a value of one's own: the check's.
      report(unmetAt(container, giver.given.path, message, giver.from === 'LimitRange' ? undefined : remediation));
    }
  }
}

/** Requires that neither a container nor the pod has a limit; 0 is none. */
export function forbidLimit(
  { workload, containers }: CheckInput<unknown>,
  resource: ComputeResource,
  report: Report,
): void {
  const path = ['resources', 'limits', resource];
  const message = `${resourceTitle(resource)} limits are not allowed`;
  const remediation = `remove resources.limits.${resource}`;
  if (isLimited(workload.pod, resource)) {
    report({ type: 'unmet', path: pathBelow(workload.podPath, path), message, remediation });
  }
  for (const container of containers) {
    if (isLimited(container.spec, resource)) report(unmetAt(container, path, message, remediation));
  }
}

/**
 * Judges what the pod itself writes, by the bounds of a container: one container may take all of it. Its request, left out,
 * is what the containers request together, and only where none does its limit (SetDefaults_Pod).
 */
function judgePod(
  workload: Workload,
  side: ResourceSide,
  resource: ComputeResource,
  bounds: Bounds,
  report: Report,
): void {
  const { resources } = workload.pod;
  const given = givenBy(resources, side, resource);
  if (given === undefined) return;
  const sum = together(workload.containers, ({ spec }) => givenBy(spec.resources, side, resource)?.value);
  if (side === 'requests' && sum !== undefined && written(resources, side, resource) === undefined) return;
  const { maxRatioToRequest } = bounds;
  const applied = addsNothing(workload, side, resource, given, sum) ? { maxRatioToRequest } : bounds;
  const request = side === 'limits' ? podRequestOf(workload, resource) : undefined;
  for (const { message, remediation } of flawsOf(resource, given, applied, request)) {
    report({ type: 'unmet', path: pathBelow(workload.podPath, given.path), message, remediation });
  }
}

/**
 * Does what the pod writes let no container have more than it has itself? So it is with a request that the API server wrote,
 * which is the sum, and with a limit up to the sum, if each container has a limit of its own.
 */
function addsNothing(
  { containers }: Workload,
  side: ResourceSide,
  resource: ComputeResource,
  { value: text }: Given,
  sum: Quantity | undefined,
): boolean {
  const value = parseQuantity(text);
  if (sum === undefined || value === undefined || value > sum) return false;
  return side === 'requests' || containers.every(({ spec }) => isLimited(spec, resource));
}

/** Does a container or a pod write a limit, and not one of 0, which is none? */
function isLimited({ resources }: Pick<PodSpec, 'resources'>, resource: ComputeResource): boolean {
  const limit = written(resources, 'limits', resource);
  return limit !== undefined && !isZero(limit);
}

/** The request of a pod as a whole, if anything but its limit is the request. */
function podRequestOf({ pod, containers }: Workload, resource: ComputeResource): NamedRequest | undefined {
  const own = written(pod.resources, 'requests', resource);
  if (own !== undefined) return named(own);
  const value = together(containers, ({ spec }) => givenBy(spec.resources, 'requests', resource)?.value);
  return value === undefined ? undefined : { value, name: 'what its containers request together' };
}

/** A request, and how a message about the limit names it. */
interface NamedRequest {
  readonly value: Quantity;
  readonly name: string;
}

function named(text: string | number | undefined): NamedRequest | undefined {
  const value = text === undefined ? undefined : parseQuantity(text);
  return value === undefined ? undefined : { value, name: `the request, which is ${text}` };
}

/** The request of a container, if anything but the limit is the request. */
function requestOf(
  container: Container,
  input: CheckInput<unknown>,
  resource: ComputeResource,
): NamedRequest | undefined {
  const own = written(container.spec.resources, 'requests', resource);
  if (own !== undefined || written(container.spec.resources, 'limits', resource) !== undefined) return named(own);
  const giver = giverOf(container, input, 'requests', resource);
  return giver.from === 'LimitRange' ? named(giver.given.value) : undefined;
}

/** All that is wrong with a value: it can't be meant, or lies outside the bounds, or does not fit the request. */
function flawsOf(
  resource: ComputeResource,
  { value, subject }: Given,
  bounds: Bounds,
  request: NamedRequest | undefined,
): Flaw[] {
  const read = readAmount(resource, value, subject);
  if ('flaw' in read) return [read.flaw];
  const { amount } = read;
  return [
    outside(bounds, amount, subject),
    request === undefined ? undefined : unfit(bounds, amount, subject, request.value, request.name),
  ].filter((flaw) => flaw !== undefined);
}
