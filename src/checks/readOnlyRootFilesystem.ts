import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';
import { isWindows } from '../engine/pod.ts';

export default defineCheck({
  name: 'readOnlyRootFilesystem',
  title: 'Read only root filesystem',
  metWhen: 'Each container has a root filesystem that it can not write to.',
  group: 'Images, pod security, identity',
  items: ['security.secrets.least-privilege', 'deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale: 'What an attacker can not write he can not run, and what a container writes to its image is lost anyway.',
  remediation: 'set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where it writes',
  source: 'https://kubernetes.io/docs/tasks/configure-pod-container/security-context/',
  run({ workload, containers }, report) {
    if (isWindows(workload.pod)) {
      report({ type: 'notApplicable', reason: 'a pod for Windows can not have this set' });
      return;
    }
    for (const container of containers) {
      if (container.spec.securityContext?.readOnlyRootFilesystem !== true) {
        report(
          unmetAt(container, ['securityContext', 'readOnlyRootFilesystem'], 'the root filesystem can be written to'),
        );
      }
    }
  },
});
