import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { volumeClaimsOf, WHEN_MISSING } from '../engine/references.ts';

export default defineCheck({
  name: 'volumeClaimReferences',
  title: 'Volume claim references',
  metWhen: 'Each PersistentVolumeClaim that the workload names exists in its namespace.',
  group: 'Secret references',
  items: ['deploy.environments.configuration-management'],
  scope: 'reference',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  reads: ['PersistentVolumeClaim'],
  parameters: Type.Object({ whenMissing: WHEN_MISSING }),
  rationale: 'A pod that names a missing PersistentVolumeClaim is not scheduled: it stays Pending until someone looks.',
  remediation: 'create the PersistentVolumeClaim first',
  source: 'https://kubernetes.io/docs/concepts/storage/persistent-volumes/#claims-as-volumes',
  run({ workload, related, parameters }, report) {
    for (const { name, path } of volumeClaimsOf(workload)) {
      const answer = related.find('PersistentVolumeClaim', workload.namespace, name);
      if (answer.state === 'unknown')
        report({ type: 'unknown', cause: `PersistentVolumeClaim ${name}: ${answer.cause}` });
      if (answer.state === 'absent') {
        report({
          type: 'unmet',
          path,
          message: `PersistentVolumeClaim ${name} does not exist`,
          remediation: `create PersistentVolumeClaim ${name} first`,
          ...(parameters.whenMissing === 'Wait' ? { waits: true } : {}),
        });
      }
    }
  },
});
