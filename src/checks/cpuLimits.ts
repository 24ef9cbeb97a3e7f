import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { OneOf, Quantity } from '../engine/parameters.ts';
import { prepareBounds } from '../engine/resource-bounds.ts';
import { forbidLimit, requireResource } from '../engine/resources.ts';

export default defineCheck({
  name: 'cpuLimits',
  title: 'CPU limits',
  metWhen:
    'Every container has a CPU limit above 0, or the pod has one, or a LimitRange of the namespace gives a default; with mode Forbidden, neither a container nor the pod has one.',
  group: 'Resource limits',
  items: ['deploy.containers.resource-limits'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  perContainer: true,
  reads: ['LimitRange'],
  aspects: ['Resources'],
  parameters: Type.Object({
    mode: OneOf(['Required', 'Forbidden'], 'Required', 'Whether CPU limits must be set, or must not be.'),
    max: Quantity('Most allowed CPU limit of a container, and of the pod itself.'),
  }),
  rationale:
    'CPU limits make usage predictable, and throttle containers even on an idle node. Teams differ; this check holds either choice.',
  remediation: 'set resources.limits.cpu',
  source: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
  prepare: ({ mode = 'Required', max }) => ({ mode, bounds: prepareBounds('cpu', max === undefined ? {} : { max }) }),
  run(input, report) {
    const { mode, bounds } = input.parameters;
    if (mode === 'Required') requireResource(input, 'limits', 'cpu', bounds, report);
    else forbidLimit(input, 'cpu', report);
  },
});
