/** Related among manifests, and behind them in the cluster if there is one. */
import {
  RELATED_KINDS,
  relatedKindsOf,
  SECRET_MAKERS,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKindName,
} from '../engine/related.ts';
import type { Source } from './objects.ts';
import { Problems } from './problems.ts';
import { nameOf, namespaceOf } from './shape.ts';

/** Objects that Kubernetes itself makes: in every namespace, or in every cluster (the roles meant for users). */
const EVERYWHERE: { readonly [K in RelatedKindName]?: Readonly<Record<string, RelatedFacts[K]>> } = {
  ServiceAccount: { default: { name: 'default', imagePullSecrets: [], mountsToken: true } },
  ConfigMap: {
    'kube-root-ca.crt': { name: 'kube-root-ca.crt', keys: ['ca.crt'], credentials: { found: [], more: false } },
  },
  ClusterRole: {
    admin: { name: 'admin', grants: ['impersonate', 'secrets'] },
    edit: { name: 'edit', grants: ['impersonate', 'secrets'] },
    view: { name: 'view', grants: [] },
  },
};

/**
 * Looks up what surrounds a workload among the manifests themselves. Without a cluster, kinds that a workload names
 * (Secret, ConfigMap, ServiceAccount ...) and that are not among them are unknown: the cluster may have them. All others
 * are absent.
 *
 * @param namespace - of objects that name none
 * @param problems - where it goes what is wrong; absent: it is thrown
 * @param cluster - what the cluster has; the manifests take the place of objects of the same name there
 * @throws UnreadableInput naming the objects that do not have the shape of their kind
 */
export function relatedAmong(
  sources: readonly Source[],
  namespace: string,
  cluster?: Related,
  problems = new Problems(),
): Related {
  const found = new Map<string, RelatedFacts[RelatedKindName][]>();
  const names = new Set<string>();
  for (const source of sources) {
    const { object, file, locate, apiVersion } = source;
    const kinds = relatedKindsOf(apiVersion, source.kind);
    if (kinds.length > 0 && nameOf(object) === null) {
      problems.add(file, locate(['metadata', 'name']), `${source.kind}: metadata.name: is required`);
      continue;
    }
    for (const related of kinds) {
      try {
        const where = namespaceOf(object, namespace);
        const facts = related.read({ ...object, metadata: { ...(object['metadata'] as object), namespace: where } });
        names.add(keyOf(related.kind, ownNamespaceOf(facts, where), facts.name));
        for (const place of related.placesOf(facts, where)) {
          const key = keyOf(related.kind, place.namespace, place.key);
          const present = found.get(key);
          if (present === undefined) found.set(key, [facts]);
          else present.push(facts);
        }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        problems.add(file, locate([]), `does not have the shape of a ${source.kind}: ${error.message}`);
      }
    }
  }
  problems.throwIfAny();

  return {
    find<K extends RelatedKindName>(kind: K, where: string, key: string): Answer<RelatedFacts[K]> {
      const own = (found.get(keyOf(kind, where, key)) ?? []) as RelatedFacts[K][];
      const isNamed = RELATED_KINDS[kind].named === true;
      if (own.length > 0 && (isNamed || cluster === undefined)) return { state: 'found', values: own };
      const answer = cluster?.find(kind, where, key);
      const others =
        answer?.state === 'found'
          ? answer.values.filter((facts) => !names.has(keyOf(kind, ownNamespaceOf(facts, where), facts.name)))
          : [];
      if (own.length + others.length > 0) return { state: 'found', values: [...own, ...others] };
      if (answer?.state === 'unknown') return answer;
      const everywhere = EVERYWHERE[kind];
      if (everywhere !== undefined && Object.hasOwn(everywhere, key)) {
        return { state: 'found', values: [everywhere[key] as RelatedFacts[K]] };
      }
      if (answer !== undefined) return answer.state === 'absent' ? answer : { state: 'absent' };
      // A Secret that another manifest makes is absent, so that the check looks for its maker.
      const isSecret = kind === 'Secret' || RELATED_KINDS[kind].partOf === 'Secret';
      const made = isSecret && SECRET_MAKERS.some((maker) => found.has(keyOf(maker, where, key)));
      if (!isNamed || made) return { state: 'absent' };
      return { state: 'unknown', cause: 'it is not among the manifests' };
    },
  };
}

function keyOf(kind: RelatedKindName, namespace: string, key: string): string {
  return JSON.stringify([kind, namespace, key]);
}

/** The namespace of an object that is found without regard to it; else the one in which it was found. */
function ownNamespaceOf(facts: RelatedFacts[RelatedKindName], found: string): string {
  return 'namespace' in facts ? facts.namespace : found;
}
