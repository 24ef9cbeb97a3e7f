import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { valueAt, type Path } from '../engine/path.ts';

const STRATEGY: Path = ['spec', 'strategy'];
const UPDATE: Path = ['spec', 'updateStrategy'];

export default defineCheck({
  name: 'rolloutStrategy',
  title: 'Rollout strategy',
  metWhen: 'A new version replaces the old one step by step, and never all replicas at once.',
  group: 'Replica counts and resilience',
  items: ['deploy.cicd.automated-deployment', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Important' },
  parameters: NO_PARAMETERS,
  rationale: 'Recreate, or a maxUnavailable as large as the replica count, is an outage at each rollout.',
  remediation: 'use RollingUpdate with a maxUnavailable below the replica count',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy',
  *run({ workload: { kind, object, replicas } }) {
    if (kind.group !== 'apps' || kind.history === undefined) {
      yield { type: 'notApplicable', reason: `a ${kind.kind} has no rollout strategy` };
      return;
    }
    const at = kind.kind === 'Deployment' ? STRATEGY : UPDATE;
    const type = valueAt(object, [...at, 'type']);
    if (type === 'Recreate') {
      yield { type: 'unmet', path: [...at, 'type'], message: 'Recreate stops every replica before a new one starts' };
      return;
    }
    if (type === 'OnDelete') {
      yield {
        type: 'unmet',
        path: [...at, 'type'],
        message: 'OnDelete rolls nothing out: a new version waits until somebody deletes the pods',
        remediation: 'use RollingUpdate',
      };
      return;
    }
    // A DaemonSet's count is that of its nodes, which no manifest tells.
    const count = replicas?.count ?? (replicas === undefined ? undefined : 1);
    const path = [...at, 'rollingUpdate', 'maxUnavailable'];
    const unavailable = valueAt(object, path);
    if (unavailable === undefined || unavailable === null) return;
    if (unavailable === '100%') {
      yield { type: 'unmet', path, message: 'is 100%: all replicas may be down at once' };
    } else if (count !== undefined && count > 1 && resolved(unavailable, count) >= count) {
      yield {
        type: 'unmet',
        path,
        message: `is ${JSON.stringify(unavailable).replaceAll('"', '')}, which is all ${count} replicas at once`,
      };
    }
  },
});

/** Pods that maxUnavailable stands for: percentages are rounded down (apps/v1 RollingUpdateDeployment). */
function resolved(value: unknown, count: number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d{1,3})%$/.exec(String(value))?.[1];
  return percent === undefined ? 0 : Math.floor((Number(percent) * count) / 100);
}
