/** How `check` shows what it found: a table for people, JSON for programs. */
import type { ActivePriority } from '../engine/check.ts';
import { formatPath } from '../engine/path.ts';
import { printable } from '../engine/printable.ts';
import { displayPath } from '../engine/workload.ts';
import { explainedBy } from '../policy/documentation.ts';
import type { Ready } from '../policy/judge.ts';
import type { Action } from '../policy/schema.ts';
import {
  summaryOf,
  type CheckedFinding,
  type CheckedUnknown,
  type CheckedWorkload,
  type CheckReport,
} from './check.ts';
import { layOut, paint, type Colour, type Look, type Row } from './layout.ts';
import type { Skipped } from './objects.ts';

const STATES: Record<Ready, { readonly word: string; readonly colour: Colour }> = {
  True: { word: 'READY', colour: 'green' },
  False: { word: 'NOT READY', colour: 'red' },
  Unknown: { word: 'UNKNOWN', colour: 'yellow' },
};
const ACTION_COLOURS: Record<Action, Colour> = { Deny: 'red', Warn: 'yellow', Audit: 'cyan' };
/** What a policy says that says nothing else. */
const USUAL_ACTION: Record<ActivePriority, Action> = { Critical: 'Deny', Important: 'Warn', NiceToHave: 'Audit' };

/** The report for people: one block a workload, one line a finding, then a summary. */
export function renderTable(report: CheckReport, look: Look): string {
  const blocks = report.workloads.map((checked) => [
    headOf(checked, look),
    ...layOut(rowsOf(checked, report.policies.length > 1), look),
  ]);
  if (report.skipped.length > 0) {
    blocks.push([paint('Skipped', 'bold', look), ...layOut(report.skipped.map(skippedRow), look)]);
  }
  // What is ready has no lines below it and needs no room.
  const text = blocks.map((block, index) => {
    const next = blocks[index + 1];
    return `${block.join('\n')}\n${block.length > 1 || next === undefined || next.length > 1 ? '\n' : ''}`;
  });
  return `${text.join('')}${summaryLines(report).join('\n')}\n`;
}

function headOf({ file, at, workload, ready, score }: CheckedWorkload, look: Look): string {
  const { word, colour } = STATES[ready];
  const name = printable(`${workload.kind.kind} ${workload.namespace}/${workload.name}`);
  return `${printable(file)}:${at.line}  ${paint(name, 'bold', look)}  ${paint(word, colour, look)}  score ${score}`;
}

function rowsOf(checked: CheckedWorkload, severalPolicies: boolean): Row[] {
  const { file, at, workload, findings, unknown } = checked;
  const pod = `${formatPath(workload.podPath)}.`;
  const tail = (because: string | undefined, policies: readonly string[]): string =>
    `${because === undefined ? '' : ` (${because})`}${severalPolicies ? ` [${policies.join(', ')}]` : ''}`;
  const row = (label: string, action: Action, check: string, { line, column }: typeof at, text: string): Row => ({
    cells: [
      { text: label, colour: ACTION_COLOURS[action] },
      { text: check },
      { text: `${file}:${line}:${column}`, colour: 'dim' },
    ],
    text,
  });
  return [
    ...findings.map((finding) => {
      const { check, priority, action, because, path, at: place, message, remediation, policies, exception } = finding;
      const where = displayPath(path, workload);
      // The line is named, so what is the same for all of them can be left out.
      const short = where.startsWith(pod) ? where.slice(pod.length) : where;
      const text = `${short}: ${message}; ${remediation}${tail(because, policies)}`;
      const label = exception === undefined ? labelOf(priority, action) : 'Excepted';
      return row(label, action, check, place, exception === undefined ? text : `${text} (exception ${exception})`);
    }),
    ...unknown.map(({ check, status, action, cause, policies }) => {
      const text = `${status === 'Error' ? '' : 'could not find out: '}${cause}${tail(undefined, policies)}`;
      return row(action === 'Deny' ? `${status} (Deny)` : status, action, check, at, text);
    }),
  ];
}

/** The priority, and what it does if that is not what one expects of it. */
function labelOf(priority: ActivePriority, action: Action): string {
  return action === USUAL_ACTION[priority] ? priority : `${priority} (${action})`;
}

function skippedRow({ file, kind, name, reason }: Skipped): Row {
  return { cells: [{ text: file }, { text: kind === null ? '' : `${kind} ${name ?? ''}`.trim() }], text: reason };
}

/** How many workloads and findings, and where to read on. */
export function summaryLines(report: CheckReport): string[] {
  const { workloads, ready, notReady, unknown, critical, important, niceToHave } = summaryOf(report);
  const denied = report.workloads.filter((checked) => checked.denied).length;
  const states = listOf([
    [ready, 'ready'],
    [notReady, 'not ready'],
    [unknown, 'unknown'],
  ]);
  const findings = listOf([
    [critical, 'critical'],
    [important, 'important'],
    [niceToHave, 'nice to have'],
  ]);
  const all = report.workloads.flatMap((checked) => checked.findings);
  const excepted = all.filter(({ exception }) => exception !== undefined).length;
  const first = report.workloads
    .flatMap((checked) => [...checked.findings, ...checked.unknown])
    .find((one) => !('exception' in one) || one.exception === undefined)?.check;
  const lines = [
    `${count(workloads, 'workload')} checked with ${report.policies.join(', ')}${states === '' ? '' : `: ${states}`}`,
    `${count(critical + important + niceToHave, 'finding')}${findings === '' ? '' : `: ${findings}`}${excepted === 0 ? '' : `; ${excepted} excepted`}${denied === 0 ? '' : `; ${count(denied, 'workload')} would be denied`}`,
  ];
  return first === undefined ? lines : [...lines, `Explained: ${explainedBy(first)}`];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function listOf(counts: readonly (readonly [number, string])[]): string {
  return counts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`])).join(', ');
}

/** The report for programs, version 1. What is not there is null. */
export function documentOf(report: CheckReport) {
  const { workloads, skipped } = report;
  return {
    version: 1,
    workloads: workloads.map(workloadJson),
    summary: summaryOf(report),
    skipped: skipped.map(({ file, kind, name, reason }) => ({ file, kind, name, reason })),
  };
}

function workloadJson({ workload, file, at, ready, score, findings, unknown }: CheckedWorkload) {
  return {
    kind: workload.kind.kind,
    namespace: workload.namespace,
    name: workload.name,
    file,
    line: at.line,
    ready,
    score,
    findings: findings.map(findingJson),
    unknown: unknown.map(({ check, cause }: CheckedUnknown) => ({ check, cause })),
  };
}

/** Policies are joined by commas, which their names can't contain. */
function findingJson({ at, container, path, policies, exception, ...finding }: CheckedFinding) {
  const { check, priority, action, message, remediation } = finding;
  return {
    check,
    priority,
    action,
    path: formatPath(path),
    container: container ?? null,
    message,
    remediation,
    line: at.line,
    column: at.column,
    policy: policies.join(','),
    exception: exception ?? null,
  };
}
