import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { pathBelow, valueAt, type Path } from '../engine/path.ts';
import { shareOf } from '../engine/replica-share.ts';

const STRATEGY: Path = ['spec', 'strategy'];
const UPDATE: Path = ['spec', 'updateStrategy'];
const TYPE: Path = ['type'];
const MAX_UNAVAILABLE: Path = ['rollingUpdate', 'maxUnavailable'];

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
  run({ workload: { kind, object, replicas } }, report) {
    if (kind.group !== 'apps' || kind.history === undefined) {
      report({ type: 'notApplicable', reason: `a ${kind.kind} has no rollout strategy` });
      return;
    }
    const at = kind.kind === 'Deployment' ? STRATEGY : UPDATE;
    const strategy = valueAt(object, at);
    const type = valueAt(strategy, TYPE);
    if (type === 'Recreate') {
      report({
        type: 'unmet',
        path: pathBelow(at, TYPE),
        message: 'Recreate stops every replica before a new one starts',
      });
      return;
    }
    if (type === 'OnDelete') {
      report({
        type: 'unmet',
        path: pathBelow(at, TYPE),
        message: 'OnDelete rolls nothing out: a new version waits until somebody deletes the pods',
        remediation: 'use RollingUpdate',
      });
      return;
    }
    // A DaemonSet's count is that of its nodes, which no manifest tells.
    const count = replicas?.count ?? (replicas === undefined ? undefined : 1);
    const unavailable = valueAt(strategy, MAX_UNAVAILABLE);
    if (unavailable === undefined || unavailable === null) return;
    const path = pathBelow(at, MAX_UNAVAILABLE);
    if (unavailable === '100%') {
      report({ type: 'unmet', path, message: 'is 100%: all replicas may be down at once' });
      // Percentages are rounded down (apps/v1 RollingUpdateDeployment).
    } else if (count !== undefined && count > 1 && (shareOf(unavailable, count, Math.floor) ?? 0) >= count) {
      report({
        type: 'unmet',
        path,
        message: `is ${JSON.stringify(unavailable).replaceAll('"', '')}, which is all ${count} replicas at once`,
      });
    }
  },
});
