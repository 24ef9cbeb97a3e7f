/** The table of the alerts in docs/operations/alerts.md, made of the rules that the chart installs. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = 'docs/operations';
/** What the chart's templates become in a release of the usual name. */
const USUAL = /\{\{.*?\}\}/g;

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string; readonly runbook: string };
}

/** A row an alert. @throws Error if an alert lacks a part, or its page is not there */
export function alertTable(): string {
  const text = readFileSync(join(ROOT, 'charts/readiness-operator/files/alerts.yaml'), 'utf8');
  const alerts = parse(text.replaceAll(USUAL, 'readiness-operator')) as Alert[];
  return ['| alert | fires when | expression | what to do |', '| --- | --- | --- | --- |', ...alerts.map(row)].join(
    '\n',
  );
}

function row({ alert, expr, labels, annotations, ...rest }: Alert): string {
  const { summary, action, runbook } = annotations;
  if (!summary || !action || !runbook) throw new Error(`${alert}: needs a summary, an action and a runbook`);
  if (!existsSync(join(ROOT, runbook))) throw new Error(`${alert}: there is no ${runbook}`);
  const lasting = rest.for === undefined ? '' : `, for ${rest.for}`;
  const page = relative(PAGES, runbook);
  const cells = [`${alert} (${labels.severity})`, summary, `\`${expr}\`${lasting}`, `${action} [More](${page})`];
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}
