import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { companionsOf, monitorsOf, notServed, podLabels, podLabelsPath } from '../engine/companions.ts';
import { probedContainers } from '../engine/probes.ts';
import { SCRAPE_ANNOTATION, type MonitorFacts, type ServiceFacts } from '../engine/related.ts';
import { selects } from '../engine/selectors.ts';
import type { Workload } from '../engine/workload.ts';

export default defineCheck({
  name: 'metricsScrape',
  title: 'Scraped metrics',
  metWhen:
    'A PodMonitor, or a ServiceMonitor for a Service of the pods, selects them and names a port that is there, or the annotation prometheus.io/scrape is true at the pods or at their Service.',
  group: 'Around the workload',
  items: ['observability.app.metrics-collection'],
  scope: 'companion',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'LongRunning',
  reads: ['Service', 'ServiceMonitor', 'PodMonitor'],
  needs: ['ServiceMonitor', 'PodMonitor'],
  parameters: NO_PARAMETERS,
  rationale: 'Without metrics nobody sees a workload slow down, fill up or fail until its users tell.',
  remediation: "create a PodMonitor whose selector matches the pods' labels, or a ServiceMonitor for their Service",
  source: 'https://kubernetes.io/docs/concepts/cluster-administration/system-metrics/',
  run({ workload, related }, report) {
    if (workload.template.metadata?.annotations?.[SCRAPE_ANNOTATION] === 'true') return;
    const services = companionsOf('Service', workload, related);
    const podMonitors = monitorsOf('PodMonitor', workload, related);
    const serviceMonitors = monitorsOf('ServiceMonitor', workload, related);
    const ownServices = services.state === 'known' ? services.values : [];
    if (ownServices.some(({ scraped }) => scraped)) return;

    const selecting =
      podMonitors.values.length + serviceMonitors.values.length === 0
        ? []
        : selectingMonitors(workload, ownServices, podMonitors.values, serviceMonitors.values);
    if (selecting.some(({ missing }) => missing === undefined)) return;

    const cause = services.state === 'unknown' ? services.cause : (podMonitors.cause ?? serviceMonitors.cause);
    const path = podLabelsPath(workload);
    if (cause !== undefined) {
      report({ type: 'unknown', cause: `whether anything scrapes the pods: ${cause}` });
    } else if (podMonitors.notServed && serviceMonitors.notServed) {
      notServed('metricsScrape', 'ServiceMonitor or PodMonitor', report);
    } else if (selecting.length === 0) {
      report({ type: 'unmet', path, message: 'no PodMonitor and no ServiceMonitor scrapes these pods' });
    } else {
      for (const { monitor, kind, target, missing } of selecting) {
        report({
          type: 'unmet',
          path,
          message: `${kind} ${monitor.name} scrapes port ${missing}, which is not a port of ${target}`,
          remediation: `let ${kind} ${monitor.name} name a port of ${target}`,
        });
      }
    }
  },
});

interface Selecting {
  readonly monitor: MonitorFacts;
  readonly kind: 'PodMonitor' | 'ServiceMonitor';
  /** Whose ports it looks at. */
  readonly target: string;
  /** The ports that it names and that are not there; undefined: it finds one. */
  readonly missing: string | undefined;
}

/** The monitors that select the pods themselves or one of their Services. */
function selectingMonitors(
  workload: Workload,
  services: readonly ServiceFacts[],
  podMonitors: readonly MonitorFacts[],
  serviceMonitors: readonly MonitorFacts[],
): Selecting[] {
  const labels = podLabels(workload);
  const ports = probedContainers(workload.containers).flatMap(({ spec }) => spec.ports ?? []);
  const ofPods = podMonitors
    .filter(({ selector }) => selects(selector, labels))
    .map((monitor): Selecting => ({
      monitor,
      kind: 'PodMonitor',
      target: 'the pods',
      missing: missingPorts(monitor, ports),
    }));
  const ofServices = services.flatMap((service) =>
    serviceMonitors
      .filter(({ selector }) => selects(selector, service.labels))
      .map((monitor): Selecting => ({
        monitor,
        kind: 'ServiceMonitor',
        target: `Service ${service.name}`,
        missing: missingPorts(monitor, service.ports),
      })),
  );
  return [...ofPods, ...ofServices];
}

/** The ports that a monitor names, if none of them is there; undefined: it finds one, or takes any. */
function missingPorts(
  { ports }: MonitorFacts,
  present: readonly { readonly name?: string | null | undefined }[],
): string | undefined {
  if (ports === undefined || ports.some((port) => present.some(({ name }) => name === port))) return undefined;
  return ports.join(', ') || 'none';
}
