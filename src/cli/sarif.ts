/**
 * The report as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html), which code scanning
 * services and editors read.
 */
import { createHash } from 'node:crypto';
import { CHECKS } from '../checks/index.ts';
import type { ActivePriority, Check } from '../engine/check.ts';
import { formatPath } from '../engine/path.ts';
import { printable } from '../engine/printable.ts';
import { displayPath } from '../engine/workload.ts';
import { documentationOf, explainedBy } from '../policy/documentation.ts';
import type { Action } from '../policy/schema.ts';
import { VERSION } from '../version.ts';
import type { CheckedFinding, CheckedUnknown, CheckedWorkload, CheckReport } from './check.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** GitHub refuses a file with more (docs.github.com, SARIF results exceed one or more limits). */
const MOST_RESULTS = 25_000;
const LEVELS: Record<Action, string> = { Deny: 'error', Warn: 'warning', Audit: 'note' };
const DEFAULT_LEVELS: Record<ActivePriority, string> = { Critical: 'error', Important: 'warning', NiceToHave: 'note' };

/** The report as SARIF: one run, a rule for each check that found something, a result a finding. */
export function renderSarif(report: CheckReport): string {
  const named = new Set(
    report.workloads.flatMap(({ findings, unknown }) => [...findings, ...unknown]).map((one) => one.check),
  );
  const rules = CHECKS.filter(({ name }) => named.has(name));
  const indexOf = new Map(rules.map(({ name }, index) => [name, index]));
  const { kept, left } = withinLimit(
    report.workloads.flatMap((checked) => [
      ...checked.findings.map((finding) => ({
        ...resultOf(checked, finding, indexOf),
        ...suppressionOf(finding),
      })),
      ...checked.unknown.map((unknown) => unknownResult(checked, unknown, indexOf)),
    ]),
  );
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'readiness-operator', semanticVersion: VERSION, version: VERSION, rules: rules.map(ruleOf) },
        },
        columnKind: 'utf16CodeUnits',
        ...(left === 0 ? {} : { invocations: [invocationLeaving(left)] }),
        results: kept,
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

interface Ranked {
  readonly properties: { readonly priority: ActivePriority };
}

/** As many results as GitHub takes, in their order; of the least priority those that come last are left out first. */
function withinLimit<T extends Ranked>(results: readonly T[]): { readonly kept: readonly T[]; readonly left: number } {
  const left = Math.max(0, results.length - MOST_RESULTS);
  const dropped = new Set<T>();
  for (const priority of ['NiceToHave', 'Important', 'Critical'] as const) {
    for (const result of results.toReversed()) {
      if (dropped.size === left) break;
      if (result.properties.priority === priority) dropped.add(result);
    }
  }
  return { kept: results.filter((result) => !dropped.has(result)), left };
}

function invocationLeaving(left: number) {
  const text = `${left} results are left out, those of the least priority first: GitHub refuses more than ${MOST_RESULTS}`;
  return { executionSuccessful: true, toolExecutionNotifications: [{ level: 'warning', message: { text } }] };
}

function ruleOf(check: Check) {
  const page = documentationOf(check.name);
  const priority = check.priorities['production-v1'];
  const help = `${check.rationale} To meet it: ${check.remediation}. More: ${explainedBy(check.name)}`;
  return {
    id: check.name,
    name: check.name.charAt(0).toUpperCase() + check.name.slice(1),
    shortDescription: { text: check.title },
    fullDescription: { text: check.metWhen },
    ...(page === undefined ? {} : { helpUri: page }),
    help: { text: help },
    defaultConfiguration: { level: priority === 'Disabled' ? 'none' : DEFAULT_LEVELS[priority] },
    properties: { tags: [check.group], scope: check.scope },
  };
}

function resultOf(
  { workload, file }: CheckedWorkload,
  { check, priority, action, path, at, message, remediation, policies }: CheckedFinding,
  indexOf: ReadonlyMap<string, number>,
) {
  const where = displayPath(path, workload);
  const subject = nameOf(workload);
  return {
    ruleId: check,
    ruleIndex: indexOf.get(check),
    level: LEVELS[action],
    message: { text: printable(`${subject}: ${where}: ${message}; ${remediation}`) },
    locations: [locationOf(file, at, `${subject}/${formatPath(path)}`)],
    // Independent of the line, so that a finding stays the same one when lines are added above it.
    partialFingerprints: { 'finding/v1': fingerprint([subject, check, where, message]) },
    properties: { priority, policies },
  };
}

/** What could not be found out is no result of the usual kind; where it fails, it has to look like one. */
function unknownResult(
  { workload, file, at }: CheckedWorkload,
  { check, priority, cause, fails, policies }: CheckedUnknown,
  indexOf: ReadonlyMap<string, number>,
) {
  const subject = nameOf(workload);
  return {
    ruleId: check,
    ruleIndex: indexOf.get(check),
    ...(fails ? { kind: 'fail', level: 'error' } : { kind: 'open', level: 'none' }),
    message: { text: printable(`${subject}: could not find out: ${cause}`) },
    locations: [locationOf(file, at, subject)],
    partialFingerprints: { 'finding/v1': fingerprint([subject, check, cause]) },
    properties: { priority, policies },
  };
}

/** What an exception lets pass is shown as suppressed, not left out. */
function suppressionOf({ exception }: CheckedFinding) {
  if (exception === undefined) return {};
  return { suppressions: [{ kind: 'external', status: 'accepted', justification: `ReadinessException ${exception}` }] };
}

function nameOf({ kind, namespace, name }: CheckedWorkload['workload']): string {
  return `${kind.kind} ${namespace}/${name}`;
}

function locationOf(file: string, { line, column }: CheckedFinding['at'], fullyQualifiedName: string) {
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(file) },
      region: { startLine: line, startColumn: column },
    },
    logicalLocations: [{ fullyQualifiedName: printable(fullyQualifiedName), kind: 'object' }],
  };
}

/** A file's name as a URI reference: relative as the user named it, so that a service finds it in the repository. */
function uriOf(file: string): string {
  const path = file.replaceAll('\\', '/').split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}

function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
