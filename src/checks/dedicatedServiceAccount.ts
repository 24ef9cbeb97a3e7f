import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { serviceAccountOf } from '../engine/references.ts';

export default defineCheck({
  name: 'dedicatedServiceAccount',
  title: 'Dedicated ServiceAccount',
  metWhen: 'The workload runs as a ServiceAccount other than default.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  parameters: NO_PARAMETERS,
  rationale:
    'Whatever is granted to default is granted to every workload of the namespace, and an audit log names them all alike.',
  remediation: 'create a ServiceAccount for it and set serviceAccountName',
  source: 'https://kubernetes.io/docs/concepts/security/service-accounts/',
  *run({ workload }) {
    const { name, path } = serviceAccountOf(workload);
    if (name !== 'default') return;
    const message = path === workload.podPath ? 'names no ServiceAccount, which means default' : 'is default';
    yield { type: 'unmet', path, message };
  },
});
