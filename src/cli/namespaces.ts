/** What is known of namespaces, and what a policy's namespaceSelector makes of it. */
import { valueAt } from '../engine/path.ts';
import { compileSelector, type Labels, type LabelSelector } from '../engine/selectors.ts';
import { isObject } from '../engine/workload.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import type { Source } from './objects.ts';
import { Problems } from './problems.ts';
import { nameOf } from './shape.ts';

/** The label that the API server gives every namespace. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Does a policy concern a namespace? `unknown`: its labels decide, and they are not known. */
export type NamespaceMatch = 'yes' | 'no' | 'unknown';

/** The namespaces that the input describes. */
export class Namespaces {
  readonly #labels = new Map<string, Labels>();
  readonly #others: Labels | undefined;

  /**
   * @param inCluster - labels of namespaces that exist in the cluster; manifests win over them
   * @param problems - where it goes what is wrong; absent: it is thrown
   * @param others - labels of every namespace that neither describes; undefined if they are not known
   * @throws UnreadableInput naming the Namespace manifests whose labels are not text
   */
  constructor(
    sources: readonly Source[],
    inCluster: ReadonlyMap<string, Labels> | undefined,
    others: Labels | undefined,
    problems = new Problems(),
  ) {
    this.#others = others;
    for (const [name, labels] of inCluster ?? []) this.#labels.set(name, labels);
    for (const { apiVersion, kind, object, file, locate } of sources) {
      const name = nameOf(object);
      if (kind !== 'Namespace' || apiVersion !== 'v1' || name === null) continue;
      const labels = valueAt(object, ['metadata', 'labels']) ?? {};
      const wrong = isObject(labels) ? Object.entries(labels).find(([, value]) => typeof value !== 'string') : ['', ''];
      if (wrong === undefined) {
        this.#labels.set(name, labels as Labels);
      } else {
        const path = ['metadata', 'labels', ...(wrong[0] === '' ? [] : [wrong[0]])];
        problems.add(
          file,
          locate(path),
          `Namespace: ${path.join('.')}: must be ${wrong[0] === '' ? 'a mapping' : 'text'}`,
        );
      }
    }
    problems.throwIfAny();
  }

  /** Labels of a namespace, as far as they are known. */
  labelsOf(namespace: string): Labels {
    return { ...(this.#labels.get(namespace) ?? this.#others), [NAME_LABEL]: namespace };
  }

  /** Compares a namespace with the policy's selector. */
  match({ match }: CompiledPolicy, namespace: string): NamespaceMatch {
    const labels = this.labelsOf(namespace);
    if (this.#labels.has(namespace) || this.#others !== undefined) return match.namespace(labels) ? 'yes' : 'no';
    const { byName, rest } = splitSelector(match.spec.namespaceSelector ?? {});
    if (!compileSelector(byName)(labels)) return 'no';
    return rest === 0 ? 'yes' : 'unknown';
  }
}

/** The part of a selector that the namespace's name decides, and how many requirements it has beyond that. */
function splitSelector({ matchLabels, matchExpressions }: LabelSelector): {
  readonly byName: LabelSelector;
  readonly rest: number;
} {
  const labels = Object.entries(matchLabels ?? {});
  const expressions = matchExpressions ?? [];
  const byName = {
    matchLabels: Object.fromEntries(labels.filter(([key]) => key === NAME_LABEL)),
    matchExpressions: expressions.filter(({ key }) => key === NAME_LABEL),
  };
  const decided = Object.keys(byName.matchLabels).length + byName.matchExpressions.length;
  return { byName, rest: labels.length + expressions.length - decided };
}
