import { onceForEach } from './remember.ts';

/** A label selector as it stands in an object (meta/v1 LabelSelector). */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | null | undefined;
  readonly matchExpressions?:
    | readonly {
        readonly key: string;
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        readonly values?: readonly string[] | null | undefined;
      }[]
    | null
    | undefined;
}

export type Labels = Readonly<Record<string, string>>;
export type Matcher = (labels: Labels) => boolean;

/**
 * Compiles a label selector. As in Kubernetes an empty selector matches everything, all requirements must hold, and
 * NotIn is met by an absent label. An absent selector means whatever its owner says, so it is not accepted here.
 */
export function compileSelector(selector: LabelSelector): Matcher {
  const requirements: Matcher[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push((labels) => own(labels, key) === value);
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const set = new Set(values ?? []);
    switch (operator) {
      case 'In':
        requirements.push((labels) => Object.hasOwn(labels, key) && set.has(own(labels, key) ?? ''));
        break;
      case 'NotIn':
        requirements.push((labels) => !Object.hasOwn(labels, key) || !set.has(own(labels, key) ?? ''));
        break;
      case 'Exists':
        requirements.push((labels) => Object.hasOwn(labels, key));
        break;
      case 'DoesNotExist':
        requirements.push((labels) => !Object.hasOwn(labels, key));
        break;
    }
  }
  return (labels) => requirements.every((matches) => matches(labels));
}

const matcherOf = onceForEach(compileSelector);

/** Does a selector select something with these labels? One that is absent selects nothing. Compiled once for each object. */
export function selects(selector: LabelSelector | null | undefined, labels: Labels): boolean {
  return selector !== undefined && selector !== null && matcherOf(selector)(labels);
}

function own(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
