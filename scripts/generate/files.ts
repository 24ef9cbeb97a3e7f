/** Every file that is made from another source, as it is to be. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { stringify } from 'yaml';
import { CHECKS } from '../../src/checks/index.ts';
import { GROUP } from '../../src/policy/schema.ts';
import { alertTable } from './alerts.ts';
import { CHART, renderChart } from './chart.ts';
import { VALUES, valuesTable, valuesYaml } from './chart-values.ts';
import { checkIndexSource, checkNames } from './check-index.ts';
import { metadataProblems } from './check-metadata.ts';
import { exceptionCrd, policyCrd, reportCrd } from './crds.ts';
import { checkIndex, checkPage, checkTable } from './docs.ts';
import { installManifest } from './install.ts';
import { NOTICE } from './notice.ts';
import { clusterRules, secretRules } from './rbac.ts';

const ROOT = join(import.meta.dirname, '../..');
const INSTALL = 'manifests/install.yaml';
const CRDS = {
  readinesspolicies: policyCrd(CHECKS),
  readinessexceptions: exceptionCrd(),
  readinessreports: reportCrd(),
};

/**
 * The texts of all generated files, formatted, by path relative to the root of the repository.
 *
 * @param options.chart have Helm render the chart's templates anew, instead of keeping what it rendered last
 * @throws Error if a source is not complete; the message has all that is wrong with the checks, else the first thing
 */
export async function generatedFiles({ chart }: { chart: boolean }): Promise<Map<string, string>> {
  refuseIncompleteChecks();
  const texts = new Map([...sources(), ...pages()]);
  // Formatted when all are there: a mistake is told before the seconds that it takes.
  const files = new Map<string, string>();
  for (const [file, text] of texts) files.set(file, await formatted(file, text));
  return files.set(INSTALL, await installFile(chart ? await renderChart(files) : onDisk(INSTALL)));
}

/** What programs read, by file. */
function sources(): Map<string, string> {
  return new Map([
    ['src/checks/index.ts', checkIndexSource(checkNames())],
    ...['crds', `${CHART}/files/crds`].flatMap((folder) =>
      Object.entries(CRDS).map(([plural, crd]) => [`${folder}/${plural}.yaml`, noticedYaml(crd)] as const),
    ),
    [`${CHART}/files/rules.yaml`, noticedYaml(clusterRules())],
    [`${CHART}/files/secret-rules.yaml`, noticedYaml(secretRules())],
    [`${CHART}/values.yaml`, `# ${NOTICE}\n${valuesYaml(plainYaml)}`],
    [
      `${CHART}/values.schema.json`,
      JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', $comment: NOTICE, ...VALUES }),
    ],
  ]);
}

/** What people read, by file. */
function pages(): Map<string, string> {
  const inPage = (file: string, name: string, text: string) => [file, between(file, name, text)] as const;
  return new Map([
    ...CHECKS.map((check) => [`docs/checks/${check.name}.md`, checkPage(check)] as const),
    ['docs/checks/README.md', checkIndex(CHECKS)],
    inPage('README.md', 'checks', checkTable(CHECKS)),
    inPage(`${CHART}/README.md`, 'values', valuesTable()),
    inPage('docs/operations/alerts.md', 'alerts', alertTable()),
  ]);
}

/**
 * manifests/install.yaml with all that is generated in it.
 *
 * @param rendered what Helm rendered, or the file as it was
 */
export function installFile(rendered: string): Promise<string> {
  const generated = new Map<string, object>([
    ...Object.entries(CRDS).map(
      ([plural, { spec }]) => [`CustomResourceDefinition ${plural}.${GROUP}`, { spec }] as const,
    ),
    // With the chart's default of rbac.secrets.
    ['ClusterRole readiness-operator', { rules: [...clusterRules(), ...secretRules().Watch] }],
  ]);
  return formatted(INSTALL, installManifest(rendered, generated, plainYaml));
}

/** @throws Error with all that is wrong with what checks say of themselves, a line each */
function refuseIncompleteChecks(): void {
  const problems = checkNames().flatMap((file, index) => {
    const check = CHECKS[index];
    if (check?.name !== file) return [`src/checks/${file}.ts: its name is ${check?.name}, not that of the file`];
    return metadataProblems(check).map((problem) => `src/checks/${file}.ts: ${problem}`);
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** YAML in one way, whatever the width of texts. */
function plainYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

function noticedYaml(value: unknown): string {
  return `# ${NOTICE}\n${plainYaml(value)}`;
}

/** A page that is written by hand, with a text between `<!-- name -->` and `<!-- /name -->`. @throws Error without those */
function between(file: string, name: string, text: string): string {
  const page = onDisk(file);
  const marked = new RegExp(`(<!-- ${name} -->)[^]*(<!-- /${name} -->)`);
  if (!marked.test(page)) throw new Error(`${file}: no <!-- ${name} --> ... <!-- /${name} --> in it`);
  return page.replace(marked, (_, start: string, end: string) => `${start}\n\n${text}\n\n${end}`);
}

function onDisk(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

async function formatted(file: string, text: string): Promise<string> {
  const path = join(ROOT, file);
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}
