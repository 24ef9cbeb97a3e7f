import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { formatDuration, parseDuration } from '../engine/duration.ts';
import { Duration } from '../engine/parameters.ts';
import { probedContainers, timingOf } from '../engine/probes.ts';

const SLOW_START = '30s';

export default defineCheck({
  name: 'startupProbe',
  title: 'Startup probe',
  metWhen: 'A container whose liveness probe waits longer than slowStart (initialDelaySeconds) has a startup probe.',
  group: 'Health probes',
  items: ['deploy.containers.health-checks'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: Type.Object({
    slowStart: Duration(SLOW_START, 'The longest initial delay of a liveness probe that needs no startup probe.'),
  }),
  rationale:
    'A long initial delay guesses how long the start takes: too short kills a slow start, too long leaves a hanging one alone. A startup probe waits exactly as long as needed.',
  remediation: 'add startupProbe and drop the initialDelaySeconds of the liveness probe',
  source: 'https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/',
  prepare: ({ slowStart = SLOW_START }) => ({ slowStart: parseDuration(slowStart) ?? 0 }),
  run({ containers, parameters: { slowStart } }, report) {
    for (const container of probedContainers(containers)) {
      const { livenessProbe, startupProbe } = container.spec;
      if (!livenessProbe || startupProbe) continue;
      const { initialDelay } = timingOf(livenessProbe);
      if (initialDelay * 1000 > slowStart) {
        report(
          unmetAt(
            container,
            ['livenessProbe', 'initialDelaySeconds'],
            `is ${initialDelay}, longer than ${formatDuration(slowStart)}, and there is no startup probe`,
          ),
        );
      }
    }
  },
});
