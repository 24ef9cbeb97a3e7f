/**
 * The report as JUnit XML, which CI systems show as tests: a suite a workload, a test case a check. The form is the one
 * that they have in common; there is no standard.
 */
import { printable } from '../engine/printable.ts';
import { displayPath } from '../engine/workload.ts';
import type { CheckedFinding, CheckedUnknown, CheckedWorkload, CheckReport } from './check.ts';

/** The report as JUnit XML. What does not let `check` fail passes, and is told as the case's output. */
export function renderJunit(report: CheckReport): string {
  const suites = report.workloads.map(suiteOf);
  const total = (field: 'tests' | 'failures' | 'skipped'): number =>
    suites.reduce((sum, suite) => sum + suite[field], 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'readiness-operator', tests: total('tests'), failures: total('failures'), errors: 0, skipped: total('skipped') })}>`,
    ...suites.flatMap(({ lines }) => lines),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteOf(checked: CheckedWorkload) {
  const { workload, file, checks } = checked;
  const name = `${workload.kind.kind} ${workload.namespace}/${workload.name}`;
  const cases = checks.map((check) => caseOf(checked, name, check));
  const failures = cases.filter(({ state }) => state === 'failed').length;
  const skipped = cases.filter(({ state }) => state === 'skipped').length;
  const own = { name, tests: cases.length, failures, errors: 0, skipped, file };
  return {
    tests: cases.length,
    failures,
    skipped,
    lines: [`  <testsuite${attributes(own)}>`, ...cases.flatMap(({ lines }) => lines), '  </testsuite>'],
  };
}

function caseOf(checked: CheckedWorkload, suite: string, check: string) {
  const findings = checked.findings.filter((finding) => finding.check === check);
  const unknown = checked.unknown.filter((one) => one.check === check);
  const failing = [...findings, ...unknown].filter((one) => one.fails);
  const passing = [...findings, ...unknown].filter((one) => !one.fails);
  const line = findings[0]?.at.line ?? checked.at.line;
  const lines = (all: readonly (CheckedFinding | CheckedUnknown)[]): string =>
    all.map((one) => lineOf(checked, one)).join('\n');
  const [first] = failing;
  const state = first !== undefined ? 'failed' : findings.length === 0 && unknown.length > 0 ? 'skipped' : 'passed';
  const body: string[] = [];
  if (first !== undefined) {
    const more = failing.length > 1 ? `, and ${failing.length - 1} more` : '';
    const message = `${'message' in first ? first.message : first.cause}${more}`;
    body.push(`      <failure${attributes({ message, type: first.priority })}>${escape(lines(failing))}</failure>`);
  }
  if (state === 'skipped') {
    body.push(`      <skipped${attributes({ message: `could not find out: ${unknown[0]?.cause}` })}/>`);
  } else if (passing.length > 0) {
    body.push(`      <system-out>${escape(lines(passing))}</system-out>`);
  }
  const head = `    <testcase${attributes({ name: check, classname: suite, file: checked.file, line, time: 0 })}`;
  return { state, lines: body.length === 0 ? [`${head}/>`] : [`${head}>`, ...body, '    </testcase>'] };
}

function lineOf({ file, at, workload }: CheckedWorkload, one: CheckedFinding | CheckedUnknown): string {
  const place = 'at' in one ? one.at : at;
  const text =
    'message' in one
      ? `${displayPath(one.path, workload)}: ${one.message}; ${one.remediation}`
      : `could not find out: ${one.cause}`;
  const exception = 'message' in one ? one.exception : undefined;
  const excepted = exception === undefined ? '' : ` (exception ${exception})`;
  return printable(`${file}:${place.line}:${place.column}: ${one.priority}: ${text}${excepted}`);
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escape(printable(String(value)))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Characters that XML 1.0 does not allow at all are replaced: lone surrogates, U+FFFE, U+FFFF. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\ufffe\uffff]/g, '\ufffd')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
