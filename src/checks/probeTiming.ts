import { Type } from 'typebox';
import { defineCheck, unmetAt, type Report } from '../engine/check.ts';
import { formatDuration, parseDuration } from '../engine/duration.ts';
import { Duration } from '../engine/parameters.ts';
import { PROBE_FIELDS, probedContainers, timingOf, type ProbeField } from '../engine/probes.ts';
import type { Probe } from '../engine/pod.ts';
import type { Container } from '../engine/workload.ts';

const MAX_FAILURE = '5m';
const MIN_EXEC_PERIOD = '5s';

export default defineCheck({
  name: 'probeTiming',
  title: 'Probe timing',
  metWhen:
    'A probe times out within its period and probes the pod itself; liveness gives up no sooner than readiness, and neither later than maxFailure; exec probes run no more often than every minExecPeriod.',
  group: 'Health probes',
  items: ['deploy.containers.health-checks'],
  scope: 'workload',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: Type.Object({
    maxFailure: Duration(
      MAX_FAILURE,
      'Longest time of failing after which a liveness or readiness probe must give up.',
    ),
    minExecPeriod: Duration(MIN_EXEC_PERIOD, 'Shortest period of an exec probe, which starts a process each time.'),
  }),
  rationale:
    'Liveness that gives up before readiness restarts a pod that only needed a moment without traffic; a probe that gives up late leaves a dead pod in service.',
  remediation: 'adjust periodSeconds, timeoutSeconds or failureThreshold',
  source: 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/',
  prepare: ({ maxFailure = MAX_FAILURE, minExecPeriod = MIN_EXEC_PERIOD }) => ({
    maxFailure: parseDuration(maxFailure) ?? 0,
    minExecPeriod: parseDuration(minExecPeriod) ?? 0,
  }),
  run({ containers, parameters }, report) {
    for (const container of probedContainers(containers)) {
      for (const field of PROBE_FIELDS) {
        const probe = container.spec[field];
        if (probe) judgeProbe(container, field, probe, parameters, report);
      }
      const { livenessProbe, readinessProbe } = container.spec;
      if (!livenessProbe || !readinessProbe) continue;
      const [liveness, readiness] = [timingOf(livenessProbe).givesUpAfter, timingOf(readinessProbe).givesUpAfter];
      if (liveness < readiness) {
        report(
          unmetAt(
            container,
            ['livenessProbe'],
            `gives up after ${liveness}s, sooner than the readiness probe, after ${readiness}s`,
            'raise its failureThreshold',
          ),
        );
      }
    }
  },
});

function judgeProbe(
  container: Container,
  field: ProbeField,
  probe: Probe,
  { maxFailure, minExecPeriod }: { readonly maxFailure: number; readonly minExecPeriod: number },
  report: Report,
): void {
  const { period, timeout, givesUpAfter } = timingOf(probe);
  if (timeout > period) {
    report(unmetAt(container, [field, 'timeoutSeconds'], `is ${timeout}, longer than the period, which is ${period}`));
  }
  // A startup probe is there to wait long, so only the other two are bounded.
  if (field !== 'startupProbe' && givesUpAfter * 1000 > maxFailure) {
    const longest = formatDuration(maxFailure);
    report(unmetAt(container, [field], `gives up only after ${givesUpAfter}s, later than ${longest}`));
  }
  if (probe.exec && period * 1000 < minExecPeriod) {
    report(
      unmetAt(
        container,
        [field, 'periodSeconds'],
        `is ${period}, and each exec probe starts a process; at least ${formatDuration(minExecPeriod)} is required`,
      ),
    );
  }
  if (probe.httpGet?.host) {
    report(unmetAt(container, [field, 'httpGet', 'host'], 'probes another host than the pod', 'remove httpGet.host'));
  }
}
