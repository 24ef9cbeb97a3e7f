import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { judgeReference } from '../engine/missing.ts';
import { referencesOf, serviceAccountOf, WHEN_MISSING } from '../engine/references.ts';

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
  reads: ['Secret', 'ServiceAccount', 'ExternalSecret', 'SealedSecret', 'Certificate'],
  parameters: Type.Object({
    whenMissing: WHEN_MISSING,
    keys: Type.Optional(Type.Boolean({ description: 'Whether the named keys must be there too.', default: true })),
  }),
  rationale:
    'A pod that names a missing Secret or key does not start: it waits in CreateContainerConfigError or ImagePullBackOff, often in the middle of a rollout.',
  remediation: 'create the Secret first',
  source: 'https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets',
  prepare: ({ whenMissing = 'Unmet', keys = true }) => ({ whenMissing, keys }),
  *run(input) {
    const judged = new Set(input.containers.map(({ name }) => name));
    for (const reference of referencesOf(input.workload)) {
      if (reference.kind !== 'Secret') continue;
      if (reference.container !== undefined && !judged.has(reference.container)) continue;
      yield* judgeReference(reference, input, input.parameters);
    }
    // A pod that names no pull secrets of its own gets those of its ServiceAccount (admission plugin ServiceAccount).
    if ((input.workload.pod.imagePullSecrets?.length ?? 0) > 0) return;
    const { name, path } = serviceAccountOf(input.workload);
    const account = input.related.find('ServiceAccount', input.workload.namespace, name);
    for (const secret of account.state === 'found' ? (account.values[0]?.imagePullSecrets ?? []) : []) {
      const reference = {
        kind: 'Secret',
        name: secret,
        keys: [],
        optional: false,
        pull: true,
        path,
        container: undefined,
      } as const;
      yield* judgeReference(reference, input, input.parameters, `ServiceAccount ${name} pulls images with a Secret: `);
    }
  },
});
