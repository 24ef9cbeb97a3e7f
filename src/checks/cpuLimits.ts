import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { OneOf, Quantity } from '../engine/parameters.ts';
import { ownValue, prepareBounds, requireResource } from '../engine/resources.ts';

export default defineCheck({
  name: 'cpuLimits',
  title: 'CPU limits',
  metWhen: 'Every container has a CPU limit; with mode Forbidden, none has one.',
  group: 'Resource limits',
  items: ['deploy.containers.resource-limits'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  perContainer: true,
  reads: ['LimitRange'],
  aspects: ['Resources'],
  parameters: Type.Object({
    mode: OneOf(['Required', 'Forbidden'], 'Required', 'Whether CPU limits must be set, or must not be.'),
    max: Quantity('Most allowed CPU limit of a container.'),
  }),
  rationale:
    'CPU limits make usage predictable, and throttle containers even on an idle node. Teams differ; this check holds either choice.',
  remediation: 'set resources.limits.cpu',
  source: 'https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/',
  prepare: ({ mode = 'Required', max }) => ({ mode, bounds: prepareBounds(max === undefined ? {} : { max }) }),
  run(input, report) {
    const { mode, bounds } = input.parameters;
    if (mode === 'Required') {
      requireResource(input, 'limits', 'cpu', bounds, report);
      return;
    }
    for (const container of input.containers) {
      if (ownValue(container, 'limits', 'cpu') !== undefined) {
        report(
          unmetAt(
            container,
            ['resources', 'limits', 'cpu'],
            'CPU limits are not allowed',
            'remove resources.limits.cpu',
          ),
        );
      }
    }
  },
});
