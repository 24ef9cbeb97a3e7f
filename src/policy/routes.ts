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
  }

  route(name: string): Route | undefined {
    return this.routes.find((route) => route.name === name);
  }

  /**
   * The routes that concern a workload, by name.
   *
   * @param routed - the route by which the API server came: it has just compared the namespace's labels itself, and may
   *   know newer ones than we do
   */
  routesFor(subject: MatchSubject, routed?: string): readonly Route[] {
    return this.routes.filter(({ name, policies }) => {
      const policy = policies[0] as CompiledPolicy;
      return policyMatches(policy, subject, name === routed);
    });
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
