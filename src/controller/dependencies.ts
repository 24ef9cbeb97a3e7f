import { RELATED_KINDS, type Related, type RelatedKindName } from '../engine/related.ts';
import { dependencyOf, type Dependency } from '../kube/related.ts';

/** Which workloads asked for what when they were judged last, so that a change re-judges just them. */
export class Dependencies {
  readonly #byWorkload = new Map<string, ReadonlySet<Dependency>>();
  readonly #byDependency = new Map<Dependency, Set<string>>();

  /** Replaces what is known of a workload; an empty set forgets it. */
  set(workload: string, dependencies: ReadonlySet<Dependency>): void {
    for (const dependency of this.#byWorkload.get(workload) ?? []) {
      const workloads = this.#byDependency.get(dependency);
      workloads?.delete(workload);
      if (workloads?.size === 0) this.#byDependency.delete(dependency);
    }
    if (dependencies.size === 0) {
      this.#byWorkload.delete(workload);
      return;
    }
    this.#byWorkload.set(workload, dependencies);
    for (const dependency of dependencies) {
      const workloads = this.#byDependency.get(dependency) ?? new Set();
      workloads.add(workload);
      this.#byDependency.set(dependency, workloads);
    }
  }

  /** The workloads that asked for one thing. */
  of(dependency: Dependency): Iterable<string> {
    return this.#byDependency.get(dependency) ?? [];
  }

  /** The workloads that asked for anything of a kind. */
  *ofKind(kind: RelatedKindName): Iterable<string> {
    const prefix = `${RELATED_KINDS[kind].kind}/`;
    for (const [workload, dependencies] of this.#byWorkload) {
      for (const dependency of dependencies) {
        if (dependency.startsWith(prefix)) {
          yield workload;
          break;
        }
      }
    }
  }
}

/** A Related that takes note of everything it is asked for. */
export function recording(related: Related, asked: Set<Dependency>): Related {
  return {
    find: (kind, namespace, key) => {
      asked.add(dependencyOf(kind, namespace, key));
      return related.find(kind, namespace, key);
    },
  };
}
