import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { valueAt } from '../engine/path.ts';

const PATH = ['spec', 'revisionHistoryLimit'];

export default defineCheck({
  name: 'rollbackHistory',
  title: 'Rollback history',
  metWhen: 'At least one earlier revision is kept (revisionHistoryLimit).',
  group: 'Replica counts and resilience',
  items: ['deploy.cicd.rollback-procedures', 'launch.day.rollback-plan'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  parameters: NO_PARAMETERS,
  rationale: 'Without an earlier revision, kubectl rollout undo has nothing to go back to.',
  remediation: 'set revisionHistoryLimit: 10, or leave it out',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#revision-history-limit',
  *run({ workload: { kind, object } }) {
    if (kind.history === undefined) {
      yield { type: 'notApplicable', reason: `a ${kind.kind} keeps no revisions` };
    } else if (valueAt(object, PATH) === 0) {
      yield { type: 'unmet', path: PATH, message: 'is 0, so that no revision is left to roll back to' };
    }
  },
});
