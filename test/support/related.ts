/** The objects around a workload, held in memory: Related as tests need it. */
import {
  relatedKindsOf,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKindName,
} from '../../src/engine/related.ts';
import type { RawObject } from '../../src/engine/workload.ts';

/** Kinds that can't be looked up, each with the cause. */
export type Unanswered = Readonly<Partial<Record<RelatedKindName, string>>>;

/**
 * Builds Related from manifests: what is not among them is absent, kinds named in `unanswered` are unknown, and the cluster
 * serves none of those in `notServed`.
 */
export function relatedOf(
  objects: readonly RawObject[],
  unanswered: Unanswered = {},
  notServed: ReadonlySet<string> = new Set(),
): Related {
  const found = new Map<string, unknown[]>();
  for (const object of objects) {
    const { namespace = 'default' } = object['metadata'] as { readonly namespace?: string };
    for (const kind of relatedKindsOf(String(object['apiVersion']), String(object['kind']))) {
      const facts = kind.read({ ...object, metadata: { namespace, ...(object['metadata'] as object) } });
      for (const place of kind.placesOf(facts, namespace)) {
        const index = `${kind.kind} ${place.namespace} ${place.key}`;
        found.set(index, [...(found.get(index) ?? []), facts]);
      }
    }
  }
  return {
    find<K extends RelatedKindName>(kind: K, namespace: string, key: string): Answer<RelatedFacts[K]> {
      const cause = unanswered[kind];
      if (cause !== undefined) return { state: 'unknown', cause };
      if (notServed.has(kind)) return { state: 'absent', notServed: true };
      const values = found.get(`${kind} ${namespace} ${key}`);
      return values === undefined ? { state: 'absent' } : { state: 'found', values: values as RelatedFacts[K][] };
    },
  };
}

/** Nothing around the workload at all. */
export const NOTHING_RELATED: Related = relatedOf([]);

/** Related that answers every question with the same cause. */
export function unknownRelated(cause: string): Related {
  return { find: () => ({ state: 'unknown', cause }) };
}

/** Related that refuses questions about kinds that a check does not declare in `reads`. */
export function onlyReading(reads: readonly RelatedKindName[], related: Related): Related {
  return {
    find(kind, namespace, key) {
      if (!reads.includes(kind)) throw new Error(`looks up ${kind}, which it does not name in reads`);
      return related.find(kind, namespace, key);
    },
  };
}
