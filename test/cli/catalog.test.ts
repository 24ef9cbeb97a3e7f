import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CATALOG } from '../../src/checklist/catalog.ts';
import { CHECKS } from '../../src/checks/index.ts';
import { run } from './run.ts';

interface Counts {
  readonly items: number;
  readonly checked: number;
  readonly partly: number;
  readonly no: number;
}

interface Document {
  readonly items: readonly { readonly id: string; readonly coverage: string; readonly checks: readonly string[] }[];
  readonly summary: Readonly<Record<'critical' | 'important' | 'niceToHave' | 'all', Counts>>;
}

async function document(format: 'json' | 'yaml'): Promise<Document> {
  const { status, stdout, stderr } = await run(['catalog', '-o', format]);
  expect([status, stderr]).toEqual([0, '']);
  return (format === 'json' ? JSON.parse(stdout) : parse(stdout)) as Document;
}

describe('catalog', () => {
  test('as JSON: each item with the checks that name it', async () => {
    const { items, summary } = await document('json');
    expect(items.map(({ id }) => id)).toEqual(CATALOG.map(({ id }) => id));
    for (const { id, checks } of items) {
      expect(checks).toEqual(CHECKS.filter((check) => check.items.includes(id)).map(({ name }) => name));
    }
    const { critical, important, niceToHave, all } = summary;
    expect([critical.items, important.items, niceToHave.items, all.items]).toEqual([49, 67, 33, 149]);
    for (const counts of [critical, important, niceToHave, all]) {
      expect(counts.checked + counts.partly + counts.no).toBe(counts.items);
    }
    expect(all.checked).toBe(critical.checked + important.checked + niceToHave.checked);
    expect(all.checked).toBe(items.filter(({ coverage }) => coverage === 'Checked').length);
    expect(all.no).toBe(items.filter(({ checks }) => checks.length === 0).length);
  });

  test('as YAML: the same', async () => {
    expect(await document('yaml')).toEqual(await document('json'));
  });

  test('as a table', async () => {
    const { status, stdout } = await run(['catalog']);
    expect(status).toBe(0);
    const { summary } = await document('json');
    const { items, checked, partly, no } = summary.all;
    expect(stdout).toMatch(new RegExp(`^all +${items} +${checked} +${partly} +${no}$`, 'm'));
    expect(stdout).toMatch(/^ {2}deploy\.containers\.health-checks +Critical +Checked +\S.*readinessProbe/m);
    // What does not exist yet is not made out to exist.
    expect(stdout).toMatch(/^ {2}quality\.tests\.unit-coverage +\w+ +No +evidence \(not built yet\)$/m);
    for (const section of new Set(CATALOG.map((item) => item.section))) {
      expect(stdout.split('\n').filter((line) => line === section)).toHaveLength(1);
    }
  });

  test('wraps to the terminal', async () => {
    const { stdout } = await run(['catalog'], { columns: 120, env: { NO_COLOR: '1' } });
    const table = stdout.slice(0, stdout.indexOf('\nPRIORITY'));
    expect(Math.max(...table.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(120);
  });
});
