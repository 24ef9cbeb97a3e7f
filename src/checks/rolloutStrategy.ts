import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { valueAt } from '../engine/path.ts';

/** Where the strategy stands, by kind of the group apps. */
const FIELDS: Readonly<Record<string, string>> = {
  Deployment: 'strategy',
  StatefulSet: 'updateStrategy',
  DaemonSet: 'updateStrategy',
};

export default defineCheck({
  name: 'rolloutStrategy',
  title: 'Rollout strategy',
  metWhen: 'New versions are rolled out pod by pod (RollingUpdate), and never take all replicas down at once.',
  group: 'Replica counts and resilience',
  items: ['deploy.cicd.automated-deployment', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Important' },
  parameters: NO_PARAMETERS,
  rationale:
    'Recreate stops the old version before the new one has started, and OnDelete leaves the old one running until somebody deletes its pods.',
  remediation: 'set type: RollingUpdate',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy',
  *run({ workload }) {
    const { kind, object, replicas } = workload;
    const field = kind.group === 'apps' ? FIELDS[kind.kind] : undefined;
    if (field === undefined) {
      yield { type: 'notApplicable', reason: `a ${kind.kind} has no rollout strategy that is known` };
      return;
    }
    const type = valueAt(object, ['spec', field, 'type']);
    if (typeof type === 'string' && type !== '' && type !== 'RollingUpdate') {
      yield { type: 'unmet', path: ['spec', field, 'type'], message: `is ${type}, RollingUpdate is required` };
      return;
    }
    const path = ['spec', field, 'rollingUpdate', 'maxUnavailable'];
    const most = valueAt(object, path);
    const count = replicas?.count;
    if (count === 0 || !takesAll(most, count, kind.kind === 'Deployment')) return;
    yield {
      type: 'unmet',
      path,
      message: `${String(most)} lets a rollout take all ${count === undefined ? 'pods' : `${count} replicas`} down at once`,
      remediation: 'allow fewer, for example maxUnavailable: 25%',
    };
  },
});

/**
 * Does a maxUnavailable reach the replica count? Where the count is not known, only 100% does.
 *
 * @param down - a share is rounded down, as Deployments do, or up, as StatefulSets do
 */
function takesAll(maxUnavailable: unknown, count: number | undefined, down: boolean): boolean {
  if (typeof maxUnavailable === 'number') return count !== undefined && maxUnavailable >= count;
  const percent = typeof maxUnavailable === 'string' ? /^([0-9]{1,9})%$/.exec(maxUnavailable)?.[1] : undefined;
  if (percent === undefined) return false;
  if (Number(percent) >= 100) return true;
  const share = ((count ?? Infinity) * Number(percent)) / 100;
  return count !== undefined && (down ? Math.floor(share) : Math.ceil(share)) >= count;
}
