import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { formatDuration, parseDuration } from '../engine/duration.ts';
import { Duration } from '../engine/parameters.ts';

const MAX = '10m';
/** Seconds, core/v1 PodSpec.terminationGracePeriodSeconds. */
const DEFAULT_GRACE = 30;

export default defineCheck({
  name: 'gracefulShutdown',
  title: 'Graceful shutdown',
  metWhen: 'A pod has from 1 second to max to stop, and longer than its preStop hooks sleep.',
  group: 'Replica counts and resilience',
  items: ['deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: Type.Object({ max: Duration(MAX, 'Longest allowed grace period.') }),
  rationale:
    'A grace period of 0 kills requests under way; one of hours holds up each drain of a node; one that the preStop hook uses up leaves the process no time at all.',
  remediation: 'set terminationGracePeriodSeconds',
  source: 'https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination',
  prepare: ({ max = MAX }) => ({ max: parseDuration(max) ?? 0 }),
  run({ workload, containers, parameters: { max } }, report) {
    const declared = workload.pod.terminationGracePeriodSeconds;
    const grace = declared ?? DEFAULT_GRACE;
    const path = [...workload.podPath, 'terminationGracePeriodSeconds'];
    if (grace < 1) {
      report({ type: 'unmet', path, message: `is ${grace}: pods are killed at once` });
    } else if (grace * 1000 > max) {
      report({ type: 'unmet', path, message: `is ${grace}, longer than ${formatDuration(max)}` });
    }
    for (const container of containers) {
      const sleep = container.spec.lifecycle?.preStop?.sleep?.seconds;
      if (sleep === undefined || sleep === null || sleep < grace || grace < 1) continue;
      report(
        unmetAt(
          container,
          ['lifecycle', 'preStop', 'sleep', 'seconds'],
          `is ${sleep}, and the pod has ${grace} seconds to stop${declared === undefined || declared === null ? ' (the default)' : ''}`,
          'set terminationGracePeriodSeconds above it',
        ),
      );
    }
  },
});
