import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { OneOf } from '../engine/parameters.ts';
import { scalerOf } from '../engine/scaler.ts';

const DEFAULT_REPLICAS = 2;

export default defineCheck({
  name: 'minReplicas',
  title: 'Minimum replicas',
  metWhen:
    'The replica count is high enough; where a HorizontalPodAutoscaler or a KEDA ScaledObject scales the workload, its minimum counts instead.',
  group: 'Replica counts and resilience',
  items: ['performance.backend.load-balancing', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  aspects: ['Replicas'],
  parameters: Type.Object({
    replicas: Type.Optional(
      Type.Integer({ description: 'The least count.', default: DEFAULT_REPLICAS, minimum: 1, maximum: 10000 }),
    ),
    allowZero: Type.Optional(
      Type.Boolean({ description: 'Whether 0 passes: a decision to stop the workload.', default: true }),
    ),
    autoscaler: OneOf(
      ['Require', 'Await'],
      'Require',
      'Await: a low count at creation only warns until enforcement.companionGrace is over, because charts create the autoscaler after the Deployment.',
    ),
  }),
  rationale: 'A single replica is down at each rollout, each drain of its node and each crash.',
  remediation: 'set spec.replicas',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas',
  prepare: ({ replicas = DEFAULT_REPLICAS, allowZero = true, autoscaler = 'Require' }) => ({
    replicas,
    allowZero,
    autoscaler,
  }),
  run({ workload, related, parameters: { replicas, allowZero, autoscaler } }, report) {
    const declared = workload.replicas?.count;
    const path = workload.replicas?.path ?? [];
    const scaler = scalerOf(workload, related);
    if (declared === 0) {
      if (!allowZero) {
        report({
          type: 'unmet',
          path,
          message: `is 0, at least ${replicas} are required`,
          remediation: `set replicas: ${replicas}`,
        });
      }
    } else if (scaler.state === 'found') {
      if (scaler.minReplicas < replicas) {
        report({
          type: 'unmet',
          path,
          message: `${scaler.kind} ${scaler.name} keeps at least ${scaler.minReplicas}, at least ${replicas} are required`,
          remediation: `set ${scaler.kind === 'ScaledObject' ? 'minReplicaCount' : 'minReplicas'}: ${replicas} in ${scaler.kind} ${scaler.name}`,
        });
      }
    } else if (scaler.state === 'unknown') {
      // Even a high count may be one that an autoscaler lowers.
      report({ type: 'unknown', cause: scaler.cause });
    } else if ((declared ?? 1) < replicas) {
      const is = declared === undefined ? 'is left out, which means 1' : `is ${declared}`;
      report({
        type: 'unmet',
        path,
        message: `${is}, at least ${replicas} are required`,
        remediation: `set replicas: ${replicas}, or create the HorizontalPodAutoscaler first, or give the policy minReplicas.autoscaler: Await`,
        ...(autoscaler === 'Await' ? { scope: 'companion' } : {}),
      });
    }
  },
});
