/** The production readiness checklist as a catalog, and which of the operator's checks serve which of its items. */
import type { ActivePriority, Check } from '../engine/check.ts';
import ITEMS from './items.json' with { type: 'json' };

/**
 * What decides an item: `Check`: looking at objects of the cluster; `Evidence`: a measurement that a pipeline posts;
 * `SignOff`: a person.
 */
export const ITEM_KINDS = ['Check', 'Evidence', 'SignOff'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

/** One line of the checklist. */
export interface CatalogItem {
  /** `section.subsection.item`, the name by which checks serve it. */
  readonly id: string;
  /** `Section / Subsection`, as the checklist heads it. */
  readonly section: string;
  readonly title: string;
  readonly priority: ActivePriority;
  /** The strongest way of deciding it. */
  readonly kind: ItemKind;
  /** Further ways that take part. */
  readonly also: readonly ItemKind[];
  /** Group of objects that a check of it needs, by expected demand from 1 (pod templates) on; of kind Check alone. */
  readonly objectGroup: number | undefined;
  /** `full`: a check alone meets it; `partial`: it states necessary conditions only. Of kind Check alone. */
  readonly proof: 'full' | 'partial' | undefined;
}

/** All items in the checklist's own order. */
export const CATALOG: readonly CatalogItem[] = (
  ITEMS as readonly (Omit<CatalogItem, 'also' | 'objectGroup' | 'proof'> & Partial<CatalogItem>)[]
).map((item) => ({ also: [], objectGroup: undefined, proof: undefined, ...item }));

/** `Checked`: a check decides it; `Partly`: checks see a part of it; `No`: nothing of it is built yet. */
export const COVERAGES = ['Checked', 'Partly', 'No'] as const;
export type Coverage = (typeof COVERAGES)[number];

/** An item with what the operator does for it. */
export interface CoveredItem extends CatalogItem {
  readonly coverage: Coverage;
  /** Names of the checks that serve it, sorted. */
  readonly checks: readonly string[];
  /** The ways that are still to be built, by which the rest of it, or all, will be decided. */
  readonly missing: readonly ItemKind[];
}

/** Shows for each item of the catalog which checks serve it. */
export function coverageOf(checks: readonly Check[], catalog = CATALOG): CoveredItem[] {
  return catalog.map((item) => {
    const serving = checks
      .filter(({ items }) => items.includes(item.id))
      .map(({ name }) => name)
      .toSorted();
    const coverage =
      serving.length === 0 ? 'No' : item.kind === 'Check' && item.proof === 'full' ? 'Checked' : 'Partly';
    const ways = [item.kind, ...item.also];
    const missing = coverage === 'Checked' ? [] : ways.filter((way) => way !== 'Check' || serving.length === 0);
    return { ...item, coverage, checks: serving, missing };
  });
}

/** How many items there are, and how many of each coverage. */
export interface CoverageCounts {
  readonly items: number;
  readonly checked: number;
  readonly partly: number;
  readonly no: number;
}

/** Counts items by coverage. */
export function countCoverage(items: readonly CoveredItem[]): CoverageCounts {
  const of = (coverage: Coverage): number => items.filter((item) => item.coverage === coverage).length;
  return { items: items.length, checked: of('Checked'), partly: of('Partly'), no: of('No') };
}
