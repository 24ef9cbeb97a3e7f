import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { companionsOf, podLabelsPath } from '../engine/companions.ts';

const DIRECTIONS = ['Ingress', 'Egress'] as const;
type Direction = (typeof DIRECTIONS)[number];

export default defineCheck({
  name: 'networkPolicy',
  title: 'Network policy',
  metWhen: 'A NetworkPolicy selects the pods, for each direction that is asked for.',
  group: 'Around the workload',
  items: ['deploy.environments.production'],
  scope: 'companion',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  reads: ['NetworkPolicy'],
  parameters: Type.Object({
    directions: Type.Optional(
      Type.Array(Type.Unsafe<Direction>({ type: 'string', enum: [...DIRECTIONS] }), {
        description: 'The directions of traffic that must be restricted.',
        default: ['Ingress'],
        minItems: 1,
        maxItems: DIRECTIONS.length,
      }),
    ),
  }),
  rationale:
    'Pods that no NetworkPolicy selects talk with everything: one that is broken into reaches all others of the cluster.',
  remediation: "create a NetworkPolicy whose podSelector matches the pods' labels",
  source: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/',
  prepare: ({ directions = ['Ingress'] }) => ({ directions: DIRECTIONS.filter((one) => directions.includes(one)) }),
  run({ workload, related, parameters: { directions } }, report) {
    if (workload.pod.hostNetwork === true) {
      report({ type: 'notApplicable', reason: "network policies say nothing of pods in the node's own network" });
      return;
    }
    const policies = companionsOf('NetworkPolicy', workload, related);
    if (policies.state === 'unknown') {
      report({ type: 'unknown', cause: `whether a NetworkPolicy selects the pods: ${policies.cause}` });
      return;
    }
    for (const direction of directions) {
      if (policies.values.some((policy) => policy.directions.includes(direction))) continue;
      report({
        type: 'unmet',
        path: podLabelsPath(workload),
        message: `no NetworkPolicy selects these pods for ${direction}`,
        remediation: `create a NetworkPolicy with policyTypes: [${direction}] whose podSelector matches the pods' labels`,
      });
    }
  },
});
