import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { judgeReference } from '../engine/missing.ts';
import { judgedReferences, WHEN_MISSING } from '../engine/references.ts';

export default defineCheck({
  name: 'configMapReferences',
  title: 'ConfigMap references',
  metWhen: 'Each ConfigMap that the workload names exists in its namespace and holds the named keys.',
  group: 'Secret references',
  items: ['deploy.environments.configuration-management'],
  scope: 'reference',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  perContainer: true,
  reads: ['ConfigMap'],
  parameters: Type.Object({
    whenMissing: WHEN_MISSING,
    keys: Type.Optional(Type.Boolean({ description: 'Whether the named keys must be there too.', default: true })),
  }),
  rationale:
    'A pod that names a missing ConfigMap or key does not start: it waits in CreateContainerConfigError or ContainerCreating, often in the middle of a rollout.',
  remediation: 'create the ConfigMap first',
  source: 'https://kubernetes.io/docs/concepts/configuration/configmap/',
  prepare: ({ whenMissing = 'Unmet', keys = true }) => ({ whenMissing, keys }),
  run(input, report) {
    for (const reference of judgedReferences('ConfigMap', input)) {
      judgeReference(reference, input, input.parameters, report);
    }
  },
});
