/**
 * Requests and limits as Kubernetes applies them: a container's own value, else the pod's (`spec.resources`), else a
 * LimitRange's default (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
 */
import type { CheckInput } from './check.ts';
import type { Path } from './path.ts';
import type { ResourceRequirements } from './pod.ts';
import { parseQuantity, type Quantity } from './quantity.ts';
import { WHOLE_NAMESPACE, type LimitRangeFacts } from './related.ts';
import type { Container } from './workload.ts';

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
  return defaultOf(limitRanges.values, side, resource) ?? { from: 'Nothing' };
}

/** What LimitRanges give a container that writes nothing itself: the first of them that has a default. */
export function defaultOf(
  limitRanges: readonly LimitRangeFacts[],
  side: ResourceSide,
  resource: string,
): Extract<Giver, { from: 'LimitRange' }> | undefined {
  for (const { name, defaultLimits, defaultRequests } of limitRanges) {
    const defaults = side === 'limits' ? defaultLimits : defaultRequests;
    if (!Object.hasOwn(defaults, resource)) continue;
    const value = defaults[resource] as string;
    const subject = `is ${value} by LimitRange ${name}`;
    return { from: 'LimitRange', name, given: { value, path: ['resources', side], subject } };
  }
  return undefined;
}

/** Is a value a quantity of nothing? */
export function isZero(value: string | number): boolean {
  return parseQuantity(value) === 0n;
}

/** A value that stands in requests or limits. */
export function written(
  resources: ResourceRequirements | null | undefined,
  side: ResourceSide,
  resource: string,
): string | number | undefined {
  return resources?.[side]?.[resource] ?? undefined;
}

/** What a container or a pod gives itself; a limit without a request counts as both, as the API server sets it. */
export function givenBy(
  resources: ResourceRequirements | null | undefined,
  side: ResourceSide,
  resource: string,
): Given | undefined {
  const own = written(resources, side, resource);
  const value = own ?? written(resources, 'limits', resource);
  if (value === undefined) return undefined;
  return { value, path: ['resources', own === undefined ? 'limits' : side, resource], subject: `is ${value}` };
}

/**
 * What the containers of a pod have together: those that run at the same time, at the fullest moment
 * (k8s.io/component-helpers/resource, AggregateContainerRequests).
 *
 * @param valueOf - what a container has, undefined for nothing
 * @returns undefined if none of them has anything
 */
export function together(
  containers: readonly Container[],
  valueOf: (container: Container) => string | number | undefined,
): Quantity | undefined {
  let running = 0n;
  let sidecars = 0n;
  let starting = 0n;
  let any = false;
  for (const container of containers) {
    const text = valueOf(container);
    if (text === undefined) continue;
    any = true;
    const value = parseQuantity(text) ?? 0n;
    if (container.role === 'regular') running += value;
    else if (container.role === 'sidecar') sidecars += value;
    else if (sidecars + value > starting) starting = sidecars + value;
  }
  if (!any) return undefined;
  return (running + sidecars > starting ? running + sidecars : starting) as Quantity;
}
