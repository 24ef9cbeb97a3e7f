/** Companions: objects that find a workload by the labels of its pods. */
import type { Report } from './check.ts';
import {
  ANY_NAMESPACE,
  WHOLE_CLUSTER,
  WHOLE_NAMESPACE,
  type MonitorFacts,
  type Related,
  type RelatedFacts,
} from './related.ts';
import { pathBelow, type Path } from './path.ts';
import { selects, type Labels } from './selectors.ts';
import type { Workload } from './workload.ts';

/** Kinds whose objects select pods of their own namespace. */
type SelectingKind = 'PodDisruptionBudget' | 'NetworkPolicy' | 'Service';

/** All objects of a kind that select the pods of a workload, or why that is not known. */
export type Companions<T> =
  { readonly state: 'known'; readonly values: readonly T[] } | { readonly state: 'unknown'; readonly cause: string };

const NO_COMPANIONS: Companions<never> = Object.freeze({ state: 'known', values: Object.freeze([]) });

/** Finds the objects of a kind in a workload's namespace that select its pods. */
export function companionsOf<K extends SelectingKind>(
  kind: K,
  workload: Workload,
  related: Related,
): Companions<RelatedFacts[K]> {
  const answer = related.find(kind, workload.namespace, WHOLE_NAMESPACE);
  if (answer.state === 'unknown') return answer;
  if (answer.state === 'absent') return NO_COMPANIONS;
  const labels = podLabels(workload);
  return { state: 'known', values: answer.values.filter(({ selector }) => selects(selector, labels)) };
}

/** The monitors of a kind that look at a workload's namespace. */
export interface Monitors {
  readonly values: readonly MonitorFacts[];
  /** Why there may be more. */
  readonly cause: string | undefined;
  readonly notServed: boolean;
}

const NOT_SERVED: Monitors = Object.freeze({ values: Object.freeze([]), cause: undefined, notServed: true });

/** Finds the monitors that look at a workload's namespace, wherever they stand. */
export function monitorsOf(kind: 'ServiceMonitor' | 'PodMonitor', workload: Workload, related: Related): Monitors {
  const own = related.find(kind, WHOLE_CLUSTER, workload.namespace);
  if (own.state === 'absent' && own.notServed === true) return NOT_SERVED;
  const anywhere = related.find(kind, WHOLE_CLUSTER, ANY_NAMESPACE);
  return {
    values: [own, anywhere].flatMap((answer) => (answer.state === 'found' ? answer.values : [])),
    cause: own.state === 'unknown' ? own.cause : anywhere.state === 'unknown' ? anywhere.cause : undefined,
    notServed: false,
  };
}

/** What a check says that has nothing to go by, because the cluster does not serve the kinds that it `needs`. */
export function notServed(check: string, kinds: string, report: Report): void {
  const reason = `the cluster serves no ${kinds}`;
  report({ type: 'note', text: `${check}: not judged, ${reason}` });
  report({ type: 'notApplicable', reason });
}

/** The labels that a workload gives to its pods. */
export function podLabels({ template }: Workload): Labels {
  return template.metadata?.labels ?? {};
}

/** Where those labels stand: the place of a finding that nothing selects the pods. */
export function podLabelsPath({ kind }: Workload): Path {
  return pathBelow(kind.template, ['metadata', 'labels']);
}

/** Names in a sentence: `a and b`, `a, b and 3 more`. */
export function namesOf(values: readonly { readonly name: string }[]): string {
  const names = values.map(({ name }) => name).toSorted();
  return names.length <= 2 ? names.join(' and ') : `${names[0]}, ${names[1]} and ${names.length - 2} more`;
}
