import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { judgeReference } from '../engine/missing.ts';
import { SECRET_MAKERS } from '../engine/related.ts';
import { secretsUsed, WHEN_MISSING } from '../engine/references.ts';

export default defineCheck({
  name: 'secretReferences',
  title: 'Secret references',
  metWhen:
    'Each Secret that the workload names exists in its namespace and holds the named keys, and the ones for pulling images have a type that fits.',
  group: 'Secret references',
  items: ['security.secrets.secure-api-key-storage', 'deploy.environments.secrets-management'],
  scope: 'reference',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  reads: ['Secret', 'SecretKeys', 'ServiceAccount', ...SECRET_MAKERS],
  parameters: Type.Object({
    whenMissing: WHEN_MISSING,
    keys: Type.Optional(Type.Boolean({ description: 'Whether the named keys must be there too.', default: true })),
  }),
  rationale:
    'A pod that names a missing Secret or key does not start: it waits in CreateContainerConfigError or ImagePullBackOff, often in the middle of a rollout.',
  remediation: 'create the Secret first',
  source: 'https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets',
  prepare: ({ whenMissing = 'Unmet', keys = true }) => ({ whenMissing, keys }),
  run(input, report) {
    for (const { reference, via } of secretsUsed(input))
      judgeReference(reference, input, input.parameters, report, via);
  },
});
