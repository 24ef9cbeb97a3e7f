/** Companions: objects that find a workload by the labels of its pods. */
import { WHOLE_NAMESPACE, type Related, type RelatedFacts, type RelatedKindName } from './related.ts';
import type { Path } from './path.ts';
import { selects, type LabelSelector, type Labels } from './selectors.ts';
import type { Workload } from './workload.ts';

/** Kinds whose objects select pods of their own namespace. */
type SelectingKind = {
  [K in RelatedKindName]: RelatedFacts[K] extends { readonly selector: LabelSelector | undefined } ? K : never;
}[RelatedKindName];

/** All objects of a kind that select the pods of a workload, or why that is not known. */
export type Companions<T> =
  { readonly state: 'known'; readonly values: readonly T[] } | { readonly state: 'unknown'; readonly cause: string };

/** Finds the objects of a kind in a workload's namespace that select its pods. */
export function companionsOf<K extends SelectingKind>(
  kind: K,
  workload: Workload,
  related: Related,
): Companions<RelatedFacts[K]> {
  const answer = related.find(kind, workload.namespace, WHOLE_NAMESPACE);
  if (answer.state === 'unknown') return answer;
  if (answer.state === 'absent') return { state: 'known', values: [] };
  const labels = podLabels(workload);
  return { state: 'known', values: answer.values.filter(({ selector }) => selects(selector, labels)) };
}

/** The labels that a workload gives to its pods. */
export function podLabels({ template }: Workload): Labels {
  return template.metadata?.labels ?? {};
}

/** Where those labels stand: the place of a finding that nothing selects the pods. */
export function podLabelsPath({ kind }: Workload): Path {
  return [...kind.template, 'metadata', 'labels'];
}

/** Names in a sentence: `a and b`, `a, b and 3 more`. */
export function namesOf(values: readonly { readonly name: string }[]): string {
  const names = values.map(({ name }) => name).toSorted();
  return names.length <= 2 ? names.join(' and ') : `${names[0]}, ${names[1]} and ${names.length - 2} more`;
}
