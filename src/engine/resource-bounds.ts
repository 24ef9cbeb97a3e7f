/** The bounds that a policy sets on requests and limits: its parameters, and what breaks them. */
import { ParameterError } from './check.ts';
import { ONE, parseQuantity, type Quantity } from './quantity.ts';
import { readAmount, type Amount, type ComputeResource, type Flaw } from './resource-values.ts';

/** Bounds on a value, prepared from a check's parameters. */
export interface Bounds {
  readonly min?: Amount | undefined;
  readonly max?: Amount | undefined;
  /** Largest allowed limit, in multiples of the request. */
  readonly maxRatioToRequest?: Amount | undefined;
}

/**
 * Prepares `min`, `max` and `maxRatioToRequest`.
 * @throws ParameterError if min or max can't be meant as an amount of the resource, or min is above max
 */
export function prepareBounds(
  resource: ComputeResource,
  parameters: {
    readonly min?: string | number;
    readonly max?: string | number;
    readonly maxRatioToRequest?: number;
  },
): Bounds {
  const min = prepareAmount('min', resource, parameters.min);
  const max = prepareAmount('max', resource, parameters.max);
  if (min !== undefined && max !== undefined && min.value > max.value) {
    throw new ParameterError('min', `is ${min.text}, above max, which is ${max.text}`);
  }
  return { min, max, maxRatioToRequest: prepareRatio(parameters.maxRatioToRequest) };
}

function prepareAmount(
  field: string,
  resource: ComputeResource,
  text: string | number | undefined,
): Amount | undefined {
  if (text === undefined) return undefined;
  const read = readAmount(resource, text);
  if ('flaw' in read) throw new ParameterError(field, `${read.flaw.message}; ${read.flaw.remediation}`);
  return read.amount;
}

function prepareRatio(ratio: number | undefined): Amount | undefined {
  const value = ratio === undefined ? undefined : parseQuantity(ratio);
  return value === undefined ? undefined : { text: String(ratio), value };
}

/**
 * Tells how an amount lies outside min and max.
 *
 * @param subject - begins the message: `is 64Gi`
 */
export function outside({ min, max }: Bounds, { value }: Amount, subject: string): Flaw | undefined {
  if (min !== undefined && value < min.value) {
    return { message: `${subject}, below the required minimum ${min.text}`, remediation: `set at least ${min.text}` };
  }
  if (max !== undefined && value > max.value) {
    return { message: `${subject}, above the allowed maximum ${max.text}`, remediation: `set at most ${max.text}` };
  }
  return undefined;
}

/**
 * Tells how a limit does not fit the request: it is below it, or above the allowed ratio.
 *
 * @param subject - begins the message: `is 64Gi`
 * @param named - the request in the message: `the request, which is 1Gi`
 */
export function unfit(
  { maxRatioToRequest }: Bounds,
  { value }: Amount,
  subject: string,
  request: Quantity,
  named: string,
): Flaw | undefined {
  if (value < request) {
    return { message: `${subject}, below ${named}`, remediation: 'raise the limit or lower the request' };
  }
  if (maxRatioToRequest !== undefined && value * ONE > request * maxRatioToRequest.value) {
    return {
      message: `${subject}, more than ${maxRatioToRequest.text} times ${named}`,
      remediation: 'raise the request or lower the limit',
    };
  }
  return undefined;
}
