import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';
import { isWindows } from '../engine/security.ts';

export default defineCheck({
  name: 'readOnlyRootFilesystem',
  title: 'Read-only root filesystem',
  metWhen: 'Each container has a read-only root filesystem.',
  group: 'Images, pod security, identity',
  items: ['deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale:
    'Who breaks into a container can then neither change its program nor leave another one there; and nothing fills the disk of the node unseen.',
  remediation: 'set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where the program writes',
  source: 'https://kubernetes.io/docs/tasks/configure-pod-container/security-context/',
  *run({ workload, containers }) {
    if (isWindows(workload)) {
      yield { type: 'notApplicable', reason: 'Windows has no read-only root filesystems' };
      return;
    }
    for (const container of containers) {
      const set = container.spec.securityContext?.readOnlyRootFilesystem;
      if (set === true) continue;
      yield unmetAt(container, ['securityContext', 'readOnlyRootFilesystem'], 'the root filesystem is writable');
    }
  },
});
