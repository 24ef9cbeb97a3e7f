/** Judges what runs: one ReadinessReport a workload, and the numbers of each policy. */
import { canonicalJson } from '../engine/canonical.ts';
import { valueAt } from '../engine/path.ts';
import type { Related, RelatedKindName } from '../engine/related.ts';
import type { Labels } from '../engine/selectors.ts';
import type { RawObject, Workload } from '../engine/workload.ts';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import type { Dependency } from '../kube/related.ts';
import { mapInTurns, Turns } from '../kube/turns.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { concerns, type ExceptionSet } from '../policy/exceptions.ts';
import { judgeFor, type Verdict } from '../policy/judge.ts';
import { reportNameOf, reportOf, REPORTS, type Report } from '../policy/report.ts';
import type { PolicySet } from '../policy/routes.ts';
import type { Exemptions } from '../policy/exemptions.ts';
import { Dependencies, recording } from './dependencies.ts';
import type { ExceptionChange } from './exceptions.ts';
import { Tally } from './tally.ts';
import { TemplateHistory } from './template-history.ts';
import type { WorkloadKey, Workloads } from './workloads.ts';

/** A report is written at most once in this time, in milliseconds. */
const REPORT_INTERVAL = 10_000;
/** How often a workload is looked at whose kind could not be read yet, in milliseconds. */
const NOT_SYNCED_RETRY = 5000;

export interface AuditOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly workloads: Workloads;
  readonly related: Related;
  readonly exemptions: Exemptions;
  readonly policies: () => PolicySet;
  readonly exceptions: ExceptionSet;
  readonly namespaceLabels: (namespace: string) => Labels | undefined;
  /** Told that the number of workloads under an exception changed. */
  readonly onException: (exception: ExceptionKey) => void;
  /** Told that the numbers of a policy changed. */
  readonly onTally: (policy: string) => void;
}

/** `namespace/name` */
type ExceptionKey = string;

/** What is kept of a report: whether it is still the right one. */
interface KeptReport {
  readonly resourceVersion: string;
  readonly content: string;
  readonly workload: WorkloadKey;
  /** Of the workload. */
  readonly uid: string | undefined;
  readonly templates: readonly string[];
}

export class Audit {
  readonly #options: AuditOptions;
  readonly #queue: WorkQueue;
  readonly #reports: Informer<KeptReport>;
  readonly #dependencies = new Dependencies();
  readonly #templates = new TemplateHistory();
  readonly #tallies = new Map<string, Tally>();
  /** The exceptions in force for a workload, and how many workloads each is in force for. */
  readonly #excepted = new Map<WorkloadKey, ReadonlySet<ExceptionKey>>();
  readonly #exceptedCounts = new Map<ExceptionKey, number>();
  /** When a workload's report was last written. */
  readonly #written = new Map<WorkloadKey, number>();

  constructor(options: AuditOptions) {
    this.#options = options;
    const { client, logger } = options;
    this.#queue = new WorkQueue({
      clock: options.client.clock,
      concurrency: 4,
      reconcile: (key) => this.#reconcile(key),
      onError: (workload, error, retryIn) =>
        logger.warn('a workload could not be audited', { workload, error, retryIn }),
    });
    this.#reports = new Informer<KeptReport>({
      client,
      ...REPORTS,
      versions: [REPORTS.version],
      keep: keptOf,
      // A report that was edited or deleted by hand is written anew; one without a workload goes.
      onChange: (_key, before, after) => {
        if (before?.content !== after?.content) this.#queue.add((after ?? before)?.workload ?? '');
      },
      onError: (error, what) => logger.warn('watching reports', { what, error }),
    });
  }

  start(): void {
    this.#reports.start();
  }

  async stop(): Promise<void> {
    this.#queue.stop();
    await this.#reports.stop();
  }

  /** A workload changed. */
  changed(key: WorkloadKey): void {
    // At once: by the time that it is judged it may have changed again.
    this.#noteTemplate(key);
    this.#queue.add(key);
  }

  #noteTemplate(key: WorkloadKey): void {
    const { workloads } = this.#options;
    const hash = workloads.templateHash(key);
    const uid = valueAt(workloads.object(key), ['metadata', 'uid']);
    if (hash !== undefined && typeof uid === 'string') this.#templates.saw(key, uid, hash);
  }

  /** Policies changed: everything is judged anew, also what no policy matches any more. */
  policiesChanged(): void {
    const names = new Set(this.#options.policies().policies.map(({ name }) => name));
    for (const name of this.#tallies.keys()) if (!names.has(name)) this.#tallies.delete(name);
    for (const key of this.#options.workloads.keys()) this.#queue.add(key);
    for (const [, { workload }] of this.#reports.entries()) this.#queue.add(workload);
  }

  /** A namespace's labels changed. */
  namespaceChanged(namespace: string): void {
    for (const key of this.#options.workloads.keys(namespace)) this.#queue.add(key);
  }

  /** An answer of Related may have changed; undefined: any of that kind. */
  relatedChanged(kind: RelatedKindName, dependency: Dependency | undefined): void {
    const concerned = dependency === undefined ? this.#dependencies.ofKind(kind) : this.#dependencies.of(dependency);
    for (const key of concerned) this.#queue.add(key);
  }

  /** An exception came, changed or went: the workloads that it is for, or was for, are judged anew. */
  exceptionChanged({ key, before, after }: ExceptionChange): void {
    const [namespace = ''] = key.split('/');
    for (const exception of [before, after]) {
      if (exception === undefined) continue;
      if (exception.workloads !== undefined) {
        for (const reference of exception.workloads) {
          const [kind = '', name = ''] = reference.split('/');
          this.#queue.add(`${kind}/${namespace}/${name}`);
        }
        continue;
      }
      for (const workload of this.#options.workloads.keys(namespace)) {
        const read = this.#options.workloads.read(workload);
        if (read !== undefined && 'workload' in read && concerns(exception, read.workload)) this.#queue.add(workload);
      }
    }
  }

  /** How many workloads an exception is in force for. */
  underException(exception: ExceptionKey): number {
    return this.#exceptedCounts.get(exception) ?? 0;
  }

  /** The numbers of a policy; undefined if no workload was judged by it yet. */
  tally(policy: string): Tally | undefined {
    return this.#tallies.get(policy);
  }

  get informer(): Informer<KeptReport> {
    return this.#reports;
  }

  async #reconcile(key: WorkloadKey): Promise<void> {
    const { client, logger, metrics, workloads } = this.#options;
    const read = workloads.read(key);
    if (read === undefined && !this.#knowsAbsence(key)) {
      this.#queue.addAfter(key, NOT_SYNCED_RETRY);
      return;
    }
    if (read !== undefined && 'problem' in read) {
      logger.warn('a workload has a shape that can not be read', { workload: key, problem: read.problem });
    }
    const workload = read !== undefined && 'workload' in read && !read.workload.deleting ? read.workload : undefined;
    const asked = new Set<Dependency>();
    const verdicts = workload === undefined ? [] : await this.#judge(workload, asked);
    this.#dependencies.set(key, asked);
    this.#count(key, verdicts);
    this.#countExceptions(key, verdicts);
    for (const { check, error } of verdicts.flatMap(({ errors }) => errors)) {
      metrics.checkErrors.inc({ check });
      logger.error('a check failed', { check, workload: key, error });
    }
    const recheckAt = Math.min(...verdicts.map((verdict) => verdict.recheckAt ?? Infinity));
    if (Number.isFinite(recheckAt)) this.#queue.addAfter(key, Math.max(0, recheckAt - client.clock.now()) + 1);

    if (workload !== undefined && verdicts.length > 0) await this.#write(key, workload, verdicts);
    else await this.#remove(key);
  }

  /** Does the absence of a workload from memory mean that it is gone, or that no policy asks for its kind? */
  #knowsAbsence(key: WorkloadKey): boolean {
    const kind = key.slice(0, key.indexOf('/'));
    const asked = this.#options.policies().policies.some(({ match }) => match.spec.kinds?.includes(kind) !== false);
    return !asked || this.#options.workloads.isSynced(kind);
  }

  async #judge(workload: Workload, asked: Set<Dependency>): Promise<Verdict[]> {
    const { client, policies, related, exemptions, exceptions, namespaceLabels } = this.#options;
    if (exemptions.namespaces.has(workload.namespace)) return [];
    const subject = {
      kind: workload.kind.kind,
      namespace: workload.namespace,
      namespaceLabels: namespaceLabels(workload.namespace) ?? {},
      labels: workload.labels,
    };
    const noted = recording(related, asked);
    const matching = policies().matching(subject);
    const judge = judgeFor(matching.length, workload, noted, client.clock.now(), exceptions);
    return mapInTurns(matching, new Turns(client.clock), (policy) => judge(policy));
  }

  #count(key: WorkloadKey, verdicts: readonly Verdict[]): void {
    const judgedBy = new Map(verdicts.map((verdict) => [verdict.policy.name, verdict]));
    for (const { name } of this.#options.policies().policies) {
      const tally = this.#tallies.get(name) ?? new Tally();
      this.#tallies.set(name, tally);
      tally.set(key, judgedBy.get(name));
      this.#options.onTally(name);
    }
  }

  #countExceptions(key: WorkloadKey, verdicts: readonly Verdict[]): void {
    const before = this.#excepted.get(key) ?? new Set<ExceptionKey>();
    const after = new Set(
      verdicts.flatMap(({ exceptions }) => exceptions.map(({ namespace, name }) => `${namespace}/${name}`)),
    );
    if (after.size === 0) this.#excepted.delete(key);
    else this.#excepted.set(key, after);
    for (const exception of new Set([...before, ...after])) {
      if (before.has(exception) && after.has(exception)) continue;
      const count = this.underException(exception) + (after.has(exception) ? 1 : -1);
      if (count === 0) this.#exceptedCounts.delete(exception);
      else this.#exceptedCounts.set(exception, count);
      this.#options.onException(exception);
    }
  }

  async #write(key: WorkloadKey, workload: Workload, verdicts: readonly Verdict[]): Promise<void> {
    const { client } = this.#options;
    const { namespace, uid = '' } = workload;
    const name = reportNameOf(workload.kind.kind, workload.name);
    const present = this.#reports.get(`${namespace}/${name}`);
    this.#noteTemplate(key);
    const templates = this.#templates.of(key, uid, present?.uid === uid ? present.templates : []);
    const report = reportOf(workload, verdicts, templates);
    if (present?.content === contentOf(report)) {
      this.#templates.forget(key);
      return;
    }
    const wait = (this.#written.get(key) ?? -Infinity) + REPORT_INTERVAL - client.clock.monotonic();
    if (wait > 0) {
      this.#queue.addAfter(key, wait);
      return;
    }
    if (present === undefined) {
      await client.request('POST', pathOf(REPORTS, namespace), { body: report });
    } else {
      const metadata = { ...report.metadata, resourceVersion: present.resourceVersion };
      await client.request('PUT', pathOf(REPORTS, namespace, name), { body: { ...report, metadata } });
    }
    this.#written.set(key, client.clock.monotonic());
  }

  /** Removes the report of what no policy matches. That of a workload that is gone goes with it by its owner reference. */
  async #remove(key: WorkloadKey): Promise<void> {
    this.#written.delete(key);
    this.#templates.forget(key);
    const [kind = '', namespace = '', name = ''] = key.split('/');
    const reportName = reportNameOf(kind, name);
    if (this.#reports.get(`${namespace}/${reportName}`) === undefined) return;
    try {
      await this.#options.client.request('DELETE', pathOf(REPORTS, namespace, reportName));
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }
}

/** What makes two reports the same, whoever wrote them. */
function contentOf(report: Omit<Report, 'apiVersion' | 'kind'>): string {
  const { metadata, workload, ready, score, counts, policies, findings, unknown, exceptions, breakGlass, notes } =
    report;
  const { ownerReferences, labels } = metadata;
  const content = { workload, ready, score, counts, policies, findings, unknown, exceptions, breakGlass, notes };
  return canonicalJson({ ownerReferences, labels, ...content, templates: report.templates });
}

function keptOf(object: RawObject): KeptReport {
  const report = object as unknown as Report & { readonly metadata: { readonly resourceVersion: string } };
  const { kind, name } = report.workload;
  return {
    resourceVersion: report.metadata.resourceVersion,
    content: contentOf(report),
    workload: `${kind}/${report.metadata.namespace}/${name}`,
    uid: report.metadata.ownerReferences?.[0]?.uid,
    templates: report.templates ?? [],
  };
}
