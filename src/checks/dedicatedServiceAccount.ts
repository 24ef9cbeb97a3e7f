import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';

export default defineCheck({
  name: 'dedicatedServiceAccount',
  title: 'Dedicated service account',
  metWhen: 'The pods run under a ServiceAccount other than default.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege', 'operations.security.access-reviews'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  parameters: NO_PARAMETERS,
  rationale: 'A permission given to default is given to everything in the namespace that names no account of its own.',
  remediation: 'create a ServiceAccount and name it in serviceAccountName',
  source: 'https://kubernetes.io/docs/concepts/security/service-accounts/',
  run({ workload: { pod, podPath } }, report) {
    const name = pod.serviceAccountName || pod.serviceAccount || 'default';
    if (name === 'default') {
      report({
        type: 'unmet',
        path: [...podPath, 'serviceAccountName'],
        message: 'runs under the ServiceAccount default',
      });
    }
  },
});
