import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { JUDGED_CONTAINERS, judgedContainers } from '../engine/probes.ts';

export default defineCheck({
  name: 'readinessProbe',
  title: 'Readiness probe',
  metWhen: 'Each judged container has a readiness probe.',
  group: 'Health probes',
  items: ['deploy.containers.health-checks', 'observability.app.health-endpoints'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: Type.Object({ containers: JUDGED_CONTAINERS }),
  rationale:
    'Without a readiness probe a pod gets traffic before it can answer, at each rollout and each restart, and a rollout to a broken version counts as a success.',
  remediation: 'add readinessProbe (httpGet, grpc, tcpSocket or exec)',
  source: 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/',
  run(input, report) {
    for (const container of judgedContainers(input, input.parameters.containers ?? 'WithPorts')) {
      if (!container.spec.readinessProbe) report(unmetAt(container, [], 'no readiness probe'));
    }
  },
});
