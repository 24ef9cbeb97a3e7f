/**
 * Requests and limits as the API server holds them against LimitRanges and ResourceQuotas: after LimitRanges have given
 * their defaults, and of a pod as a whole.
 */
import type { Path } from './path.ts';
import { parseQuantity, type Quantity } from './quantity.ts';
import type { LimitRangeFacts } from './related.ts';
import { defaultOf, givenBy, together, written, type Given, type ResourceSide } from './resource-givers.ts';
import { resourceTitle } from './resource-values.ts';
import type { Container, Workload } from './workload.ts';

/** A request or limit that the API server compares with a bound. */
export interface Applied {
  readonly value: Quantity;
  /** Below the container or the pod's spec. */
  readonly path: Path;
  /** Begins a message about it: `is 64Mi`. */
  readonly subject: string;
  /** Follows the subject, where a comparison goes on. */
  readonly pause: '' | ',';
}

/** What a container has once LimitRanges have given their defaults; undefined for nothing. */
export function appliedTo(
  container: Container,
  limitRanges: readonly LimitRangeFacts[],
  side: ResourceSide,
  resource: string,
): Applied | undefined {
  return applied(givenTo(container, limitRanges, side, resource));
}

/** What a pod has as a whole: its own value, else those of its containers, which are added up; undefined for nothing. */
export function appliedToPod(
  { pod, containers }: Workload,
  limitRanges: readonly LimitRangeFacts[],
  side: ResourceSide,
  resource: string,
): Applied | undefined {
  if (written(pod.resources, side, resource) !== undefined) return applied(givenBy(pod.resources, side, resource));
  const value = together(containers, (container) => givenTo(container, limitRanges, side, resource)?.value);
  if (value === undefined) return applied(givenBy(pod.resources, side, resource));
  return { value, path: ['containers'], subject: `their ${resourceTitle(resource)} ${side} are together`, pause: '' };
}

function givenTo(
  container: Container,
  limitRanges: readonly LimitRangeFacts[],
  side: ResourceSide,
  resource: string,
): Given | undefined {
  return givenBy(container.spec.resources, side, resource) ?? defaultOf(limitRanges, side, resource)?.given;
}

function applied(given: Given | undefined): Applied | undefined {
  const value = given === undefined ? undefined : parseQuantity(given.value);
  if (given === undefined || value === undefined) return undefined;
  return { value, path: given.path, subject: given.subject, pause: ',' };
}
