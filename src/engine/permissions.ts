/**
 * What a ServiceAccount is allowed, as far as it is more than a workload should be: the risks named by Kubernetes
 * (docs: "Role Based Access Control Good Practices", privilege escalation risks).
 */
import { remembering } from './remember.ts';

/** What a role gives that lets a workload take over more than it was given, worst first. */
export const GRANTS = ['everything', 'wildcard', 'escalate', 'bind', 'impersonate', 'secrets'] as const;
export type Grant = (typeof GRANTS)[number];

/** rbac/v1 PolicyRule, of which nothing has been looked at. */
interface Rule {
  readonly apiGroups?: readonly string[] | null;
  readonly resources?: readonly string[] | null;
  readonly resourceNames?: readonly string[] | null;
  readonly verbs?: readonly string[] | null;
}

const READING = ['get', 'list', 'watch'];
/** The kinds of the group rbac.authorization.k8s.io on which `escalate` and `bind` mean something. */
const ROLES = ['roles', 'clusterroles'];

/** The grants of a role's rules. An aggregated ClusterRole's rules are filled in by Kubernetes. */
export function grantsOf(rules: readonly Rule[] | null | undefined): Grant[] {
  const found = new Set<Grant>();
  for (const rule of rules ?? []) for (const grant of grantsOfRule(rule)) found.add(grant);
  // Who may do everything has nothing else to be told of.
  return found.has('everything') ? ['everything'] : GRANTS.filter((grant) => found.has(grant));
}

function* grantsOfRule({ apiGroups, resources, resourceNames, verbs }: Rule): Iterable<Grant> {
  const has = (list: readonly string[] | null | undefined, ...wanted: string[]): boolean =>
    (list ?? []).some((item) => item === '*' || wanted.includes(item));
  if (!resources?.length) return;
  const isNamed = (resourceNames?.length ?? 0) > 0;
  if (!isNamed && has(apiGroups) && has(resources) && has(verbs)) {
    yield 'everything';
    return;
  }
  if (!isNamed && (has(resources) || has(verbs))) yield 'wildcard';
  const onRoles = has(apiGroups, 'rbac.authorization.k8s.io') && has(resources, ...ROLES);
  if (onRoles && verbs?.includes('escalate') === true) yield 'escalate';
  if (onRoles && verbs?.includes('bind') === true) yield 'bind';
  if (verbs?.includes('impersonate') === true) yield 'impersonate';
  if (!isNamed && has(apiGroups, '') && has(resources, 'secrets') && has(verbs, ...READING)) yield 'secrets';
}

/** rbac/v1 Subject. */
interface Subject {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** The groups that every ServiceAccount is in (authentication/serviceaccount). */
const ALL_AUTHENTICATED = 'system:authenticated';
const ALL_ACCOUNTS = 'system:serviceaccounts';

/** A subject under which bindings name a ServiceAccount. */
export interface AccountSubject {
  readonly key: string;
  /** What follows its name in words for a person: ` (as one of the group system:serviceaccounts)`; empty for itself. */
  readonly as: string;
}

/** The subjects under which bindings name a ServiceAccount: itself, then its groups. */
export function subjectsOf(namespace: string, name: string): readonly AccountSubject[] {
  return [{ key: accountKey(namespace, name), as: '' }, ...groupsOf(namespace)];
}

const groupsOf = remembering((namespace): readonly AccountSubject[] =>
  [`${ALL_ACCOUNTS}:${namespace}`, ALL_ACCOUNTS, ALL_AUTHENTICATED].map((group) => ({
    key: `Group/${group}`,
    as: ` (as one of the group ${group})`,
  })),
);

/** The keys of those subjects of a binding that are, or hold, ServiceAccounts. Users and their groups are left out. */
export function subjectKeysOf(subjects: readonly Subject[] | null | undefined): string[] {
  const keys = (subjects ?? []).flatMap(({ kind = '', name = '', namespace = '' }) => {
    switch (kind) {
      case 'ServiceAccount':
        return [accountKey(namespace, name)];
      case 'User': {
        // The name under which a ServiceAccount authenticates.
        const [, place, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name) ?? [];
        return place === undefined || account === undefined ? [] : [accountKey(place, account)];
      }
      case 'Group':
        return name === ALL_AUTHENTICATED || name === ALL_ACCOUNTS || name.startsWith(`${ALL_ACCOUNTS}:`)
          ? [`Group/${name}`]
          : [];
      default:
        return [];
    }
  });
  return [...new Set(keys)];
}

function accountKey(namespace: string, name: string): string {
  return `ServiceAccount/${namespace}/${name}`;
}
