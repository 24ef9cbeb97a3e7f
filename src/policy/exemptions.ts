/** Whose requests, and which namespaces, are never judged: what keeps a cluster alive must not wait for a policy. */

/** Namespaces of Kubernetes itself. */
export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease'] as const;

/**
 * The identities of Kubernetes' own controllers, which make objects for owners that were judged. The manager itself is
 * one where it runs without --use-service-account-credentials.
 */
export const CONTROLLER_USERS: readonly string[] = [
  'system:kube-controller-manager',
  ...[
    'deployment-controller',
    'replicaset-controller',
    'statefulset-controller',
    'daemon-set-controller',
    'job-controller',
    'cronjob-controller',
    'replication-controller',
    'horizontal-pod-autoscaler',
  ].map((name) => `system:serviceaccount:kube-system:${name}`),
];

/** Nodes report the Pods that they run from files under their own name, with this annotation. */
export const MIRROR_POD_ANNOTATION = 'kubernetes.io/config.mirror';
export const NODE_USER_PREFIX = 'system:node:';
/** User names of ServiceAccounts begin so. */
export const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:';

/** Changed by `kubectl rollout restart` alone; a change of nothing else is no new version. */
export const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/**
 * The most namespaces, and the most users, that an installation may add: every webhook entry names all of them. With the longest
 * names the users make an expression of 66,000 characters; the API server takes 100,000.
 */
export const MOST_EXCLUDED = 256;
/** The longest user name that an installation may add, in characters as CEL writes them, without the quotes. */
export const LONGEST_EXCLUDED_USER = 253;

export interface Exemptions {
  /** Namespaces that no policy concerns. */
  readonly namespaces: ReadonlySet<string>;
  /** User names whose requests always pass. */
  readonly users: ReadonlySet<string>;
}

/** A user's name as CEL writes it, with its quotes: as JSON does. */
export function quotedUser(name: string): string {
  return JSON.stringify(name);
}

/**
 * @param namespaces - the operator's own and those that the installation adds
 * @param users - user names that the installation adds
 */
export function exemptionsOf(namespaces: readonly string[], users: readonly string[]): Exemptions {
  return {
    namespaces: new Set([...SYSTEM_NAMESPACES, ...namespaces]),
    users: new Set([...CONTROLLER_USERS, ...users]),
  };
}
