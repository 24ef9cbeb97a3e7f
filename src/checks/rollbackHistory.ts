import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { valueAt } from '../engine/path.ts';

export default defineCheck({
  name: 'rollbackHistory',
  title: 'Rollback history',
  metWhen: 'At least one earlier revision is kept (revisionHistoryLimit is 1 or more).',
  group: 'Replica counts and resilience',
  items: ['deploy.cicd.rollback-procedures', 'launch.day.rollback-plan'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  parameters: NO_PARAMETERS,
  rationale: 'Without an earlier revision `kubectl rollout undo` has nothing to go back to.',
  remediation: 'remove revisionHistoryLimit, or set it to 1 or more',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#revision-history-limit',
  run({ workload: { kind, object } }, report) {
    if (kind.history === undefined) {
      report({ type: 'notApplicable', reason: `a ${kind.kind} keeps no revisions` });
    } else if (valueAt(object, ['spec', 'revisionHistoryLimit']) === 0) {
      report({ type: 'unmet', path: ['spec', 'revisionHistoryLimit'], message: 'is 0: no earlier revision is kept' });
    }
  },
});
