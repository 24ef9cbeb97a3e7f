/** What the operator may read, from what its checks read: the rules of its ClusterRole that no installation changes. */
import { MUTATING, VALIDATING } from '../../src/controller/webhook-configuration-objects.ts';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { RELATED_KINDS } from '../../src/engine/related.ts';
import type { SecretAccess } from '../../src/kube/secret.ts';
import { GROUP } from '../../src/policy/schema.ts';

/** What the chart calls all that it makes. */
const NAME = 'readiness-operator';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Reads of workloads and related objects but Secrets, and what our own kinds need. */
export function clusterRules(): Rule[] {
  const watched = ['list', 'watch'];
  const alsoGot = ['get', ...watched];
  return [
    ...readRules([
      // Those that are scaled, and CronJobs for the Jobs made of them, are read live before a denial.
      ...WORKLOAD_KINDS.map(({ group, resource, kind, replicas }) => ({
        group,
        resource,
        verbs: replicas !== undefined || kind === 'CronJob' ? alsoGot : watched,
      })),
      // What a workload names is read live before a denial.
      ...Object.values(RELATED_KINDS)
        .filter(({ group, resource }) => group !== '' || resource !== 'secrets')
        .map(({ group, resource, named }) => ({ group, resource, verbs: named === true ? alsoGot : watched })),
      { group: '', resource: 'namespaces', verbs: alsoGot },
    ]),
    // Earlier templates, for kubectl rollout undo.
    { apiGroups: ['apps'], resources: ['controllerrevisions'], verbs: ['list'] },
    { apiGroups: [GROUP], resources: ['readinesspolicies'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [GROUP], resources: ['readinesspolicies/status'], verbs: ['patch'] },
    { apiGroups: [GROUP], resources: ['readinessexceptions'], verbs: ['list', 'watch'] },
    { apiGroups: [GROUP], resources: ['readinessexceptions/status'], verbs: ['patch'] },
    {
      apiGroups: [GROUP],
      resources: ['readinessreports'],
      verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'],
    },
    { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
    // Creation and lists can't be limited to names; changes are, by the rules after it.
    {
      apiGroups: ['admissionregistration.k8s.io'],
      resources: [VALIDATING, MUTATING].map(({ resource }) => resource),
      verbs: ['create', 'list', 'watch'],
    },
    ...[VALIDATING, MUTATING].map(({ group, resource, names }) => ({
      apiGroups: [group],
      resources: [resource],
      resourceNames: names(NAME),
      verbs: ['get', 'update'],
    })),
    // The owner of these configurations, with which they go: this role itself.
    {
      apiGroups: ['rbac.authorization.k8s.io'],
      resources: ['clusterroles'],
      resourceNames: [NAME],
      verbs: ['get'],
    },
  ];
}

/** What each setting of --secret-access takes: the chart's `rbac.secrets`. */
export function secretRules(): Record<SecretAccess, Rule[]> {
  const rule = (...verbs: string[]): Rule[] => [{ apiGroups: [''], resources: ['secrets'], verbs }];
  return { Watch: rule('get', 'list', 'watch'), Get: rule('get'), None: [] };
}

/** One rule for each group and set of verbs. */
function readRules(reads: readonly { group: string; resource: string; verbs: readonly string[] }[]): Rule[] {
  const rules = new Map<string, { group: string; resources: Set<string>; verbs: readonly string[] }>();
  for (const { group, resource, verbs } of reads) {
    const key = `${group} ${verbs.join()}`;
    const rule = rules.get(key) ?? { group, resources: new Set(), verbs };
    rule.resources.add(resource);
    rules.set(key, rule);
  }
  return [...rules.values()].map(({ group, resources, verbs }) => ({
    apiGroups: [group],
    resources: [...resources].toSorted(),
    verbs,
  }));
}
