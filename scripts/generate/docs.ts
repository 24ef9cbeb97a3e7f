/** The documentation of the checks, made of their metadata and their fixtures. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOG } from '../../src/checklist/catalog.ts';
import { parseManifests } from '../../src/cli/documents.ts';
import { factsOf, parametersOf, prioritiesOf } from '../../src/cli/explain.ts';
import { PROFILE_CHOICES } from '../../src/cli/policies.ts';
import { GROUPS, type Check } from '../../src/engine/check.ts';
import { workloadKindOf } from '../../src/engine/kinds.ts';
import { NOTICE } from './notice.ts';

const HEAD = `<!-- ${NOTICE} -->`;
const FIXTURES = join(import.meta.dirname, '../../test/checks');
/** A fixture of more lines is shown by its first workload alone. */
const LONGEST_EXAMPLE = 40;

/** The page of one check. */
export function checkPage(check: Check): string {
  const facts = new Map(factsOf(check));
  const items = check.items.map((id) => {
    const item = CATALOG.find((candidate) => candidate.id === id);
    if (item === undefined) throw new Error(`${check.name}: the catalog has no item ${id}`);
    return `| \`${id}\` | ${item.title} | ${item.priority} |`;
  });
  const parameters = parametersOf(check).map(
    ({ name, type, text }) => `| \`${name}\` | ${cell(type)} | ${cell(text)} |`,
  );
  return [
    HEAD,
    '',
    `# ${check.name}: ${lowerFirst(check.title)}`,
    '',
    check.metWhen,
    '',
    `**Why:** ${check.rationale}`,
    '',
    `**How to meet it:** ${check.remediation}.`,
    '',
    '| | |',
    '| --- | --- |',
    ...['Priority', 'Judges', 'Scope', 'Source'].map((title) => `| ${title} | ${cell(facts.get(title) ?? '')} |`),
    '',
    '## Parameters',
    '',
    `In a ReadinessPolicy under \`spec.checks.${check.name}\`:`,
    '',
    '| parameter | type | meaning |',
    '| --- | --- | --- |',
    ...parameters,
    '',
    '## Examples',
    '',
    'Met:',
    '',
    ...fenced(exampleOf(check.name, 'met')),
    '',
    'Unmet; a comment says what is reported at its line:',
    '',
    ...fenced(exampleOf(check.name, 'unmet')),
    '',
    `More of both: [test/checks/${check.name}](../../test/checks/${check.name}).`,
    '',
    '## Items of the production readiness checklist',
    '',
    '| item | title | priority |',
    '| --- | --- | --- |',
    ...items,
    '',
    `The same in a terminal: \`kubectl readiness explain ${check.name}\`.`,
    '',
  ].join('\n');
}

/** The table of contents of docs/checks/. */
export function checkIndex(checks: readonly Check[]): string {
  return [
    HEAD,
    '',
    '# The checks',
    '',
    `${checks.length} checks, their priority in each profile, and when each is met. \`-\`: the profile leaves it out; a policy can switch it on.`,
    '',
    ...groupsOf(checks).flatMap(({ group, members }) => [`## ${group}`, '', ...tableOf(members, ''), '']),
  ].join('\n');
}

/** The table of all checks for the README. */
export function checkTable(checks: readonly Check[]): string {
  return tableOf(
    groupsOf(checks).flatMap(({ members }) => members),
    'docs/checks/',
  ).join('\n');
}

function groupsOf(checks: readonly Check[]) {
  return GROUPS.map((group) => ({ group, members: checks.filter((check) => check.group === group) })).filter(
    ({ members }) => members.length > 0,
  );
}

function tableOf(checks: readonly Check[], folder: string): string[] {
  return [
    `| check | ${PROFILE_CHOICES.join(' | ')} | met when |`,
    `| --- | ${PROFILE_CHOICES.map(() => '---').join(' | ')} | --- |`,
    ...checks.map(
      (check) =>
        `| [${check.name}](${folder}${check.name}.md) | ${prioritiesOf(check).join(' | ')} | ${cell(check.metWhen)} |`,
    ),
  ];
}

/**
 * The example of a check: its fixture `<word>-example.yaml` if there is one, else the shortest with the check's default
 * parameters in which everything is known.
 */
function exampleOf(check: string, word: 'met' | 'unmet'): string {
  const folder = join(FIXTURES, check);
  const candidates = readdirSync(folder)
    .filter((file) => new RegExp(`^${word}(?:-.*)?\\.yaml$`).test(file))
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
  const chosen = candidates.find(({ file }) => file === `${word}-example.yaml`);
  if (chosen !== undefined) return chosen.text;
  const plain = candidates.filter(({ text }) => !/^kind: ReadinessPolicy$|# unanswered /m.test(text));
  // Where a check needs a parameter, the policy is part of the example.
  const texts =
    plain.length > 0 ? plain.map(({ file, text }) => shortened(file, text)) : candidates.map(({ text }) => text);
  const shortest = texts.toSorted((a, b) => lengthOf(a) - lengthOf(b))[0];
  if (shortest === undefined) throw new Error(`${check} has no fixture ${word}*.yaml`);
  return shortest;
}

function shortened(file: string, text: string): string {
  if (lengthOf(text) <= LONGEST_EXAMPLE) return text;
  const first = parseManifests(text, file).find(
    ({ object }) => workloadKindOf(String(object['apiVersion']), String(object['kind'])) !== undefined,
  );
  if (first === undefined) return text;
  const lines = text.split('\n').slice(first.firstLine - 1, first.lastLine);
  return lines.filter((line) => line !== '---').join('\n');
}

function lengthOf(text: string): number {
  return text.trim().split('\n').length;
}

function fenced(yaml: string): string[] {
  return ['```yaml', yaml.trim(), '```'];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<');
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
