import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { serviceAccountOf } from '../engine/references.ts';

const CURE =
  'set automountServiceAccountToken: false in the pod or the ServiceAccount, or true in the pod if it calls the API server';

export default defineCheck({
  name: 'serviceAccountTokenMount',
  title: 'Service account token mount',
  metWhen:
    'The token of the ServiceAccount is not mounted by default: the pod or the ServiceAccount switches it off, or the pod says that it wants it.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege'],
  scope: 'reference',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  reads: ['ServiceAccount'],
  parameters: NO_PARAMETERS,
  rationale:
    'A token that nobody asked for lets whoever breaks into the container call the API server as this ServiceAccount.',
  remediation: CURE,
  source:
    'https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#opt-out-of-api-credential-automounting',
  run({ workload, related }, report) {
    const { pod, podPath, namespace } = workload;
    if (typeof pod.automountServiceAccountToken === 'boolean') return;
    const { name } = serviceAccountOf(workload);
    const answer = related.find('ServiceAccount', namespace, name);
    if (answer.state === 'unknown') {
      report({ type: 'unknown', cause: `ServiceAccount ${name}: ${answer.cause}` });
      return;
    }
    // Kubernetes makes `default` itself, a moment after the namespace; any other is serviceAccountReference's.
    if (answer.state === 'absent' && name !== 'default') {
      report({ type: 'notApplicable', reason: `ServiceAccount ${name} does not exist` });
      return;
    }
    if (answer.state === 'found' && answer.values[0]?.mountsToken === false) return;
    report({
      type: 'unmet',
      path: [...podPath, 'automountServiceAccountToken'],
      message: `the token of ServiceAccount ${name} is mounted by default`,
    });
  },
});
