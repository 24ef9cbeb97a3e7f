/** `explain`: what the checks' metadata says, for people. */
import type { TSchema } from 'typebox';
import { CHECKS } from '../checks/index.ts';
import { GROUPS, type Applicability, type Check, type Scope } from '../engine/check.ts';
import { DURATION_PATTERN } from '../engine/duration.ts';
import { nearestName } from '../engine/names.ts';
import { documentationOf } from '../policy/documentation.ts';
import { profilePriority } from '../policy/compile.ts';
import { checkSchema } from '../policy/schema.ts';
import { layOut, layOutEach, paint, type Look, type Row } from './layout.ts';
import { PROFILE_CHOICES } from './policies.ts';

const SCOPES: Record<Scope, string> = {
  workload: 'workload: the cause is in the object itself, so a finding always acts as its priority says',
  reference:
    'reference: the cause is in objects that the workload names; in a server-side dry-run a finding only warns',
  companion:
    'companion: the cause is in objects that name the workload; until companionGrace is over a finding only warns',
};

const APPLICABILITY: Record<Applicability | 'All', string> = {
  All: 'all workloads',
  LongRunning: 'workloads whose pods serve until they are stopped: no Jobs, no CronJobs',
  Replicated: 'workloads with a replica count that no other object controls',
};

/** All checks by group: name, priority in each profile, scope, and when it is met. */
export function explainAll(look: Look): string {
  const groups = GROUPS.map((group) => ({ group, checks: CHECKS.filter((check) => check.group === group) }));
  const header: Row = { cells: cellsOf('CHECK', ...PROFILE_CHOICES.map(upper), 'SCOPE'), text: 'MET WHEN' };
  const rows = groups.flatMap(({ checks }) =>
    checks.map((check) => ({ cells: cellsOf(check.name, ...prioritiesOf(check), check.scope), text: check.metWhen })),
  );
  const [head = [], ...lines] = layOutEach([header, ...rows], look);
  const blocks = groups.flatMap(({ group, checks }) =>
    checks.length === 0 ? [] : ['', paint(group, 'bold', look), ...lines.splice(0, checks.length).flat()],
  );
  return [...head, ...blocks, '', 'One of them in full: readiness-operator explain CHECK', ''].join('\n');
}

/**
 * One check in full: what it wants, why, how to meet it, and how a policy sets it.
 *
 * @returns undefined if no check has that name
 */
export function explainCheck(name: string, look: Look): string | undefined {
  const check = CHECKS.find((candidate) => candidate.name === name);
  if (check === undefined) return undefined;
  return [
    `${paint(check.name, 'bold', look)}  ${check.title}`,
    '',
    ...layOut(
      factsOf(check).map(([title, text]) => ({ cells: [{ text: title, colour: 'dim' }], text })),
      look,
      0,
    ),
    '',
    `Parameters, in a ReadinessPolicy under spec.checks.${check.name}:`,
    '',
    ...layOut(
      parametersOf(check).map(({ name: parameter, type, text }) => ({ cells: cellsOf(parameter, type), text })),
      look,
    ),
    '',
  ].join('\n');
}

/** What there is to tell of a check, each with its heading; its page in docs/checks/ says the same. */
export function factsOf(check: Check): readonly (readonly [string, string])[] {
  const priorities = PROFILE_CHOICES.map((profile) => `${profilePriority(check, profile)} in ${profile}`);
  return [
    ['Met when', check.metWhen],
    ['Why', check.rationale],
    ['Cure', check.remediation],
    ['Priority', priorities.join(', ')],
    ['Judges', APPLICABILITY[check.appliesTo ?? 'All']],
    ['Scope', SCOPES[check.scope]],
    ['Checklist', check.items.join(', ')],
    ['Source', check.source],
    ['Page', documentationOf(check.name) ?? `docs/checks/${check.name}.md`],
  ];
}

/** What to tell somebody who named a check that does not exist. */
export function unknownCheck(name: string): string {
  const near = nearestName(
    name,
    CHECKS.map((check) => check.name),
  );
  return `no check is named ${name}; ${near === undefined ? 'all of them: readiness-operator explain' : `did you mean ${near}?`}`;
}

/** A check's priority in each of PROFILE_CHOICES, in their order; `-` where it is disabled. */
export function prioritiesOf(check: Check): string[] {
  return PROFILE_CHOICES.map((profile) => profilePriority(check, profile)).map((priority) =>
    priority === 'Disabled' ? '-' : priority,
  );
}

function cellsOf(...texts: readonly string[]) {
  return texts.map((text) => ({ text }));
}

function upper(text: string): string {
  return text.toUpperCase();
}

/** The part of JSON Schema that parameters are written in. */
interface ParameterSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: { readonly type?: string };
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly 'x-kubernetes-int-or-string'?: true;
}

/** A check's parameters as people read them. */
export function parametersOf(check: Check): { readonly name: string; readonly type: string; readonly text: string }[] {
  const { properties } = checkSchema(check) as TSchema & { readonly properties: Record<string, ParameterSchema> };
  return Object.entries(properties).map(([name, schema]) => {
    const fallback = schema.default === undefined ? '' : ` Default: ${JSON.stringify(schema.default)}.`;
    return { name, type: typeOf(schema), text: `${schema.description ?? ''}${fallback}` };
  });
}

function typeOf(schema: ParameterSchema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (schema.pattern === DURATION_PATTERN) return 'duration';
  if (schema.enum !== undefined) return schema.enum.join('|');
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'any'}s`;
  const { minimum, maximum } = schema;
  const bounds = minimum === undefined || maximum === undefined ? '' : ` ${minimum}-${maximum}`;
  return `${schema.type ?? 'any'}${bounds}`;
}
