/**
 * Requests and limits as Kubernetes applies them: a container's own value, else the pod's (`spec.resources`), else a
 * LimitRange's default (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
 */
import { unmetAt, type CheckInput, type Report } from './check.ts';
import { pathBelow, type Path } from './path.ts';
import type { PodSpec, ResourceRequirements } from './pod.ts';
import { parseQuantity, type Quantity } from './quantity.ts';
import { WHOLE_NAMESPACE } from './related.ts';
import { outside, unfit, type Bounds } from './resource-bounds.ts';
import { readAmount, resourceTitle, type ComputeResource, type Flaw } from './resource-values.ts';
import type { Container, Workload } from './workload.ts';

export type ResourceSide = 'requests' | 'limits';

/** A request or limit, and what to say of it. */
export interface Given {
  readonly value: string | number;
  /** Where it stands, or where it would have to, below the container or the pod's spec. */
  readonly path: Path;
  /** Begins a message about it: `is 64Gi`. */
  readonly subject: string;
}

/** What gives a container a request or limit. */
export type Giver =
  | { readonly from: 'Container'; readonly given: Given }
  | { readonly from: 'Pod'; readonly given: Given }
  | { readonly from: 'LimitRange'; readonly name: string; readonly given: Given }
  | { readonly from: 'Nothing' }
  | { readonly from: 'Unknown'; readonly cause: string };

/** Finds what gives a container a request or limit. */
export function giverOf(
  container: Container,
  { workload, related }: Pick<CheckInput<unknown>, 'workload' | 'related'>,
  side: ResourceSide,
  resource: string,
): Giver {
  const { resources } = workload.pod;
  const own = givenBy(container.spec.resources, side, resource);
  // A container's 0 leaves the matter to the pod.
  const shared = own !== undefined && isZero(own.value) && written(resources, side, resource) !== undefined;
  if (own !== undefined && !shared) return { from: 'Container', given: own };
  const pods = givenBy(resources, side, resource);
  if (pods !== undefined) return { from: 'Pod', given: pods };
  const limitRanges = related.find('LimitRange', workload.namespace, WHOLE_NAMESPACE);
  if (limitRanges.state === 'unknown') return { from: 'Unknown', cause: limitRanges.cause };
  if (limitRanges.state === 'absent') return { from: 'Nothing' };
  for (const { name, defaultLimits, defaultRequests } of limitRanges.values) {
    const defaults = side === 'limits' ? defaultLimits : defaultRequests;
    if (!Object.hasOwn(defaults, resource)) continue;
    const value = defaults[resource] as string;
    const subject = `is ${value} by LimitRange ${name}`;
    return { from: 'LimitRange', name, given: { value, path: ['resources', side], subject } };
  }
  return { from: 'Nothing' };
}

/** Is a value a quantity of nothing? */
export function isZero(value: string | number): boolean {
  return parseQuantity(value) === 0n;
}

function written(
  resources: ResourceRequirements | null | undefined,
  side: ResourceSide,
  resource: string,
): string | number | undefined {
  return resources?.[side]?.[resource] ?? undefined;
}

/** What a container or a pod gives itself; a limit without a request counts as both, as the API server sets it. */
function givenBy(
  resources: ResourceRequirements | null | undefined,
  side: ResourceSide,
  resource: string,
): Given | undefined {
  const own = written(resources, side, resource);
  const value = own ?? written(resources, 'limits', resource);
  if (value === undefined) return undefined;
  return { value, path: ['resources', own === undefined ? 'limits' : side, resource], subject: `is ${value}` };
}

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
      report(unmetAt(container, giver.given.path, message, remediation));
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
  if (given === undefined || (side === 'requests' && request?.together === true)) return;
  const bound = side === 'limits' ? request : undefined;
  for (const { message, remediation } of flawsOf(resource, given, bounds, bound)) {
    report({ type: 'unmet', path: pathBelow(workload.podPath, given.path), message, remediation });
  }
}

/** The request of a pod as a whole, if anything but its limit is the request. */
function podRequestOf({ pod, containers }: Workload, resource: ComputeResource): NamedRequest | undefined {
  const own = written(pod.resources, 'requests', resource);
  if (own !== undefined) return named(own);
  const value = requestedTogether(containers, resource);
  return value === undefined ? undefined : { value, name: 'what its containers request together', together: true };
}

/**
 * What the containers of a pod request together: those that run at the same time, at the fullest moment
 * (k8s.io/component-helpers/resource, AggregateContainerRequests).
 *
 * @returns undefined if none of them requests anything
 */
function requestedTogether(containers: readonly Container[], resource: ComputeResource): Quantity | undefined {
  let running = 0n;
  let sidecars = 0n;
  let starting = 0n;
  let any = false;
  for (const { role, spec } of containers) {
    const given = givenBy(spec.resources, 'requests', resource);
    if (given === undefined) continue;
    any = true;
    const value = parseQuantity(given.value) ?? 0n;
    if (role === 'regular') running += value;
    else if (role === 'sidecar') sidecars += value;
    else if (sidecars + value > starting) starting = sidecars + value;
  }
  if (!any) return undefined;
  return (running + sidecars > starting ? running + sidecars : starting) as Quantity;
}

/** A request, and how a message about the limit names it. */
interface NamedRequest {
  readonly value: Quantity;
  readonly name: string;
  /** It is a sum that stands nowhere. */
  readonly together?: true;
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
