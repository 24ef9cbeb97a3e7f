import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { JUDGED_CONTAINERS, judgedContainers } from '../engine/probes.ts';

export default defineCheck({
  name: 'livenessProbe',
  title: 'Liveness probe',
  metWhen: 'Each judged container has a liveness probe.',
  group: 'Health probes',
  items: ['deploy.containers.health-checks', 'observability.app.health-endpoints'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: Type.Object({ containers: JUDGED_CONTAINERS }),
  rationale: 'Without a liveness probe a container that hangs stays as it is until a person restarts it.',
  remediation: 'add livenessProbe (httpGet, grpc, tcpSocket or exec)',
  source: 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/',
  run(input, report) {
    for (const container of judgedContainers(input, input.parameters.containers ?? 'WithPorts')) {
      if (!container.spec.livenessProbe) report(unmetAt(container, [], 'no liveness probe'));
    }
  },
});
