import type { Finding, Verdict } from '../policy/judge.ts';
import type { WorkloadKey } from './workloads.ts';

/** What one workload adds to the numbers of one policy. */
interface Share {
  readonly ready: Verdict['ready'];
  /** Number of findings by `check/priority`. */
  readonly findings: ReadonlyMap<string, number>;
  /** Number of excepted findings by check. */
  readonly excepted: ReadonlyMap<string, number>;
}

/** The numbers of one policy, kept up to date workload by workload. */
export class Tally {
  readonly #shares = new Map<WorkloadKey, Share>();
  readonly #ready = { True: 0, False: 0, Unknown: 0 };
  /** By `check/priority`. */
  readonly #findings = new Map<string, { count: number; workloads: number }>();
  /** By check. */
  readonly #excepted = new Map<string, number>();

  /** Replaces what a workload adds; undefined takes it out. */
  set(workload: WorkloadKey, verdict: Verdict | undefined): void {
    const before = this.#shares.get(workload);
    if (before !== undefined) this.#count(before, -1);
    if (verdict === undefined) {
      this.#shares.delete(workload);
      return;
    }
    const findings = new Map<string, number>();
    const add = ({ check, priority }: Pick<Finding, 'check' | 'priority'>, count: number): void => {
      const key = `${check}/${priority}`;
      findings.set(key, (findings.get(key) ?? 0) + count);
    };
    for (const finding of verdict.findings) add(finding, 1);
    for (const omitted of verdict.omitted) add(omitted, omitted.count);
    const excepted = new Map<string, number>();
    for (const { check } of verdict.excepted) excepted.set(check, (excepted.get(check) ?? 0) + 1);
    const share = { ready: verdict.ready, findings, excepted };
    this.#shares.set(workload, share);
    this.#count(share, 1);
  }

  get workloads(): { matched: number; ready: number; notReady: number; unknown: number } {
    const { True: ready, False: notReady, Unknown: unknown } = this.#ready;
    return { matched: this.#shares.size, ready, notReady, unknown };
  }

  /** Findings by check and priority, those of most workloads first. */
  get checks(): {
    readonly check: string;
    readonly priority: string;
    readonly count: number;
    readonly workloads: number;
  }[] {
    return [...this.#findings]
      .map(([key, { count, workloads }]) => {
        const [check = '', priority = ''] = key.split('/');
        return { check, priority, count, workloads };
      })
      .toSorted((a, b) => b.workloads - a.workloads || (a.check < b.check ? -1 : 1));
  }

  /** Findings that exceptions let pass, by check. */
  get excepted(): { readonly check: string; readonly count: number }[] {
    return [...this.#excepted].map(([check, count]) => ({ check, count }));
  }

  #count({ ready, findings, excepted }: Share, sign: 1 | -1): void {
    this.#ready[ready] += sign;
    for (const [key, count] of findings) {
      const sum = this.#findings.get(key) ?? { count: 0, workloads: 0 };
      sum.count += sign * count;
      sum.workloads += sign;
      if (sum.workloads === 0) this.#findings.delete(key);
      else this.#findings.set(key, sum);
    }
    for (const [check, count] of excepted) {
      const sum = (this.#excepted.get(check) ?? 0) + sign * count;
      if (sum === 0) this.#excepted.delete(check);
      else this.#excepted.set(check, sum);
    }
  }
}
