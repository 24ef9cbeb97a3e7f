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
  const limits = ({ resources }: Pick<PodSpec, 'resources'>): boolean => {
    const limit = written(resources, 'limits', resource);
    return limit !== undefined && !isZero(limit);
  };
  if (limits(workload.pod)) {
    report({ type: 'unmet', path: pathBelow(workload.podPath, path), message, remediation });
  }
  for (const container of containers) {
    if (limits(container.spec)) report(unmetAt(container, path, message, remediation));
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
  const given = givenBy(workload.pod.resources, side, resource);
  const request = podRequestOf(workload, resource);
  if (given === undefined || (side === 'requests' && request?.isSum === true)) return;
  const bound = side === 'limits' ? request : undefined;
  for (const { message, remediation } of flawsOf(resource, given, bounds, bound)) {
    report({ type: 'unmet', path: pathBelow(workload.podPath, given.path), message, remediation });
  }
}

/** The request of a pod as a whole, if anything but its limit is the request. */
function podRequestOf({ pod, containers }: Workload, resource: ComputeResource): NamedRequest | undefined {
  const own = written(pod.resources, 'requests', resource);
  if (own !== undefined) return named(own);
  const value = together(containers, ({ spec }) => givenBy(spec.resources, 'requests', resource)?.value);
  return value === undefined ? undefined : { value, name: 'what its containers request together', isSum: true };
}

/** A request, and how a message about the limit names it. */
interface NamedRequest {
  readonly value: Quantity;
  readonly name: string;
  /** It is a sum that stands nowhere. */
  readonly isSum?: true;
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
