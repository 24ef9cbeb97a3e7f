import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { companionsOf, podLabelsPath } from '../engine/companions.ts';
import { declaresPort, probedContainers } from '../engine/probes.ts';
import type { ServiceFacts, ServicePort } from '../engine/related.ts';
import type { Container } from '../engine/workload.ts';

export default defineCheck({
  name: 'service',
  title: 'Service',
  metWhen:
    'Where containers declare ports, a Service selects the pods, and each of its target ports is declared by a container.',
  group: 'Around the workload',
  items: ['performance.backend.load-balancing'],
  scope: 'companion',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  reads: ['Service'],
  parameters: NO_PARAMETERS,
  rationale:
    'A Service that selects no pod, or sends to a port that is not there, is accepted and answers nobody; without one, clients hold on to pods that go.',
  remediation: "create a Service whose selector matches the pods' labels",
  source: 'https://kubernetes.io/docs/concepts/services-networking/service/',
  run({ workload, related }, report) {
    const serving = probedContainers(workload.containers).filter(declaresPort);
    if (serving.length === 0) {
      report({ type: 'notApplicable', reason: 'no container declares a port' });
      return;
    }
    const services = companionsOf('Service', workload, related);
    if (services.state === 'unknown') {
      report({ type: 'unknown', cause: `whether a Service selects the pods: ${services.cause}` });
      return;
    }
    if (services.values.length === 0) {
      report({ type: 'unmet', path: podLabelsPath(workload), message: 'no Service selects these pods' });
      return;
    }
    const broken = services.values.map((service) => ({ service, ports: unresolved(service, serving) }));
    // A Service may well select the pods of several workloads, and be meant for others.
    if (broken.some(({ ports }) => ports.length === 0)) return;
    for (const { service, ports } of broken) {
      for (const { port, target, protocol } of ports) {
        const name = typeof target === 'number' ? `${target}` : `"${target}"`;
        report({
          type: 'unmet',
          path: [...workload.podPath, 'containers'],
          message: `no container declares port ${name} (${protocol}), to which Service ${service.name} sends port ${port}`,
          remediation: `declare that port, or let targetPort of Service ${service.name} name one that is declared`,
        });
      }
    }
  },
});

/**
 * The ports of a Service for which the pods have none. Kubernetes finds a named port among those that containers declare
 * (endpointslice FindPort); a number it takes as it is, but where others are declared, one that is not is a slip.
 */
function unresolved({ headless, ports }: ServiceFacts, containers: readonly Container[]): readonly ServicePort[] {
  if (headless) return [];
  return ports.filter(
    ({ target, protocol }) =>
      !containers.some(({ spec }) =>
        spec.ports?.some(
          (port) =>
            (port.protocol ?? 'TCP') === protocol &&
            (typeof target === 'number' ? port.containerPort === target : port.name === target),
        ),
      ),
  );
}
