import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { requireLimitRangeFit } from '../engine/limit-range-fit.ts';
import { Quantity } from '../engine/parameters.ts';
import { requireQuotaFit } from '../engine/quota-fit.ts';
import { prepareBounds } from '../engine/resource-bounds.ts';
import { requireResource } from '../engine/resources.ts';

export default defineCheck({
  name: 'ephemeralStorageLimits',
  title: 'Ephemeral storage limits',
  metWhen:
    'Every regular, init and sidecar container has an ephemeral storage limit above 0, or the pod has one, or a LimitRange of the namespace gives a default; and no LimitRange or ResourceQuota refuses its pods.',
  group: 'Resource limits',
  items: ['deploy.containers.resource-limits'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  perContainer: true,
  reads: ['LimitRange', 'ResourceQuota'],
  aspects: ['Resources'],
  parameters: Type.Object({
    max: Quantity('Most allowed ephemeral storage limit of a container, and of the pod itself.'),
  }),
  rationale:
    'Logs and scratch files of one container can fill the disk of its node; the kubelet then evicts pods until it has room.',
  remediation: 'set resources.limits.ephemeral-storage',
  source: 'https://kubernetes.io/docs/concepts/storage/ephemeral-storage/',
  prepare: (parameters) => prepareBounds('ephemeral-storage', parameters),
  run(input, report) {
    requireResource(input, 'limits', 'ephemeral-storage', input.parameters, report);
    requireLimitRangeFit(input, 'ephemeral-storage', report);
    requireQuotaFit(input, 'ephemeral-storage', report);
  },
});
