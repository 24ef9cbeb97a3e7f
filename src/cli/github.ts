/**
 * The report as workflow commands of GitHub Actions, which annotate the lines of a pull request
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). GitHub shows ten errors and ten
 * warnings a step; the log has all of them.
 */
import { printable } from '../engine/printable.ts';
import { displayPath } from '../engine/workload.ts';
import type { Action } from '../policy/schema.ts';
import type { CheckedWorkload, CheckReport } from './check.ts';
import { summaryLines } from './render.ts';

const COMMANDS: Record<Action, string> = { Deny: 'error', Warn: 'warning', Audit: 'notice' };

/** The report as workflow commands, worst first, and its summary as plain lines. What an exception lets pass is left out. */
export function renderGithub(report: CheckReport): string {
  const lines = report.workloads.flatMap(linesOf).toSorted((a, b) => a.order - b.order);
  return `${[...lines.map(({ text }) => text), ...summaryLines(report).map(printable)].join('\n')}\n`;
}

const ORDER = ['error', 'warning', 'notice'];

function linesOf({ workload, file, at, findings, unknown }: CheckedWorkload) {
  const subject = `${workload.kind.kind} ${workload.namespace}/${workload.name}`;
  const line = (command: string, check: string, { line, column }: typeof at, message: string) => {
    const properties = { file, line, col: column, title: `${check}: ${subject}` };
    const written = Object.entries(properties).map(([name, value]) => `${name}=${property(String(value))}`);
    return { order: ORDER.indexOf(command), text: `::${command} ${written.join(',')}::${data(message)}` };
  };
  return [
    ...findings
      .filter(({ exception }) => exception === undefined)
      .map(({ check, action, fails, path, at: place, message, remediation }) =>
        line(
          fails ? 'error' : COMMANDS[action],
          check,
          place,
          `${displayPath(path, workload)}: ${message}; ${remediation}`,
        ),
      ),
    ...unknown.map(({ check, fails, cause }) =>
      line(fails ? 'error' : 'notice', check, at, `could not find out: ${cause}`),
    ),
  ];
}

function data(text: string): string {
  return printable(text).replaceAll('%', '%25');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
