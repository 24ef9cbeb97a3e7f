/**
 * The policies in force, and how the API server routes to them: policies with the same match share one route, which
 * bears the name of the first of them.
 */
import { canonicalJson } from '../engine/canonical.ts';
import type { Aspect } from '../engine/check.ts';
import { policyMatches, type CompiledPolicy, type MatchSubject } from './compile.ts';

export interface Route {
  /** Name of the first of its policies. */
  readonly name: string;
  /** By name; all with the same match. */
  readonly policies: readonly CompiledPolicy[];
  /** Could a finding of any of them be denied, now or from startsAt? */
  readonly canDeny: boolean;
}

/** An immutable set of policies. */
export class PolicySet {
  /** By name. */
  readonly policies: readonly CompiledPolicy[];
  /** By name. */
  readonly routes: readonly Route[];
  /** By the name of each of their policies. */
  readonly #byPolicy: ReadonlyMap<string, Route>;

  constructor(policies: Iterable<CompiledPolicy>) {
    this.policies = [...policies].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const byMatch = new Map<string, CompiledPolicy[]>();
    for (const policy of this.policies) {
      const { kinds, ...selectors } = policy.match.spec;
      const key = canonicalJson({ ...selectors, kinds: kinds?.toSorted() });
      byMatch.set(key, [...(byMatch.get(key) ?? []), policy]);
    }
    this.routes = [...byMatch.values()].map((shared) => ({
      name: (shared[0] as CompiledPolicy).name,
      policies: shared,
      canDeny: shared.some(({ canDeny }) => canDeny),
    }));
    this.#byPolicy = new Map(this.routes.flatMap((route) => route.policies.map(({ name }) => [name, route] as const)));
  }

  /**
   * The route of a policy. The API server may still come by the name of one that was the first of its match until a moment
   * ago.
   */
  route(policy: string): Route | undefined {
    return this.#byPolicy.get(policy);
  }

  /**
   * The routes that concern a workload, by name.
   *
   * @param routed - the route by which the API server came: it has just compared the namespace's labels itself, and may
   *   know newer ones than we do
   */
  routesFor(subject: MatchSubject, routed?: Route): readonly Route[] {
    return this.routes.filter((route) => policyMatches(route.policies[0] as CompiledPolicy, subject, route === routed));
  }

  /** The policies that concern a workload, by name. */
  matching(subject: MatchSubject): readonly CompiledPolicy[] {
    return this.policies.filter((policy) => policyMatches(policy, subject));
  }
}

/** Can more replicas be a finding of any of a route's policies? */
export function judgesRaises(route: Route): boolean {
  return route.policies.some(({ enabled }) => enabled.some(({ check }) => check.name === 'maxReplicas'));
}

/** Does any check of a route's policies judge such requests? */
export function judges(route: Route, aspect: Aspect): boolean {
  return route.policies.some(({ enabled }) => enabled.some(({ check }) => check.aspects?.includes(aspect)));
}
