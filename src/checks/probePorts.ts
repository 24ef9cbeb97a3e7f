import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';
import { PROBE_FIELDS, probedContainers } from '../engine/probes.ts';
import type { Container } from '../engine/workload.ts';

export default defineCheck({
  name: 'probePorts',
  title: 'Probe ports',
  metWhen:
    'The named port of each probe is a port of its container; a numeric one is in 1-65535 and, if the container declares any ports, among them.',
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
  run({ containers }, report) {
    for (const container of probedContainers(containers)) {
      for (const field of PROBE_FIELDS) {
        const probe = container.spec[field];
        for (const handler of ['httpGet', 'tcpSocket', 'grpc'] as const) {
          const port = probe?.[handler]?.port;
          if (port === undefined || port === null) continue;
          const wrong = wrongPort(container, port);
          if (wrong !== undefined) report(unmetAt(container, [field, handler, 'port'], wrong));
        }
      }
    }
  },
});

/** What is wrong with a probe's port, or undefined. */
function wrongPort({ spec }: Container, port: string | number): string | undefined {
  const declared = spec.ports ?? [];
  if (typeof port === 'string') {
    return declared.some(({ name }) => name === port)
      ? undefined
      : `"${port}" is not a port of the container; ${listed(declared)}`;
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) return `${port} is not a port number (1-65535)`;
  if (declared.length === 0 || declared.some(({ containerPort }) => containerPort === port)) return undefined;
  return `${port} is not a port of the container; ${listed(declared)}`;
}

function listed(declared: NonNullable<Container['spec']['ports']>): string {
  if (declared.length === 0) return 'it declares none';
  const ports = declared.map(({ name, containerPort }) => (name ? `${name} (${containerPort})` : `${containerPort}`));
  return `it declares ${ports.slice(0, 8).join(', ')}`;
}
