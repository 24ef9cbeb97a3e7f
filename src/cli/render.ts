/** How `check` shows what it found: a table for people, JSON for programs. */
import { displayPath } from '../engine/workload.ts';
import { formatPath } from '../engine/path.ts';
import { placeOf, summaryOf, type CheckReport } from './check.ts';

const STATE = { True: 'READY', False: 'NOT READY', Unknown: 'UNKNOWN' } as const;
const COLOURS = { READY: 32, 'NOT READY': 31, UNKNOWN: 33, Critical: 31, Important: 33, NiceToHave: 36 } as const;

/** The report as lines for people. */
export function renderTable(report: CheckReport, colour: boolean): string {
  const paint = (text: string, as: keyof typeof COLOURS): string =>
    colour ? `\u001b[${COLOURS[as]}m${text}\u001b[0m` : text;
  const lines: string[] = [];
  for (const checked of report.workloads) {
    const { workload, ready, score, findings, unknown } = checked;
    const { file, line } = placeOf(checked, []);
    const state = STATE[ready];
    lines.push(
      `${workload.kind.kind} ${workload.namespace}/${workload.name}  ${paint(state, state)}  score ${score}  ${file}:${line}`,
    );
    const width = Math.max(0, ...[...findings, ...unknown].map(({ check }) => check.length));
    for (const { check, priority, path, message, remediation } of findings) {
      const at = placeOf(checked, path);
      lines.push(
        `  ${paint(priority.padEnd(10), priority)}  ${check.padEnd(width)}  ${at.file}:${at.line}:${at.column}`,
        `  ${' '.repeat(10)}  ${' '.repeat(width)}  ${displayPath(path, workload)}: ${message}; ${remediation}`,
      );
    }
    for (const { check, cause } of unknown)
      lines.push(`  ${paint('unknown   ', 'UNKNOWN')}  ${check.padEnd(width)}  could not find out ${cause}`);
    lines.push('');
  }
  for (const { file, kind, name, reason } of report.skipped)
    lines.push(`skipped ${file}${kind === '' ? '' : ` ${kind} ${name}`}: ${reason}`);
  const { workloads, ready, notReady, unknown, critical, important, niceToHave } = summaryOf(report);
  lines.push(
    `${workloads} workloads: ${ready} ready, ${notReady} not ready, ${unknown} unknown; findings: ${critical} critical, ${important} important, ${niceToHave} nice to have`,
  );
  return `${lines.join('\n')}\n`;
}

/** The report as JSON, version 1. */
export function renderJson(report: CheckReport): string {
  const workloads = report.workloads.map((checked) => {
    const { workload, ready, score, findings, unknown } = checked;
    const { file, line } = placeOf(checked, []);
    return {
      kind: workload.kind.kind,
      namespace: workload.namespace,
      name: workload.name,
      file,
      line,
      ready,
      score,
      findings: findings.map(({ check, priority, action, path, container, message, remediation, policy }) => {
        const at = placeOf(checked, path);
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
          policy,
          exception: null,
        };
      }),
      unknown: unknown.map(({ check, cause }) => ({ check, cause })),
    };
  });
  return `${JSON.stringify({ version: 1, workloads, summary: summaryOf(report), skipped: report.skipped }, undefined, 2)}\n`;
}
