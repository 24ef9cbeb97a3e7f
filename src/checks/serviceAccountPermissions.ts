import { defineCheck, NO_PARAMETERS, type Outcome } from '../engine/check.ts';
import { subjectsOf, type Grant } from '../engine/permissions.ts';
import { serviceAccountOf } from '../engine/references.ts';
import { WHOLE_CLUSTER, type Answer, type BindingFacts, type Related } from '../engine/related.ts';

const BINDINGS = ['ClusterRoleBinding', 'RoleBinding'] as const;

/** What each grant lets somebody do. */
const MAY: Readonly<Record<Grant, string>> = {
  everything: 'do everything',
  wildcard: 'use a wildcard',
  escalate: 'escalate roles',
  bind: 'bind any role',
  impersonate: 'impersonate others',
  secrets: 'read all Secrets',
};

export default defineCheck({
  name: 'serviceAccountPermissions',
  title: 'Service account permissions',
  metWhen:
    'No binding of its ServiceAccount, also through the groups of all ServiceAccounts, gives cluster-admin, a wildcard as verb or resource, the verbs escalate, bind or impersonate, or reads of all Secrets of a namespace or of the cluster.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege', 'operations.security.access-reviews'],
  scope: 'reference',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  reads: ['ClusterRoleBinding', 'RoleBinding', 'ClusterRole', 'Role'],
  parameters: NO_PARAMETERS,
  rationale:
    'With such a permission whoever breaks into one container takes over the namespace or the cluster: every Secret can be read, or every other permission be taken.',
  remediation: 'bind a role with just the verbs, resources and resourceNames that it needs',
  source: 'https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks',
  run({ workload, related }, report) {
    const { name, path } = serviceAccountOf(workload);
    const subjects = subjectsOf(workload.namespace, name);
    for (const kind of BINDINGS) {
      for (const { key, as } of subjects) {
        const answer = related.find(kind, WHOLE_CLUSTER, key);
        if (answer.state === 'unknown') {
          report({ type: 'unknown', cause: `the ${kind}s of ServiceAccount ${name}: ${answer.cause}` });
          break;
        }
        for (const binding of answer.state === 'found' ? answer.values : []) {
          const outcome = judgeBinding(kind, binding, name, as, related);
          if (outcome !== undefined) report(outcome.type === 'unmet' ? { ...outcome, path } : outcome);
        }
      }
    }
  },
});

/** What a binding gives that it should not; undefined: nothing. */
function judgeBinding(
  kind: (typeof BINDINGS)[number],
  { name, namespace, role }: BindingFacts,
  account: string,
  as: string,
  related: Related,
): Outcome | undefined {
  const answer = grantsOf(role, namespace, related);
  if (answer.state === 'unknown') return { type: 'unknown', cause: `${role.kind} ${role.name}: ${answer.cause}` };
  const grants = answer.state === 'found' ? (answer.values[0] ?? []) : [];
  if (grants.length === 0) return undefined;
  const where = namespace === '' ? '' : ` in namespace ${namespace}`;
  const may = grants.map((grant) => MAY[grant]).join(', ');
  return {
    type: 'unmet',
    path: [],
    message: `${kind} ${name}${where} lets ServiceAccount ${account}${as} ${may} (${role.kind} ${role.name})`,
  };
}

function grantsOf(role: BindingFacts['role'], namespace: string, related: Related): Answer<readonly Grant[]> {
  // The one role whose meaning its name fixes.
  if (role.kind === 'ClusterRole' && role.name === 'cluster-admin') return { state: 'found', values: [['everything']] };
  const answer = related.find(role.kind, role.kind === 'Role' ? namespace : WHOLE_CLUSTER, role.name);
  return answer.state === 'found' ? { state: 'found', values: answer.values.map(({ grants }) => grants) } : answer;
}
