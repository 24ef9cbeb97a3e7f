import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { pathBelow, valueAt, type Path } from '../engine/path.ts';
import { shareOf } from '../engine/replica-share.ts';
import { replicaRange, scalingOf } from '../engine/scaler.ts';

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
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  parameters: NO_PARAMETERS,
  rationale: 'Recreate, or a maxUnavailable as large as the replica count, is an outage at each rollout.',
  remediation: 'use RollingUpdate with a maxUnavailable below the replica count',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy',
  run({ workload, related }, report) {
    const { kind, object, replicas } = workload;
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
    const unavailable = valueAt(strategy, MAX_UNAVAILABLE);
    if (unavailable === undefined || unavailable === null) return;
    const path = pathBelow(at, MAX_UNAVAILABLE);
    if (typeof unavailable === 'string') {
      // Deployments (ResolveFenceposts) and StatefulSets (getStatefulSetMaxUnavailable) round percentages down, so that less
      // than 100% is never all of two or more. A DaemonSet rounds up (UnavailableCount), of a number that is not known.
      if ((shareOf(unavailable, 1, Math.floor) ?? 0) >= 1) {
        report({ type: 'unmet', path, message: `is ${unavailable}: all replicas may be down at once` });
      }
      return;
    }
    // A DaemonSet's count is that of its nodes, which no manifest tells; one replica is down whatever is written here.
    if (typeof unavailable !== 'number' || replicas === undefined || unavailable < 2) return;
    const scaling = scalingOf(workload, related);
    if (scaling.state === 'unknown') {
      report({ type: 'unknown', cause: scaling.cause });
      return;
    }
    const { least, most } = replicaRange(workload, scaling.autoscalers);
    const fewest = Math.max(2, least);
    if (fewest <= most && unavailable >= fewest) {
      report({
        type: 'unmet',
        path,
        message: `is ${unavailable}, which is all ${fewest} replicas at once`,
      });
    }
  },
});
