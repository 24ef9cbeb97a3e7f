import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { Quantity } from '../engine/parameters.ts';
import { prepareBounds } from '../engine/resource-bounds.ts';
import { requireResource } from '../engine/resources.ts';

export default defineCheck({
  name: 'memoryLimits',
  title: 'Memory limits',
  metWhen:
    'Every regular, init and sidecar container has a memory limit above 0, or the pod has one, or a LimitRange of the namespace gives a default.',
  group: 'Resource limits',
  items: ['deploy.containers.resource-limits'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  reads: ['LimitRange'],
  aspects: ['Resources'],
  parameters: Type.Object({
    min: Quantity('Least allowed memory limit of a container, and of the pod itself.'),
    max: Quantity('Most allowed memory limit of a container, and of the pod itself.'),
    maxRatioToRequest: Type.Optional(
      Type.Number({
        description: 'Most allowed ratio of limit to request, for example 2.',
        minimum: 1,
        maximum: 1000,
      }),
    ),
  }),
  rationale:
    'A container without a memory limit can take all memory of its node and bring down its neighbours with it.',
  remediation: 'set resources.limits.memory',
  source: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
  prepare: (parameters) => prepareBounds('memory', parameters),
  run: (input, report) => requireResource(input, 'limits', 'memory', input.parameters, report),
});
