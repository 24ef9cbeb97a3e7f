import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { serviceAccountOf, WHEN_MISSING } from '../engine/references.ts';

export default defineCheck({
  name: 'serviceAccountReference',
  title: 'ServiceAccount reference',
  metWhen: 'The ServiceAccount that the workload names exists in its namespace.',
  group: 'Secret references',
  items: ['security.secrets.least-privilege'],
  scope: 'reference',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  reads: ['ServiceAccount'],
  parameters: Type.Object({ whenMissing: WHEN_MISSING }),
  rationale:
    'Kubernetes refuses the pods of a missing ServiceAccount. The Deployment is accepted and shows nothing; only the ReplicaSet tells why no pod comes.',
  remediation: 'create the ServiceAccount first',
  source: 'https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/',
  run({ workload, related, parameters }, report) {
    const { name, path } = serviceAccountOf(workload);
    // Kubernetes makes `default` itself, a moment after the namespace.
    if (name === 'default') return;
    const answer = related.find('ServiceAccount', workload.namespace, name);
    if (answer.state === 'unknown') report({ type: 'unknown', cause: `ServiceAccount ${name}: ${answer.cause}` });
    if (answer.state === 'absent') {
      report({
        type: 'unmet',
        path,
        message: `ServiceAccount ${name} does not exist`,
        remediation: `create ServiceAccount ${name} first`,
        ...(parameters.whenMissing === 'Wait' ? { waits: true } : {}),
      });
    }
  },
});
