import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { companionsOf, podLabelsPath } from '../engine/companions.ts';
import { declaresPort, probedContainers } from '../engine/probes.ts';
import type { ServiceFacts, ServicePort } from '../engine/related.ts';
import type { Container } from '../engine/workload.ts';

export default defineCheck({
  name: 'service',
  title: 'Service',
  metWhen:
    'Where containers declare ports, a Service selects the pods, and each target port that it names is declared by a container.',
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
    const undeclared = services.values.map((service) => ({ service, ports: undeclaredPorts(service, serving) }));
    if (undeclared.some(({ ports }) => ports.length === 0)) return;
    // A Service may well select the pods of several workloads, and be meant for others.
    const isAnswered = undeclared.some(({ ports }) => ports.every((port) => mayBeOpen(port, serving)));
    for (const { service, ports } of undeclared) {
      for (const sent of ports) {
        const { port, target, protocol } = sent;
        const sends = `Service ${service.name} sends port ${port}`;
        if (mayBeOpen(sent, serving)) {
          report({ type: 'note', text: `${sends} to port ${target} (${protocol}), which no container declares` });
        } else if (!isAnswered) {
          report({
            type: 'unmet',
            path: [...workload.podPath, 'containers'],
            message: `no container declares port ${JSON.stringify(target)} (${protocol}), to which ${sends}`,
            remediation: `declare that port, or let targetPort of Service ${service.name} name one that is declared`,
          });
        }
      }
    }
  },
});

/** The ports of a Service to which no container declares a port. */
function undeclaredPorts({ headless, ports }: ServiceFacts, containers: readonly Container[]): readonly ServicePort[] {
  if (headless) return [];
  return ports.filter(
    ({ target, protocol }) =>
      !declares(containers, (port) => isMeant(target, port) && (port.protocol ?? 'TCP') === protocol),
  );
}

/**
 * May something listen there although no container says so? Kubernetes finds a named port among those that containers declare
 * (endpointslice FindPort); a number it takes as it is. But one that is declared for another protocol is a slip.
 */
function mayBeOpen({ target }: ServicePort, containers: readonly Container[]): boolean {
  return typeof target === 'number' && !declares(containers, (port) => isMeant(target, port));
}

function declares(containers: readonly Container[], is: (port: ContainerPort) => boolean): boolean {
  return containers.some(({ spec }) => spec.ports?.some(is) === true);
}

function isMeant(target: ServicePort['target'], { name, containerPort }: ContainerPort): boolean {
  return typeof target === 'number' ? containerPort === target : name === target;
}

type ContainerPort = NonNullable<Container['spec']['ports']>[number];
