/** Related among manifests: what is named and not there may be in the cluster; what surrounds is there or is not. */
import { groupOf } from '../engine/kinds.ts';
import { valueAt } from '../engine/path.ts';
import {
  RELATED_KINDS,
  SECRET_MAKERS,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKind,
} from '../engine/related.ts';
import { UnreadableInput } from './documents.ts';
import type { Source } from './input.ts';

/** @throws UnreadableInput on a related object of another shape than its kind has */
export function relatedAmong(sources: readonly Source[], namespace: string): Related {
  const found = new Map<string, RelatedFacts[keyof RelatedFacts][]>();
  const kinds = Object.values(RELATED_KINDS) as RelatedKind[];
  for (const { object, file, locate } of sources) {
    const related = kinds.find(
      ({ kind, group }) => kind === object['kind'] && group === groupOf(String(object['apiVersion'])),
    );
    if (related === undefined) continue;
    try {
      const facts = related.read(object);
      const key = [
        related.kind,
        (valueAt(object, ['metadata', 'namespace']) as string | undefined) ?? namespace,
        related.keyOf(facts),
      ].join('/');
      found.set(key, [...(found.get(key) ?? []), facts]);
    } catch {
      throw new UnreadableInput(file, locate([]), `is not a ${related.kind} that can be read`);
    }
  }
  return {
    find: <K extends keyof RelatedFacts>(kind: K, where: string, key: string): Answer<RelatedFacts[K]> => {
      const values = found.get(`${kind}/${where}/${key}`);
      if (values !== undefined) return { state: 'found', values: values as RelatedFacts[K][] };
      // A Secret that another manifest makes is absent, so that the check looks for its maker.
      const made = kind === 'Secret' && SECRET_MAKERS.some((maker) => found.has(`${maker}/${where}/${key}`));
      if (RELATED_KINDS[kind].named !== true || made) return { state: 'absent' };
      if (kind === 'ServiceAccount' && key === 'default') return { state: 'absent' };
      return { state: 'unknown', cause: 'it is not among the manifests' };
    },
  };
}
