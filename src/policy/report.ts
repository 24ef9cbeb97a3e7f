/** The ReadinessReport of one workload: its newest evaluation, as the cluster shows it. */
import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { PRIORITIES, type ActivePriority } from '../engine/check.ts';
import { apiVersionOf } from '../engine/kinds.ts';
import { formatPath } from '../engine/path.ts';
import { printable } from '../engine/printable.ts';
import type { Workload } from '../engine/workload.ts';
import type { CompiledException } from './exceptions.ts';
import { breakGlassReason } from './break-glass.ts';
import { omittedFrom } from './bounded-findings.ts';
import { worstFirst, type Finding, type Ready, type Verdict } from './judge.ts';
import { ACTIONS, API_VERSION, GROUP, VERSION, words } from './schema.ts';

/** How reports are served. */
export const REPORTS = { group: GROUP, version: VERSION, resource: 'readinessreports' };
/** Hashes of templates that a report keeps. Kubernetes keeps as many revisions of a workload, unless told otherwise. */
export const MOST_TEMPLATES = 10;
const MOST_FINDINGS = 100;
const MOST_UNKNOWN = 50;
const MOST_NOTES = 20;
const MOST_EXCEPTIONS = 50;
const LONGEST_TEXT = 1024;

const Text = (description: string, maxLength = LONGEST_TEXT) => Type.String({ description, maxLength });
const Count = (description: string) => Type.Integer({ description, minimum: 0 });
const ACTIVE = PRIORITIES.filter((priority): priority is ActivePriority => priority !== 'Disabled');
const Policies = Type.Array(Text('Name of a policy.', 253), { maxItems: 64, description: 'The policies that say so.' });

/** The content of a ReadinessReport, beside its metadata. */
export const ReportSchema = Type.Object({
  workload: Type.Object(
    { apiVersion: Text('API version.', 317), kind: Text('Kind.', 63), name: Text('Name.', 253) },
    { description: 'The workload that was judged.' },
  ),
  ready: words(['True', 'False', 'Unknown'], 'True: no Critical check is unmet. Unknown: one could not be decided.'),
  score: Type.Integer({
    description: 'Weight of the checks met over met and unmet, 0 to 100.',
    minimum: 0,
    maximum: 100,
  }),
  counts: Type.Object(
    {
      critical: Count('Unmet findings of priority Critical.'),
      important: Count('Unmet findings of priority Important.'),
      niceToHave: Count('Unmet findings of priority NiceToHave.'),
      excepted: Count('Unmet findings that exceptions let pass; counted nowhere else.'),
      unknown: Count('Checks that could not be decided.'),
    },
    { description: 'How much was found.' },
  ),
  policies: Type.Array(Type.Object({ name: Text('Name.', 253), generation: Count('Generation that judged.') }), {
    description: 'The policies that match the workload.',
    maxItems: 200,
  }),
  findings: Type.Array(
    Type.Object({
      check: Text('Name of the check.', 63),
      priority: words(ACTIVE, 'Its priority.'),
      action: words(ACTIONS, 'What it does to a rollout.'),
      path: Text('Where in the workload.'),
      container: Type.Optional(Text('Name of the container.', 253)),
      message: Text('What is wrong.'),
      remediation: Text('What to write instead.'),
      policies: Policies,
    }),
    { description: 'What is unmet, worst first; at most 100.', maxItems: MOST_FINDINGS },
  ),
  unknown: Type.Optional(
    Type.Array(
      Type.Object({
        check: Text('Name of the check.', 63),
        priority: words(ACTIVE, 'Its priority.'),
        cause: Text('Why it could not be decided.'),
        policies: Policies,
      }),
      { description: 'Checks that could not be decided.', maxItems: MOST_UNKNOWN },
    ),
  ),
  exceptions: Type.Optional(
    Type.Array(
      Type.Object({
        name: Text('Name of the ReadinessException.', 253),
        expiresAt: Text('From then on it no longer counts.', 40),
        reason: Text('Why, in the words of whoever asked for it.'),
        requestedBy: Type.Optional(Text('Name of the user who asked for it.')),
        findings: Count('How many findings it lets pass.'),
        checks: Type.Array(Text('Name of a check.', 63), {
          description: 'The checks that the workload misses under it.',
          maxItems: 128,
        }),
        policies: Policies,
      }),
      { description: 'Exceptions in force for the workload.', maxItems: MOST_EXCEPTIONS },
    ),
  ),
  breakGlass: Type.Optional(
    Type.Object(
      { reason: Text("The annotation's value.") },
      { description: 'The workload bears the annotation readiness-operator.dev/break-glass.' },
    ),
  ),
  notes: Type.Optional(
    Type.Array(Text('A note.'), {
      description: 'What is met by something outside the workload, and what is not judged for want of an API.',
      maxItems: MOST_NOTES,
    }),
  ),
  templates: Type.Optional(
    Type.Array(Text('Hash of a pod template.', 64), {
      description: 'The pod templates that it ran, newest first. `kubectl rollout undo` to one of them only warns.',
      maxItems: MOST_TEMPLATES,
    }),
  ),
});

export type ReportContent = Static<typeof ReportSchema>;

/** A ReadinessReport object. */
export type Report = ReportContent & {
  readonly apiVersion: string;
  readonly kind: 'ReadinessReport';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
    }[];
  };
};

const LONGEST_NAME = 253;

/** `<lowercase kind>-<name>`; a longer one than names may be is cut and ends in a hash of the whole. */
export function reportNameOf(kind: string, name: string): string {
  const full = `${kind.toLowerCase()}-${name}`;
  if (full.length <= LONGEST_NAME) return full;
  const hash = createHash('sha256').update(full).digest('hex').slice(0, 10);
  return `${full.slice(0, LONGEST_NAME - 11).replace(/[.-]+$/, '')}-${hash}`;
}

/**
 * Makes the report of a workload from the verdicts of all policies that match it.
 *
 * @param templates - hashes of the pod templates that it ran, newest first
 */
export function reportOf(workload: Workload, verdicts: readonly Verdict[], templates: readonly string[] = []): Report {
  const findings = mergeBy(
    verdicts.flatMap((verdict) => verdict.findings),
    ({ check, path, message }) => JSON.stringify([check, path, message]),
  );
  const unknown = mergeBy(
    verdicts.flatMap((verdict) => verdict.undecided),
    ({ check, cause }) => JSON.stringify([check, cause]),
  );
  const exceptions = exceptionsIn(verdicts);
  const reason = breakGlassReason(workload.annotations);
  const notes = [...new Set(verdicts.flatMap((verdict) => verdict.notes))];
  const apiVersion = apiVersionOf(workload.kind);
  return {
    apiVersion: API_VERSION,
    kind: 'ReadinessReport',
    metadata: {
      name: reportNameOf(workload.kind.kind, workload.name),
      namespace: workload.namespace,
      labels: { 'app.kubernetes.io/managed-by': 'readiness-operator' },
      ownerReferences: [{ apiVersion, kind: workload.kind.kind, name: workload.name, uid: workload.uid ?? '' }],
    },
    workload: { apiVersion, kind: workload.kind.kind, name: workload.name },
    ready: combinedReady(verdicts),
    score: Math.min(100, ...verdicts.map(({ score }) => score)),
    counts: {
      ...countOf(
        findings.map(({ item }) => item),
        verdicts,
      ),
      excepted: exceptions.reduce((sum, one) => sum + one.findings, 0),
      unknown: unknown.length,
    },
    policies: verdicts.map(({ policy: { name, generation } }) => ({ name, generation })),
    findings: findings.slice(0, MOST_FINDINGS).map(({ item, policies }) => ({
      check: item.check,
      priority: item.priority,
      action: item.action,
      path: bounded(formatPath(item.path)),
      ...(item.container === undefined ? {} : { container: item.container.slice(0, 253) }),
      message: bounded(item.message),
      remediation: bounded(item.remediation),
      policies,
    })),
    ...(unknown.length === 0
      ? {}
      : {
          unknown: unknown.slice(0, MOST_UNKNOWN).map(({ item, policies }) => ({
            check: item.check,
            priority: item.priority,
            cause: bounded(item.cause),
            policies,
          })),
        }),
    ...(exceptions.length === 0 ? {} : { exceptions: exceptions.slice(0, MOST_EXCEPTIONS) }),
    ...(reason === undefined ? {} : { breakGlass: { reason: bounded(reason) } }),
    ...(notes.length === 0 ? {} : { notes: notes.slice(0, MOST_NOTES).map(bounded) }),
    ...(templates.length === 0 ? {} : { templates: templates.slice(0, MOST_TEMPLATES) }),
  };
}

/** The exceptions in force, with what they let pass: what several policies find alike is one finding. */
function exceptionsIn(verdicts: readonly Verdict[]): NonNullable<ReportContent['exceptions']> {
  const inForce = new Map<CompiledException, { policies: string[]; findings: Set<string>; checks: Set<string> }>();
  for (const verdict of verdicts) {
    for (const exception of verdict.exceptions) {
      const present = inForce.get(exception) ?? { policies: [], findings: new Set(), checks: new Set() };
      present.policies.push(verdict.policy.name);
      inForce.set(exception, present);
    }
    for (const { exception, check, path, message } of verdict.excepted) {
      inForce.get(exception)?.findings.add(JSON.stringify([check, path, message]));
      inForce.get(exception)?.checks.add(check);
    }
  }
  return [...inForce]
    .map(([{ name, expiresAt, reason, requestedBy }, { policies, findings, checks }]) => ({
      name,
      expiresAt: new Date(expiresAt).toISOString(),
      reason: bounded(reason),
      ...(requestedBy === undefined ? {} : { requestedBy: bounded(requestedBy) }),
      findings: findings.size,
      checks: [...checks].toSorted(),
      policies: policies.toSorted().slice(0, 64),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** False if any policy says so, else Unknown if any does. */
export function combinedReady(verdicts: readonly Pick<Verdict, 'ready'>[]): Ready {
  const all = new Set(verdicts.map(({ ready }) => ready));
  return all.has('False') ? 'False' : all.has('Unknown') ? 'Unknown' : 'True';
}

type Counts = Record<'critical' | 'important' | 'niceToHave', number>;
const COUNTED: Readonly<Record<ActivePriority, keyof Counts>> = {
  Critical: 'critical',
  Important: 'important',
  NiceToHave: 'niceToHave',
};

/** Counts findings by priority, in the field names of reports and policy statuses. */
export function countByPriority(findings: readonly Pick<Finding, 'priority'>[]): Counts {
  const counts: Counts = { critical: 0, important: 0, niceToHave: 0 };
  for (const { priority } of findings) counts[COUNTED[priority]] += 1;
  return counts;
}

/** The same with the findings that no verdict keeps; what several policies omit of a check is taken to be alike. */
function countOf(findings: readonly Finding[], verdicts: readonly Verdict[]): Counts {
  const counts = countByPriority(findings);
  for (const { priority, count } of omittedFrom(verdicts)) counts[COUNTED[priority]] += count;
  return counts;
}

/** What several policies say alike is said once, with the strictest action and all their names; worst first. */
function mergeBy<T extends Pick<Finding, 'policy' | 'action' | 'priority'>>(
  items: readonly T[],
  keyOf: (item: T) => string,
): { readonly item: T; readonly policies: string[] }[] {
  const merged = new Map<string, { item: T; policies: string[] }>();
  for (const item of worstFirst(items)) {
    const present = merged.get(keyOf(item));
    if (present === undefined) merged.set(keyOf(item), { item, policies: [item.policy] });
    else if (!present.policies.includes(item.policy)) present.policies.push(item.policy);
  }
  return [...merged.values()].map(({ item, policies }) => ({ item, policies: policies.toSorted().slice(0, 64) }));
}

/** Part of a report: on one line, and short. */
function bounded(raw: string): string {
  const text = printable(raw);
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT - 3)}...`;
}
