/** Every metric, declared once. Names and labels are part of the API (docs/metrics). */
import {
  Counter,
  Gauge,
  Histogram,
  Registry,
  type CounterConfiguration,
  type HistogramConfiguration,
} from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

type RequestLabel = 'operation' | 'kind' | 'decision';
type RequestLabels = Readonly<Record<RequestLabel, string>>;

/**
 * Counts admission requests. The library checks names and puts a key together at each count, which takes as long as some of
 * the checks: so a count is found here, and handed over when somebody reads the metrics.
 */
export class RequestCounter {
  /** Anybody in the cluster may send a request of any kind: those beyond so many are counted as of kind `other`. */
  static readonly mostSeries = 200;
  /** And a longer name is none of a kind (a DNS label). */
  static readonly longestKind = 63;

  readonly #waiting: { readonly labels: RequestLabels; count: number }[] = [];

  constructor(configuration: Omit<CounterConfiguration<RequestLabel>, 'labelNames' | 'collect'>) {
    const counter: Counter<RequestLabel> = new Counter({
      ...configuration,
      labelNames: ['operation', 'kind', 'decision'],
      collect: () => this.#handOver(counter),
    });
  }

  inc(labels: RequestLabels): void {
    const { operation, kind, decision } = labels;
    for (const waiting of this.#waiting) {
      const { labels: other } = waiting;
      if (other.kind === kind && other.decision === decision && other.operation === operation) {
        waiting.count += 1;
        return;
      }
    }
    const isRoom = this.#waiting.length < RequestCounter.mostSeries && kind.length <= RequestCounter.longestKind;
    if (isRoom || kind === OTHER) this.#waiting.push({ labels, count: 1 });
    else this.inc({ operation, kind: OTHER, decision });
  }

  #handOver(counter: Counter<RequestLabel>): void {
    for (const waiting of this.#waiting) {
      if (waiting.count > 0) counter.inc(waiting.labels, waiting.count);
      waiting.count = 0;
    }
  }
}

const OTHER = 'other';

/** The same for how long requests take: times wait until there are many or somebody reads them. */
class RequestTimes {
  static readonly most = 500;

  readonly #waiting: number[] = [];
  readonly #histogram: Histogram;

  constructor(configuration: Omit<HistogramConfiguration<string>, 'labelNames' | 'collect'>) {
    this.#histogram = new Histogram({ ...configuration, collect: () => this.#handOver() });
  }

  /** @param seconds - that a request took */
  observe(seconds: number): void {
    if (this.#waiting.push(seconds) >= RequestTimes.most) this.#handOver();
  }

  #handOver(): void {
    for (const seconds of this.#waiting) this.#histogram.observe(seconds);
    this.#waiting.length = 0;
  }
}

/** Makes the metrics in a registry of their own. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const prefix = 'readiness_operator_';
  return {
    registry,
    admissionRequests: new RequestCounter({
      name: `${prefix}admission_requests_total`,
      help: 'Admission requests answered, by decision: allowed, warned, denied, notJudged, rejected (no valid review), unavailable, dropped (the caller has gone), failed. Dry-runs are not counted. Beyond 200 series the kind is other.',
      registers,
    }),
    admissionDuration: new RequestTimes({
      name: `${prefix}admission_duration_seconds`,
      help: 'Seconds from a complete admission request to its answer, live reads included.',
      buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3],
      registers,
    }),
    unknownCallers: new Counter({
      name: `${prefix}unknown_callers_total`,
      help: 'Reviews posted by a caller that is not known to be the API server: by a path without the token of the webhook configuration, or without a certificate where one is required. Nothing else is counted or recorded of them.',
      registers,
    }),
    findings: new Gauge({
      name: `${prefix}findings`,
      help: 'Unmet findings of the workloads that a policy matches.',
      labelNames: ['policy', 'check', 'priority'],
      registers,
    }),
    exceptedFindings: new Gauge({
      name: `${prefix}excepted_findings`,
      help: 'Unmet findings that exceptions let pass; findings does not count them.',
      labelNames: ['policy', 'check'],
      registers,
    }),
    breakGlass: new Counter({
      name: `${prefix}break_glass_total`,
      help: 'Rollouts that a policy would have denied and that passed because somebody broke the glass. Dry-runs are not counted.',
      labelNames: ['policy'],
      registers,
    }),
    workloads: new Gauge({
      name: `${prefix}workloads`,
      help: 'Workloads that a policy matches, by state: ready, notReady, unknown.',
      labelNames: ['policy', 'state'],
      registers,
    }),
    checkErrors: new Counter({
      name: `${prefix}check_errors_total`,
      help: 'Evaluations in which a check itself failed.',
      labelNames: ['check'],
      registers,
    }),
    certificateExpiry: new Gauge({
      name: `${prefix}certificate_expiry_timestamp_seconds`,
      help: 'When a certificate expires: leaf (the one that is served) or authority (the one that signed it).',
      labelNames: ['certificate'],
      registers,
    }),
    watchLastEvent: new Gauge({
      name: `${prefix}watch_last_event_timestamp_seconds`,
      help: 'When the API server last sent anything for a watched resource, bookmarks included.',
      labelNames: ['resource'],
      registers,
    }),
    watchState: new Gauge({
      name: `${prefix}watch_state`,
      help: '1 for the state that the copy of a resource is in: pending (not read yet), synced, failed (it can not be read, so checks that need it are Unknown), notServed (the cluster has no such API).',
      labelNames: ['resource', 'state'],
      registers,
    }),
    eventsDropped: new Counter({
      name: `${prefix}events_dropped_total`,
      help: 'Events that were not written because there were too many of the kind.',
      labelNames: ['reason'],
      registers,
    }),
    leader: new Gauge({
      name: `${prefix}leader`,
      help: '1 if this replica reconciles, else 0.',
      registers,
    }),
  };
}
