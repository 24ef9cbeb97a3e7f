/** What the probe checks share: which containers they judge, and probes with the API server's defaults filled in. */
import type { CheckInput } from './check.ts';
import { OneOf } from './parameters.ts';
import type { Probe } from './pod.ts';
import type { Container } from './workload.ts';

export const PROBE_FIELDS = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
export type ProbeField = (typeof PROBE_FIELDS)[number];

/** The parameter `containers` of the checks that require a probe. */
export const JUDGED_CONTAINERS = OneOf(
  ['WithPorts', 'All'],
  'WithPorts',
  'WithPorts judges the containers that declare a port, or all regular ones where none does. All judges all regular containers and native sidecars.',
);

/** Containers whose probes count: regular ones and native sidecars; init containers can't have probes. */
export function probedContainers(containers: readonly Container[]): readonly Container[] {
  return containers.some(isInit) ? containers.filter((container) => !isInit(container)) : containers;
}

function isInit({ role }: Container): boolean {
  return role === 'init';
}

/** The containers that must have a probe. */
export function judgedContainers(
  { workload, containers }: Pick<CheckInput<unknown>, 'workload' | 'containers'>,
  which: 'WithPorts' | 'All',
): readonly Container[] {
  const running = probedContainers(containers);
  if (which === 'All') return running;
  // Whether any container declares a port is asked of the whole pod, so that `exclude` doesn't widen the check.
  const anyPorts = probedContainers(workload.containers).some(declaresPort);
  return anyPorts ? running.filter(declaresPort) : running.filter(({ role }) => role === 'regular');
}

/** Does a container say on which ports it listens? */
export function declaresPort({ spec }: Container): boolean {
  return (spec.ports?.length ?? 0) > 0;
}

/** A probe's timing in seconds, with the defaults of core/v1 Probe. */
export interface Timing {
  readonly initialDelay: number;
  readonly period: number;
  readonly timeout: number;
  readonly failureThreshold: number;
  /** Seconds of failing after which the probe gives up. */
  readonly givesUpAfter: number;
}

export function timingOf(probe: Probe): Timing {
  const period = probe.periodSeconds || 10;
  const failureThreshold = probe.failureThreshold || 3;
  return {
    initialDelay: probe.initialDelaySeconds ?? 0,
    period,
    timeout: probe.timeoutSeconds || 1,
    failureThreshold,
    givesUpAfter: period * failureThreshold,
  };
}
