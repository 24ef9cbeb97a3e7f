/** The findings of one verdict, as many as anybody reads. */
import type { ActivePriority } from '../engine/check.ts';
import type { Action } from './schema.ts';

/** Findings that a verdict keeps, and one of each further check. As many as a report shows; a denial shows 20. */
export const MOST_FINDINGS = 100;

/** What of a finding tells which others are like it. */
interface Sort {
  readonly check: string;
  readonly priority: ActivePriority;
  readonly action: Action;
}

/** Findings of one check with one action that are not kept. */
export interface Omitted extends Sort {
  readonly count: number;
}

/**
 * Keeps the first findings, and of each check and action the first one: so that what a verdict decides, and for which
 * checks, does not depend on the bound. Those of one check must be added one after the other.
 */
export class BoundedFindings<T extends Sort> {
  readonly kept: T[] = [];
  readonly omitted: (Omitted & { count: number })[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(finding: T): void {
    if (this.kept.length < this.#most || !isAmong(this.kept, finding)) {
      this.kept.push(finding);
      return;
    }
    const present = this.omitted.findLast((one) => isLike(one, finding));
    const { check, priority, action } = finding;
    if (present === undefined) this.omitted.push({ check, priority, action, count: 1 });
    else present.count += 1;
  }
}

function isAmong(kept: readonly Sort[], finding: Sort): boolean {
  for (let index = kept.length - 1; kept[index]?.check === finding.check; index--) {
    if (isLike(kept[index] as Sort, finding)) return true;
  }
  return false;
}

function isLike(a: Sort, b: Sort): boolean {
  return a.check === b.check && a.action === b.action;
}

/** What the verdicts of several policies omit, by check, priority and action: the most that one of them does. */
export function omittedFrom(verdicts: readonly { readonly omitted: readonly Omitted[] }[]): Omitted[] {
  const most = new Map<string, Omitted>();
  for (const { omitted } of verdicts) {
    for (const one of omitted) {
      const key = `${one.check} ${one.priority} ${one.action}`;
      if (one.count > (most.get(key)?.count ?? 0)) most.set(key, one);
    }
  }
  return [...most.values()];
}
