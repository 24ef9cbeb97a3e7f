import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { requireLimitRangeFit } from '../engine/limit-range-fit.ts';
import { Quantity } from '../engine/parameters.ts';
import { requireQuotaFit } from '../engine/quota-fit.ts';
import { prepareBounds } from '../engine/resource-bounds.ts';
import { requireResource } from '../engine/resources.ts';

export default defineCheck({
  name: 'memoryRequests',
  title: 'Memory requests',
  metWhen:
    'Every regular, init and sidecar container has a memory request above 0, or the pod has one, or a LimitRange of the namespace gives a default; and no LimitRange or ResourceQuota refuses its pods.',
  group: 'Resource limits',
  items: ['deploy.containers.resource-limits'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  reads: ['LimitRange', 'ResourceQuota'],
  aspects: ['Resources'],
  parameters: Type.Object({
    min: Quantity('Least allowed memory request of a container, and of the pod itself.'),
    max: Quantity('Most allowed memory request of a container, and of the pod itself.'),
  }),
  rationale:
    'The scheduler places pods by their requests, and the kubelet evicts first what uses more memory than it requested.',
  remediation: 'set resources.requests.memory',
  source: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
  prepare: (parameters) => prepareBounds('memory', parameters),
  run(input, report) {
    requireResource(input, 'requests', 'memory', input.parameters, report);
    requireLimitRangeFit(input, 'memory', report);
    requireQuotaFit(input, 'memory', report);
  },
});
