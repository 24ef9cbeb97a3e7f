/**
 * Which amounts of a resource can be meant. Kubernetes takes any quantity that is not negative, 512 thousandths of a byte
 * included; what no container runs with, or no machine has, is a slip of the unit, and as good as no value.
 */
import { ONE, parseQuantity, type Quantity } from './quantity.ts';
import type { Labels } from './selectors.ts';

/** The resources that checks require. */
export type ComputeResource = 'cpu' | 'memory' | 'ephemeral-storage';

/** A quantity, and how it is written. */
export interface Amount {
  readonly text: string;
  readonly value: Quantity;
}

/** What is wrong with a value. */
export interface Flaw {
  /** A clause that follows the value's path: `is 512m, less than a byte`. */
  readonly message: string;
  /** What to write instead. */
  readonly remediation: string;
}

/** Characters of what is no quantity that a message repeats. */
const LONGEST_SHOWN = 100;

interface Resource {
  /** Its name in a sentence. */
  readonly title: string;
  /** A usual amount. */
  readonly example: string;
  readonly least: Amount;
  /** Why less can't be meant. */
  readonly becauseLess: string;
  readonly most: Amount;
}

function amount(text: string): Amount {
  const value = parseQuantity(text);
  if (value === undefined) throw new TypeError(`${text} is not a quantity`);
  return { text, value };
}

/** No program starts in less memory, and a short log takes more disk. No machine has the most. */
const BYTES = { least: amount('1Mi'), becauseLess: 'too little for any container', most: amount('1Pi') };

const RESOURCES: Readonly<Record<ComputeResource, Resource>> = {
  cpu: {
    title: 'CPU',
    example: '500m',
    // The kubelet makes of less what it makes of none (MinShares), and the API server makes 1m of anything finer.
    least: amount('2m'),
    becauseLess: 'the smallest share of a CPU',
    most: amount('10k'),
  },
  memory: { title: 'memory', example: '256Mi', ...BYTES },
  'ephemeral-storage': { title: 'ephemeral storage', example: '2Gi', ...BYTES },
};

/** A resource's name in a sentence, `CPU`; of one that no check requires, its own. */
export function resourceTitle(resource: string): string {
  return Object.hasOwn(RESOURCES, resource) ? RESOURCES[resource as ComputeResource].title : resource;
}

/** One amount of many by resource name, as LimitRanges and ResourceQuotas have them; undefined: none, or no quantity. */
export function amountIn(amounts: Labels, resource: string): Amount | undefined {
  const text = Object.hasOwn(amounts, resource) ? amounts[resource] : undefined;
  const value = text === undefined ? undefined : parseQuantity(text);
  return value === undefined ? undefined : { text: String(text), value };
}

/**
 * Reads an amount of a resource, or tells why it can't be meant.
 *
 * @param text - as it stands in a manifest or a policy
 * @param subject - begins the message
 */
export function readAmount(
  resource: ComputeResource,
  text: string | number,
  subject = `is ${text}`,
): { readonly amount: Amount } | { readonly flaw: Flaw } {
  const value = parseQuantity(text);
  const { example } = RESOURCES[resource];
  if (value === undefined) {
    return {
      flaw: { message: `"${shown(text)}" is not a quantity`, remediation: `write a quantity, for example ${example}` },
    };
  }
  const excess = excessOf(resource, value);
  if (excess === undefined) return { amount: { text: String(text), value } };
  return {
    flaw: {
      message: `${subject}, ${excess}`,
      remediation: `write a quantity with its unit, for example ${example}`,
    },
  };
}

/** Part of what was written: anything may stand where a quantity belongs, and each policy would make a copy of it. */
function shown(text: string | number): string {
  return String(text).slice(0, LONGEST_SHOWN);
}

/** What makes an amount too small or too large to be meant, as a clause: `less than a byte`. */
function excessOf(resource: ComputeResource, value: Quantity): string | undefined {
  const { least, becauseLess, most } = RESOURCES[resource];
  if (value < 0n) return 'below 0';
  // A limit of 0 is no limit to the kubelet, and a request of 0 reserves nothing.
  if (value === 0n) return 'which means none';
  if (value > most.value) return 'more than any machine has';
  if (value >= least.value) return undefined;
  if (resource !== 'cpu' && value < ONE) return 'less than a byte';
  return `less than ${least.text}, ${becauseLess}`;
}
