/**
 * `npm run test:faults`: breaks what the operator depends on, row by row, while requests come, and prints a table.
 * `--row NAME` (repeatable; the beginning of a name is enough) runs some rows only, `--list` shows them all.
 */
import { parseArgs } from 'node:util';
import { ensureBinaries } from '../cluster/binaries.ts';
import { duration, streamLog } from '../cluster/log.ts';
import { Checks } from './checks.ts';
import { Load, type Counts } from './load.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';
import { Stage } from './stage.ts';

/** The rate may fall this far below the wanted one on a slow machine before the row counts as not run. */
const LEAST_SENT = 6000;

const COLUMNS = [
  'requests',
  '/s',
  'api',
  'straight',
  'p99 ms',
  'lag ms',
  'wrong',
  'failed',
  'refused',
  'lost',
  'excused',
  's',
];
const HEADER = ['row'.padEnd(38), ...COLUMNS.map((name) => name.padStart(8)), 'verdict'.padStart(8)].join(' ');

interface Result {
  readonly row: Row;
  readonly checks: Checks;
  readonly counts: Counts | undefined;
  readonly seconds: number;
  /** What ended the row early. */
  readonly error: string | undefined;
  readonly ok: boolean;
}

const { values } = parseArgs({ options: { row: { type: 'string', multiple: true }, list: { type: 'boolean' } } });
const wanted = values.row;
const rows = ROWS.filter(({ name }) => wanted === undefined || wanted.some((start) => name.startsWith(start)));
if (values.list === true) {
  for (const { name, breaks, asserts } of ROWS) console.log(`${name}\n    breaks: ${breaks}\n    then: ${asserts}`);
} else if (rows.length === 0) {
  console.error(`no row begins with ${wanted?.join(', ')}; there are: ${ROWS.map(({ name }) => name).join('; ')}`);
  process.exitCode = 2;
} else {
  // Not `exitCode`: a socket of a client that a row left behind would keep the program, and what waits for it.
  process.exit(await runAll());
}

async function runAll(): Promise<number> {
  const log = streamLog();
  await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'], { log });
  const started = performance.now();
  const results: Result[] = [];
  let stage: Stage | undefined;
  console.log(`${HEADER}\n${'-'.repeat(HEADER.length)}`);
  for (const row of rows) {
    stage ??= await Stage.open(log);
    const result = await run(row, stage);
    print(result, stage);
    results.push(result);
    if (!result.ok) {
      // What a failed row left behind must not fail the next one.
      await stage.close();
      stage = undefined;
    }
  }
  await stage?.close();
  const passed = results.filter(({ ok }) => ok).length;
  console.log(`\n${rows.length} rows in ${duration(performance.now() - started)}`);
  console.log(
    'api: through the API server (dry-run creates); straight: AdmissionReviews to the balancer, as the API server sends\n' +
      "them, checked against the configuration's CA bundle. refused: by the API server itself. lost: in the hands of a\n" +
      'process that was killed. excused: while the row had taken the configuration or the policy away. lag: the\n' +
      'longest time for which this program itself got no processor.',
  );
  for (const { row, checks, counts, error, ok } of results) {
    if (ok) continue;
    const why = checks.outcomes.filter((outcome) => !outcome.ok).map(({ what, detail }) => `${what}: ${detail}`);
    if (error !== undefined) why.push(`not run to its end: ${error}`);
    const { sent = 0, wrong = 0, failed = 0, refused = 0 } = counts ?? {};
    console.log(
      `failed: ${row.name}: ${[`${sent} sent, ${wrong} wrong, ${failed} failed, ${refused} refused`, ...why].join('; ')}`,
    );
  }
  console.log(`tests: ${passed} passed, ${results.length - passed} failed`);
  return passed === results.length ? 0 : 1;
}

async function run(row: Row, stage: Stage): Promise<Result> {
  const checks = new Checks();
  const started = performance.now();
  let counts: Counts | undefined;
  let error: string | undefined;
  let load: Load | undefined;
  try {
    await stage.baseline();
    await row.prepare?.(stage, checks);
    load = new Load(stage, row.mix);
    await row.run(stage, load, checks);
    counts = await load.stop();
    await row.after?.(stage, checks);
  } catch (failure) {
    error = failure instanceof Error ? (failure.message.split('\n')[0] ?? '') : String(failure);
    counts ??= await load?.abort();
  }
  const ok =
    error === undefined &&
    counts !== undefined &&
    counts.wrong === 0 &&
    counts.failed === 0 &&
    (counts.refused === 0 || row.refuses === true) &&
    counts.sent >= LEAST_SENT &&
    checks.outcomes.every((outcome) => outcome.ok);
  return { row, checks, counts, seconds: (performance.now() - started) / 1000, error, ok };
}

function print({ row, checks, counts, seconds, error, ok }: Result, stage: Stage): void {
  const {
    sent = 0,
    rate = 0,
    api = 0,
    straight = 0,
    p99 = NaN,
    lag = NaN,
    wrong = 0,
    failed = 0,
    refused = 0,
  } = counts ?? {};
  const { lost = 0, excused = 0 } = counts ?? {};
  const numbers = [sent, rate, api, straight, p99, lag, wrong, failed, refused, lost, excused, seconds];
  const cells = numbers.map((number) => number.toFixed(0).padStart(8));
  console.log([row.name.padEnd(38), ...cells, (ok ? 'green' : 'RED').padStart(8)].join(' '));
  for (const outcome of checks.outcomes) {
    console.log(`    ${outcome.ok ? 'ok ' : 'NOT'} ${outcome.what}${outcome.detail && `: ${outcome.detail}`}`);
  }
  for (const text of counts?.said ?? []) console.log(`    said ${text}`);
  if (error !== undefined) console.log(`    NOT run to its end: ${error}`);
  if (counts !== undefined && counts.sent < LEAST_SENT) console.log(`    NOT ${LEAST_SENT} requests`);
  if (ok) return;
  for (const replica of stage.replicas) console.log(`    the log of ${replica.name} ends with:\n${replica.log}`);
}
