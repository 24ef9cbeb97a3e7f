import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { formatDuration, parseDuration } from '../engine/duration.ts';
import { Duration } from '../engine/parameters.ts';
import type { ContainerSpec } from '../engine/pod.ts';

const MAX = '10m';
/** Seconds, the default of core/v1 PodSpec. */
const DEFAULT_GRACE = 30;

export default defineCheck({
  name: 'gracefulShutdown',
  title: 'Graceful shutdown',
  metWhen:
    'The grace period is from 1 second to max, and longer than the sleep of each preStop hook (terminationGracePeriodSeconds).',
  group: 'Replica counts and resilience',
  items: ['deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: Type.Object({ max: Duration(MAX, 'Longest allowed grace period.') }),
  rationale:
    'A pod without time to finish drops its requests at each rollout; one with hours of it holds up the drain of its node.',
  remediation: 'set terminationGracePeriodSeconds: 30',
  source: 'https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination',
  prepare: ({ max = MAX }) => ({ max: parseDuration(max) ?? 0 }),
  *run({ workload: { pod, podPath }, containers, parameters: { max } }) {
    const grace = pod.terminationGracePeriodSeconds ?? DEFAULT_GRACE;
    const path = [...podPath, 'terminationGracePeriodSeconds'];
    if (grace < 1) {
      yield { type: 'unmet', path, message: `is ${grace}, which kills the pod at once` };
    } else if (grace * 1000 > max) {
      yield {
        type: 'unmet',
        path,
        message: `is ${grace}, longer than ${formatDuration(max)}`,
        remediation: `set at most ${Math.floor(max / 1000)}`,
      };
    }
    for (const container of containers) {
      const seconds = preStopSleep(container.spec);
      if (seconds !== undefined && seconds >= grace) {
        yield unmetAt(
          container,
          ['lifecycle', 'preStop'],
          `sleeps for ${seconds}s, and the grace period ends after ${grace}s`,
          'sleep for less, or raise terminationGracePeriodSeconds',
        );
      }
    }
  },
});

/** For how many seconds a preStop hook sleeps, be it built in or a command; undefined if it doesn't. */
function preStopSleep({ lifecycle }: ContainerSpec): number | undefined {
  const seconds = lifecycle?.preStop?.sleep?.seconds;
  if (typeof seconds === 'number') return seconds;
  const command = lifecycle?.preStop?.exec?.command?.join(' ') ?? '';
  const [, slept] = /(?:^|[\s;&|/])sleep ([0-9]{1,9})s?(?=$|[\s;&|)])/.exec(command) ?? [];
  return slept === undefined ? undefined : Number(slept);
}
