import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';
import { declaresPort, PROBE_FIELDS, probedContainers } from '../engine/probes.ts';
import type { Container } from '../engine/workload.ts';

export default defineCheck({
  name: 'probePorts',
  title: 'Probe ports',
  metWhen:
    'The named port of each probe is a port of its container, and a numeric one is in 1-65535; neither is declared for another protocol than TCP.',
  group: 'Health probes',
  items: ['deploy.containers.health-checks'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  appliesTo: 'LongRunning',
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale:
    'A probe of a port on which nothing listens always fails: the pod never becomes ready, or is restarted for ever. The API server accepts it.',
  remediation: 'name a port of the container',
  source:
    'https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#use-a-named-port',
  run({ workload, containers }, report) {
    const ofPod = workload.containers.flatMap(({ spec }) => spec.ports ?? []);
    for (const container of probedContainers(containers)) {
      for (const field of PROBE_FIELDS) {
        const probe = container.spec[field];
        for (const handler of ['httpGet', 'tcpSocket', 'grpc'] as const) {
          const port = probe?.[handler]?.port;
          if (port === undefined || port === null) continue;
          const wrong = typeof port === 'string' ? wrongName(container, port) : wrongNumber(port, ofPod);
          if (wrong !== undefined) report(unmetAt(container, [field, handler, 'port'], wrong));
          else if (typeof port === 'number' && !isDeclared(port, ofPod) && declaresPort(container)) {
            report({
              type: 'note',
              text: `${field} of ${container.name} probes port ${port}, which no container declares`,
            });
          }
        }
      }
    }
  },
});

type Ports = NonNullable<Container['spec']['ports']>;

/** The kubelet looks a name up among the ports of the probed container alone. */
function wrongName({ spec }: Container, name: string): string | undefined {
  const declared = spec.ports ?? [];
  const named = declared.filter((port) => port.name === name);
  if (named.length === 0) return `"${name}" is not a port of the container; ${listed(declared)}`;
  return overTcp(named) ? undefined : `"${name}" is a port for ${protocolsOf(named)}, and probes connect by TCP`;
}

/**
 * The kubelet connects to a number whether it is declared or not, and all containers of a pod share its address: a flag, or a
 * neighbour, may open it (core/v1 ContainerPort: primarily informational).
 *
 * @param ofPod - the ports that all containers of the pod declare
 */
function wrongNumber(port: number, ofPod: Ports): string | undefined {
  if (!Number.isInteger(port) || port < 1 || port > 65535) return `${port} is not a port number (1-65535)`;
  const same = ofPod.filter(({ containerPort }) => containerPort === port);
  if (same.length === 0 || overTcp(same)) return undefined;
  return `${port} is a port for ${protocolsOf(same)}, and probes connect by TCP`;
}

function isDeclared(port: number, ports: Ports): boolean {
  return ports.some(({ containerPort }) => containerPort === port);
}

function overTcp(ports: Ports): boolean {
  return ports.some(({ protocol }) => (protocol ?? 'TCP') === 'TCP');
}

function protocolsOf(ports: Ports): string {
  return [...new Set(ports.map(({ protocol }) => protocol))].join(' and ');
}

function listed(declared: Ports): string {
  if (declared.length === 0) return 'it declares none';
  const ports = declared.map(({ name, containerPort }) => (name ? `${name} (${containerPort})` : `${containerPort}`));
  return `it declares ${ports.slice(0, 8).join(', ')}`;
}
