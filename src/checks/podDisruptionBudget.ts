import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { companionsOf, namesOf, podLabelsPath } from '../engine/companions.ts';
import type { DisruptionBudgetFacts } from '../engine/related.ts';
import { shareOf } from '../engine/replica-share.ts';
import { replicaRange, scalingOf } from '../engine/scaler.ts';

export default defineCheck({
  name: 'podDisruptionBudget',
  title: 'Pod disruption budget',
  metWhen:
    'With 2 replicas or more, one PodDisruptionBudget and not two selects the pods, and it allows at least one disruption and protects at least one pod.',
  group: 'Replica counts and resilience',
  items: ['deploy.containers.orchestration'],
  scope: 'companion',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'Replicated',
  reads: ['PodDisruptionBudget', 'HorizontalPodAutoscaler', 'ScaledObject'],
  parameters: NO_PARAMETERS,
  rationale:
    'Without a budget, a drain may stop all replicas at once; with one that allows no disruption, or with two, no node can be drained at all.',
  remediation: "create a PodDisruptionBudget with maxUnavailable: 1 whose selector matches the pods' labels",
  source: 'https://kubernetes.io/docs/tasks/run-application/configure-pdb/',
  run({ workload, related }, report) {
    const scaling = scalingOf(workload, related);
    const budgets = companionsOf('PodDisruptionBudget', workload, related);
    if (scaling.state === 'unknown') {
      report({ type: 'unknown', cause: scaling.cause });
      return;
    }
    if (budgets.state === 'unknown') {
      report({ type: 'unknown', cause: `whether a PodDisruptionBudget selects the pods: ${budgets.cause}` });
      return;
    }
    const { least, most } = replicaRange(workload, scaling.autoscalers);
    const path = podLabelsPath(workload);
    const [budget, second] = budgets.values;
    if (most > 0 && second !== undefined) {
      report({
        type: 'unmet',
        path,
        message: `PodDisruptionBudgets ${namesOf(budgets.values)} select these pods, so that none can be evicted`,
        remediation: 'let one of them alone select the pods',
      });
    } else if (most > 0 && budget !== undefined && disruptions(budget, least) < 1) {
      report({
        type: 'unmet',
        path,
        message: `PodDisruptionBudget ${budget.name} allows no disruption: ${boundOf(budget)} of ${inWords(least)}`,
        remediation: `set maxUnavailable: 1 in place of it in PodDisruptionBudget ${budget.name}`,
      });
    } else if (most < 2) {
      // One pod can't be protected and free to go.
      report({ type: 'notApplicable', reason: 'fewer than 2 replicas' });
    } else if (budget === undefined) {
      report({ type: 'unmet', path, message: 'no PodDisruptionBudget selects these pods' });
    } else if (disruptions(budget, most) >= most) {
      report({
        type: 'unmet',
        path,
        message: `PodDisruptionBudget ${budget.name} protects no pod: ${boundOf(budget)} of ${inWords(most)}`,
        remediation: `set maxUnavailable: 1 in place of it in PodDisruptionBudget ${budget.name}`,
      });
    }
  },
});

/**
 * How many of so many healthy replicas may be evicted at one time, as the disruption controller counts: percentages are
 * rounded up, of minAvailable and of maxUnavailable alike, and a budget with neither allows nothing.
 */
function disruptions({ minAvailable, maxUnavailable }: DisruptionBudgetFacts, replicas: number): number {
  if (maxUnavailable !== undefined) return Math.min(replicas, shareOf(maxUnavailable, replicas, Math.ceil) ?? 0);
  return minAvailable === undefined ? 0 : replicas - (shareOf(minAvailable, replicas, Math.ceil) ?? replicas);
}

function boundOf({ minAvailable, maxUnavailable }: DisruptionBudgetFacts): string {
  if (maxUnavailable !== undefined) return `maxUnavailable ${maxUnavailable}`;
  return minAvailable === undefined ? 'neither minAvailable nor maxUnavailable' : `minAvailable ${minAvailable}`;
}

function inWords(replicas: number): string {
  return replicas === 1 ? '1 replica' : `${replicas} replicas`;
}
