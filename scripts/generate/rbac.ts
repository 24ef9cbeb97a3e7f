/** What the operator may read, from what its checks read: the rules of its ClusterRole that no installation changes. */
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { RELATED_KINDS } from '../../src/engine/related.ts';
import { GROUP } from '../../src/policy/schema.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Reads of workloads and related objects, and what our own kinds need. */
export function clusterRules(): Rule[] {
  const read = new Map<string, Set<string>>();
  for (const { group, resource } of [
    ...WORKLOAD_KINDS,
    ...Object.values(RELATED_KINDS),
    { group: '', resource: 'namespaces' },
  ]) {
    read.set(group, (read.get(group) ?? new Set()).add(resource));
  }
  return [
    ...[...read].map(([group, resources]) => ({
      apiGroups: [group],
      resources: [...resources].toSorted(),
      verbs: ['get', 'list', 'watch'],
    })),
    // Earlier templates, for kubectl rollout undo.
    { apiGroups: ['apps'], resources: ['controllerrevisions'], verbs: ['list'] },
    { apiGroups: [GROUP], resources: ['readinesspolicies'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [GROUP], resources: ['readinesspolicies/status'], verbs: ['patch'] },
    { apiGroups: [GROUP], resources: ['readinessexceptions'], verbs: ['list', 'watch'] },
    { apiGroups: [GROUP], resources: ['readinessexceptions/status'], verbs: ['patch'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
    { apiGroups: [GROUP], resources: ['readinessreports'], verbs: ['list', 'watch', 'create', 'update', 'delete'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    // Creation can't be limited to a name; the rest is, by the chart.
    { apiGroups: ['admissionregistration.k8s.io'], resources: ['validatingwebhookconfigurations'], verbs: ['create'] },
  ];
}
