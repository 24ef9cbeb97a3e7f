/** Related among manifests: what a workload names may also be in the cluster; what names the workload is there or not. */
import { groupOf } from '../engine/kinds.ts';
import {
  RELATED_KINDS,
  SECRET_MAKERS,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKind,
  type RelatedKindName,
} from '../engine/related.ts';
import type { Source } from './objects.ts';
import { Problems } from './problems.ts';
import { nameOf, namespaceOf } from './shape.ts';

/** Objects that Kubernetes itself makes in every namespace. */
const IN_EVERY_NAMESPACE: { readonly [K in RelatedKindName]?: Readonly<Record<string, RelatedFacts[K]>> } = {
  ServiceAccount: { default: { name: 'default', imagePullSecrets: [] } },
  ConfigMap: { 'kube-root-ca.crt': { name: 'kube-root-ca.crt', keys: ['ca.crt'] } },
};

/**
 * Looks up what surrounds a workload among the manifests themselves. Kinds that a workload names (Secret, ConfigMap,
 * ServiceAccount) and that are not among them are unknown: the cluster may have them. All others are absent.
 *
 * @param namespace - of objects that name none
 * @throws UnreadableInput naming the objects that do not have the shape of their kind
 */
export function relatedAmong(sources: readonly Source[], namespace: string): Related {
  const found = new Map<string, RelatedFacts[RelatedKindName][]>();
  const problems = new Problems();
  for (const source of sources) {
    const related = relatedKindOf(source);
    if (related === undefined) continue;
    const { object, file, locate } = source;
    if (nameOf(object) === null) {
      problems.add(file, locate(['metadata', 'name']), `${related.kind}: metadata.name: is required`);
      continue;
    }
    try {
      const facts = related.read(object);
      const key = keyOf(related.kind, namespaceOf(object, namespace), related.keyOf(facts));
      const present = found.get(key);
      if (present === undefined) found.set(key, [facts]);
      else present.push(facts);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      problems.add(file, locate([]), `does not have the shape of a ${related.kind}: ${error.message}`);
    }
  }
  problems.throwIfAny();

  return {
    find<K extends RelatedKindName>(kind: K, where: string, key: string): Answer<RelatedFacts[K]> {
      const values = found.get(keyOf(kind, where, key)) as RelatedFacts[K][] | undefined;
      if (values !== undefined) return { state: 'found', values };
      const everywhere = IN_EVERY_NAMESPACE[kind];
      if (everywhere !== undefined && Object.hasOwn(everywhere, key)) {
        return { state: 'found', values: [everywhere[key] as RelatedFacts[K]] };
      }
      // A Secret that another manifest makes is absent, so that the check looks for its maker.
      const made = kind === 'Secret' && SECRET_MAKERS.some((maker) => found.has(keyOf(maker, where, key)));
      if (RELATED_KINDS[kind].named !== true || made) return { state: 'absent' };
      return { state: 'unknown', cause: 'it is not among the manifests' };
    },
  };
}

function relatedKindOf({ kind, apiVersion }: Source): RelatedKind | undefined {
  if (!Object.hasOwn(RELATED_KINDS, kind)) return undefined;
  const related = RELATED_KINDS[kind as RelatedKindName] as unknown as RelatedKind;
  return related.group === groupOf(apiVersion) ? related : undefined;
}

function keyOf(kind: RelatedKindName, namespace: string, key: string): string {
  return JSON.stringify([kind, namespace, key]);
}
