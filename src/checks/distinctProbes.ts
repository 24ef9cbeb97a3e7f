import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';
import { deepEqual } from '../engine/equal.ts';
import { probedContainers, timingOf, type Timing } from '../engine/probes.ts';
import type { Probe } from '../engine/pod.ts';

export default defineCheck({
  name: 'distinctProbes',
  title: 'Distinct probes',
  metWhen: 'Liveness and readiness are not the very same probe.',
  group: 'Health probes',
  items: ['deploy.containers.health-checks'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale:
    'The same probe for both restarts a pod at the very moment at which it should only be taken out of service, and a slow dependency then restarts all replicas at once.',
  remediation: 'probe another endpoint, or give liveness a higher failureThreshold',
  source: 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/',
  run({ containers }, report) {
    for (const container of probedContainers(containers)) {
      const { livenessProbe, readinessProbe } = container.spec;
      if (livenessProbe && readinessProbe && same(livenessProbe, readinessProbe)) {
        report(unmetAt(container, ['livenessProbe'], 'is the very same as the readiness probe'));
      }
    }
  },
});

function same(a: Probe, b: Probe): boolean {
  return (
    sameTiming(timingOf(a), timingOf(b)) &&
    deepEqual(withDefaults(a.httpGet), withDefaults(b.httpGet)) &&
    (['tcpSocket', 'grpc', 'exec'] as const).every((handler) => deepEqual(a[handler] ?? null, b[handler] ?? null))
  );
}

/** Most pairs differ here, and are done. */
function sameTiming(a: Timing, b: Timing): boolean {
  return (
    a.initialDelay === b.initialDelay &&
    a.period === b.period &&
    a.timeout === b.timeout &&
    a.failureThreshold === b.failureThreshold
  );
}

/** As the API server fills it in (core/v1 HTTPGetAction), so that a file is judged as the object that it becomes. */
function withDefaults(httpGet: Probe['httpGet']): object | null {
  return httpGet ? { path: '/', scheme: 'HTTP', ...httpGet } : null;
}
