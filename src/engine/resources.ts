/**
 * Requests and limits as Kubernetes applies them: a container's own value, else the pod's (`spec.resources`), else a
 * LimitRange's default (https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/).
 */
import { ParameterError, unmetAt, type CheckInput, type Report } from './check.ts';
import { ONE, parseQuantity, type Quantity } from './quantity.ts';
import { WHOLE_NAMESPACE } from './related.ts';
import type { Container } from './workload.ts';

/** `cpu`, `memory`, `ephemeral-storage` ... */
export type ResourceName = string;
export type ResourceSide = 'requests' | 'limits';

/** Bounds on a container's own value, prepared from a check's parameters. */
export interface Bounds {
  readonly min?: Bound | undefined;
  readonly max?: Bound | undefined;
  /** Largest allowed limit, in multiples of the request. */
  readonly maxRatioToRequest?: Bound | undefined;
}
interface Bound {
  readonly text: string;
  readonly value: Quantity;
}

/**
 * Prepares `min`, `max` and `maxRatioToRequest`.
 * @throws ParameterError if one is not a quantity or min is above max
 */
export function prepareBounds(parameters: {
  readonly min?: string | number;
  readonly max?: string | number;
  readonly maxRatioToRequest?: number;
}): Bounds {
  const min = prepareBound('min', parameters.min);
  const max = prepareBound('max', parameters.max);
  if (min !== undefined && max !== undefined && min.value > max.value) {
    throw new ParameterError('min', `is ${min.text}, above max, which is ${max.text}`);
  }
  return { min, max, maxRatioToRequest: prepareBound('maxRatioToRequest', parameters.maxRatioToRequest) };
}

function prepareBound(field: string, text: string | number | undefined): Bound | undefined {
  if (text === undefined) return undefined;
  const value = parseQuantity(text);
  if (value === undefined) throw new ParameterError(field, `"${text}" is not a quantity, for example 8Gi or 500m`);
  return { text: String(text), value };
}

const TITLES = new Map([
  ['cpu', 'CPU'],
  ['ephemeral-storage', 'ephemeral storage'],
]);

/** A resource's name in a sentence: `CPU`. */
export function resourceTitle(resource: ResourceName): string {
  return TITLES.get(resource) ?? resource;
}

/** What gives a container a request or limit. */
export type Giver =
  | { readonly from: 'Container'; readonly value: string | number }
  | { readonly from: 'Pod' }
  | { readonly from: 'LimitRange'; readonly name: string }
  | { readonly from: 'Nothing' }
  | { readonly from: 'Unknown'; readonly cause: string };

/** Finds what gives a container a request or limit. */
export function giverOf(
  container: Container,
  { workload, related }: Pick<CheckInput<unknown>, 'workload' | 'related'>,
  side: ResourceSide,
  resource: ResourceName,
): Giver {
  const value = ownValue(container, side, resource);
  if (value !== undefined) return { from: 'Container', value };
  if (givenTo(workload.pod.resources, side, resource) !== undefined) return { from: 'Pod' };
  const limitRanges = related.find('LimitRange', workload.namespace, WHOLE_NAMESPACE);
  if (limitRanges.state === 'unknown') return { from: 'Unknown', cause: limitRanges.cause };
  if (limitRanges.state === 'absent') return { from: 'Nothing' };
  const giver = limitRanges.values.find((range) =>
    Object.hasOwn(side === 'limits' ? range.defaultLimits : range.defaultRequests, resource),
  );
  return giver === undefined ? { from: 'Nothing' } : { from: 'LimitRange', name: giver.name };
}

/** Requires that each container has this request or limit, within bounds. */
export function requireResource(
  input: CheckInput<unknown>,
  side: ResourceSide,
  resource: ResourceName,
  bounds: Bounds,
  report: Report,
): void {
  const what = `${resourceTitle(resource)} ${side === 'limits' ? 'limit' : 'request'}`;
  for (const container of input.containers) {
    const giver = giverOf(container, input, side, resource);
    switch (giver.from) {
      case 'Container':
        judgeValue(container, side, resource, giver.value, bounds, report);
        break;
      case 'Unknown': {
        const article = resource === 'ephemeral-storage' ? 'an' : 'a';
        report({ type: 'unknown', cause: `whether a LimitRange gives ${article} ${what}: ${giver.cause}` });
        break;
      }
      case 'Nothing':
        report(unmetAt(container, ['resources', side], `no ${what}`));
        break;
      case 'LimitRange':
        report({ type: 'note', text: `container ${container.name}: ${what} from LimitRange ${giver.name}` });
        break;
      case 'Pod':
        break;
    }
  }
}

interface Requirements {
  readonly limits?: Readonly<Record<string, string | number>> | null;
  readonly requests?: Readonly<Record<string, string | number>> | null;
}

/** A value that stands in requests or limits; a limit without a request counts as both, as the API server sets it. */
function givenTo(
  resources: Requirements | null | undefined,
  side: ResourceSide,
  resource: ResourceName,
): string | number | undefined {
  const limit = resources?.limits?.[resource];
  return side === 'limits' ? limit : (resources?.requests?.[resource] ?? limit);
}

/** The value that a container itself sets. */
export function ownValue(
  container: Container,
  side: ResourceSide,
  resource: ResourceName,
): string | number | undefined {
  return givenTo(container.spec.resources, side, resource);
}

function judgeValue(
  container: Container,
  side: ResourceSide,
  resource: ResourceName,
  text: string | number,
  bounds: Bounds,
  report: Report,
): void {
  // A limit that counts as the request stands in limits.
  const borrowed = side === 'requests' && (container.spec.resources?.requests?.[resource] ?? undefined) === undefined;
  const path = ['resources', borrowed ? 'limits' : side, resource];
  const value = parseQuantity(text);
  if (value === undefined) {
    report(unmetAt(container, path, `"${text}" is not a quantity`, 'write a quantity, for example 256Mi or 500m'));
    return;
  }
  const { min, max, maxRatioToRequest } = bounds;
  if (min !== undefined && value < min.value) {
    report(unmetAt(container, path, `is ${text}, below the required minimum ${min.text}`, `set at least ${min.text}`));
  }
  if (max !== undefined && value > max.value) {
    report(unmetAt(container, path, `is ${text}, above the allowed maximum ${max.text}`, `set at most ${max.text}`));
  }
  if (side !== 'limits') return;
  const requestText = container.spec.resources?.requests?.[resource];
  const request = requestText === undefined ? undefined : parseQuantity(requestText);
  if (request === undefined) return;
  if (value < request) {
    report(
      unmetAt(
        container,
        path,
        `is ${text}, below the request, which is ${requestText}`,
        'raise the limit or lower the request',
      ),
    );
  } else if (maxRatioToRequest !== undefined && value * ONE > request * maxRatioToRequest.value) {
    report(
      unmetAt(
        container,
        path,
        `is ${text}, more than ${maxRatioToRequest.text} times the request, which is ${requestText}`,
        'raise the request or lower the limit',
      ),
    );
  }
}
