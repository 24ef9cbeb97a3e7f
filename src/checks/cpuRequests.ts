import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { requireLimitRangeFit } from '../engine/limit-range-fit.ts';
import { Quantity } from '../engine/parameters.ts';
import { requireQuotaFit } from '../engine/quota-fit.ts';
import { prepareBounds } from '../engine/resource-bounds.ts';
import { requireResource } from '../engine/resources.ts';

export default defineCheck({
  name: 'cpuRequests',
  title: 'CPU requests',
  metWhen:
    'Every regular, init and sidecar container has a CPU request above 0, or the pod has one, or a LimitRange of the namespace gives a default; and no LimitRange or ResourceQuota refuses its pods.',
  group: 'Resource limits',
  items: ['deploy.containers.resource-limits'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  perContainer: true,
  reads: ['LimitRange', 'ResourceQuota'],
  aspects: ['Resources'],
  parameters: Type.Object({
    min: Quantity('Least allowed CPU request of a container, and of the pod itself.'),
    max: Quantity('Most allowed CPU request of a container, and of the pod itself.'),
  }),
  rationale:
    'The scheduler places pods by their requests. Without a CPU request a pod lands on a full node and starves there as soon as its neighbours are busy.',
  remediation: 'set resources.requests.cpu',
  source: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
  prepare: (parameters) => prepareBounds('cpu', parameters),
  run(input, report) {
    requireResource(input, 'requests', 'cpu', input.parameters, report);
    requireLimitRangeFit(input, 'cpu', report);
    requireQuotaFit(input, 'cpu', report);
  },
});
