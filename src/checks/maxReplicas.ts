import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { replicasPath, scalerOf } from '../engine/scaling.ts';

export default defineCheck({
  name: 'maxReplicas',
  title: 'Maximum replicas',
  metWhen:
    'The replica count is at most the allowed one; where a HorizontalPodAutoscaler or a KEDA ScaledObject scales the workload, its maximum counts instead.',
  group: 'Replica counts and resilience',
  items: ['deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  aspects: ['Replicas'],
  parameters: Type.Object({
    replicas: Type.Integer({ description: 'The greatest count. It must be given.', minimum: 1, maximum: 10000 }),
  }),
  rationale: 'A slip of one digit, or an autoscaler without a sensible end, fills the cluster and the bill.',
  remediation: 'set a lower replica count',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas',
  *run({ workload, related, parameters: { replicas } }) {
    const path = replicasPath(workload);
    const scaler = scalerOf(workload, related);
    const declared = workload.replicas?.count ?? 1;
    if (scaler.state === 'unknown') {
      yield { type: 'unknown', cause: `whether an autoscaler scales it: ${scaler.cause}` };
    } else if (scaler.state === 'found') {
      if (scaler.maxReplicas > replicas) {
        yield {
          type: 'unmet',
          path,
          message: `${scaler.kind} ${scaler.name} makes up to ${scaler.maxReplicas}, at most ${replicas} are allowed`,
          remediation: `set ${scaler.kind === 'ScaledObject' ? 'maxReplicaCount' : 'maxReplicas'}: ${replicas} in ${scaler.kind} ${scaler.name}`,
        };
      }
    } else if (declared > replicas) {
      yield {
        type: 'unmet',
        path,
        message: `is ${declared}, at most ${replicas} are allowed`,
        remediation: `set replicas: ${replicas}`,
      };
    }
  },
});
