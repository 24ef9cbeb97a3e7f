/** `catalog`: what of the production readiness checklist is covered by what. */
import {
  countCoverage,
  coverageOf,
  type Coverage,
  type CoverageCounts,
  type CoveredItem,
  type ItemKind,
} from '../checklist/catalog.ts';
import { CHECKS } from '../checks/index.ts';
import type { ActivePriority } from '../engine/check.ts';
import { layOut, layOutEach, paint, type Colour, type Look } from './layout.ts';

const COLOURS: Record<Coverage, Colour> = { Checked: 'green', Partly: 'yellow', No: 'dim' };
const WAYS: Record<ItemKind, string> = { Check: 'a check', Evidence: 'evidence', SignOff: 'a sign-off' };
const PRIORITY_FIELDS: Readonly<Record<ActivePriority, 'critical' | 'important' | 'niceToHave'>> = {
  Critical: 'critical',
  Important: 'important',
  NiceToHave: 'niceToHave',
};

/** The catalog as a table by section, and the counts for each priority. */
export function catalogTable(look: Look): string {
  const items = coverageOf(CHECKS);
  const header = { cells: ['ITEM', 'PRIORITY', 'COVERED'].map((text) => ({ text })), text: 'BY' };
  const [head = [], ...lines] = layOutEach([header, ...items.map(rowOf)], look);
  const blocks = items.flatMap(({ section }, index) => {
    const heading = section === items[index - 1]?.section ? [] : ['', paint(section, 'bold', look)];
    return [...heading, ...(lines[index] ?? [])];
  });
  return `${[...head, ...blocks, '', ...countLines(items, look)].join('\n')}\n`;
}

function rowOf({ id, priority, coverage, checks, missing }: CoveredItem) {
  const rest = missing.length === 0 ? [] : [`${missing.map((way) => WAYS[way]).join(' and ')} (not built yet)`];
  return {
    cells: [{ text: id }, { text: priority }, { text: coverage, colour: COLOURS[coverage] }],
    text: [...(checks.length === 0 ? [] : [checks.join(', ')]), ...rest].join('; the rest by '),
  };
}

function countLines(items: readonly CoveredItem[], look: Look): string[] {
  const row = (...texts: readonly string[]) => ({ cells: texts.map((text) => ({ text })), text: '' });
  const numbers = ({ items, checked, partly, no }: CoverageCounts) => [items, checked, partly, no].map(String);
  const rows = Object.entries(countsOf(items)).map(([name, counts]) => row(name, ...numbers(counts)));
  const serving = new Set(items.flatMap(({ checks }) => checks)).size;
  return [
    ...layOut([row('PRIORITY', 'ITEMS', 'CHECKED', 'PARTLY', 'NO'), ...rows], look, 0),
    '',
    `${serving} checks serve ${items.filter(({ checks }) => checks.length > 0).length} of ${items.length} items. Checked: a check decides it.`,
    'Partly: checks see what is necessary for it. No: nothing of it is built yet. About a check: readiness-operator explain CHECK',
  ];
}

function countsOf(items: readonly CoveredItem[]) {
  const byPriority = Object.entries(PRIORITY_FIELDS).map(
    ([priority, field]) => [field, countCoverage(items.filter((item) => item.priority === priority))] as const,
  );
  return { ...Object.fromEntries(byPriority), all: countCoverage(items) };
}

/** The catalog for programs, version 1. What an item does not have is null. */
export function catalogDocument() {
  const items = coverageOf(CHECKS);
  return {
    version: 1,
    items: items.map(({ objectGroup = null, proof = null, ...item }) => ({ ...item, objectGroup, proof })),
    summary: countsOf(items),
  };
}
