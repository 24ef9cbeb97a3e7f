import { Type } from 'typebox';
import { defineCheck, ParameterError } from '../engine/check.ts';
import { scalingOf } from '../engine/scaler.ts';

export default defineCheck({
  name: 'maxReplicas',
  title: 'Maximum replicas',
  metWhen:
    'The replica count, or the maximum of the HorizontalPodAutoscaler or ScaledObject that scales the workload, is at most that.',
  group: 'Replica counts and resilience',
  items: ['performance.backend.auto-scaling'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  aspects: ['Replicas'],
  parameters: Type.Object({
    replicas: Type.Optional(Type.Integer({ description: 'The highest count. Needed.', minimum: 1, maximum: 100000 })),
  }),
  rationale: 'A slip of a digit, or an autoscaler without a sensible bound, can fill a cluster and its bill.',
  remediation: 'set spec.replicas',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas',
  prepare: ({ replicas }) => {
    if (replicas === undefined) throw new ParameterError('replicas', 'is required: the highest count');
    return { replicas };
  },
  run({ workload, related, parameters: { replicas } }, report) {
    const path = workload.replicas?.path ?? [];
    const declared = workload.replicas?.count ?? 1;
    const scaling = scalingOf(workload, related);
    if (scaling.state === 'unknown') {
      // With an autoscaler on it, its maximum counts, which may be lower or higher than the count.
      report({ type: 'unknown', cause: scaling.cause });
      return;
    }
    const { autoscalers } = scaling;
    const scaler = autoscalers.find(({ maxReplicas }) => maxReplicas > replicas);
    if (scaler !== undefined) {
      const { kind, name, maxReplicas } = scaler;
      report({
        type: 'unmet',
        path,
        message: `${kind} ${name} allows ${maxReplicas}, at most ${replicas} are allowed`,
        remediation: `set ${kind === 'ScaledObject' ? 'maxReplicaCount' : 'maxReplicas'}: ${replicas} in ${kind} ${name}`,
      });
    } else if (autoscalers.length === 0 && declared > replicas) {
      report({
        type: 'unmet',
        path,
        message: `is ${declared}, at most ${replicas} are allowed`,
        remediation: `set replicas: ${replicas}`,
      });
    }
  },
});
