/**
 * One workload under one policy: what its checks found, and what each finding does here and now. The one place where
 * webhook, controller and command line learn both.
 */
import type { ActivePriority, Aspect, Scope } from '../engine/check.ts';
import {
  evaluator,
  MET,
  sharingEvaluator,
  type CheckResult,
  type EnabledCheck,
  type Evaluate,
  type Unmet,
} from '../engine/evaluate.ts';
import type { Path } from '../engine/path.ts';
import type { Related } from '../engine/related.ts';
import { onceForEach } from '../engine/remember.ts';
import type { Workload } from '../engine/workload.ts';
import { BoundedFindings, MOST_FINDINGS, type Omitted } from './bounded-findings.ts';
import type { CompiledPolicy } from './compile.ts';
import {
  concernsPolicy,
  covers,
  nextStandingAt,
  NO_EXCEPTIONS,
  standingOf,
  type CompiledException,
  type ExceptionSet,
} from './exceptions.ts';
import type { Action } from './schema.ts';

/** One unmet check at one place. */
export interface Finding {
  readonly policy: string;
  readonly check: string;
  readonly priority: ActivePriority;
  readonly scope: Scope;
  readonly action: Action;
  /** Why the action is milder than the priority's own, in words for a person; undefined if it is not. */
  readonly because: string | undefined;
  readonly path: Path;
  readonly container: string | undefined;
  readonly message: string;
  readonly remediation: string;
}

/** A check that could not find out, or failed. */
export interface Undecided {
  readonly policy: string;
  readonly check: string;
  readonly priority: ActivePriority;
  readonly status: 'Unknown' | 'Error';
  readonly action: Action;
  readonly cause: string;
}

/** A finding that an exception lets pass: it neither denies nor warns, and spoils neither ready nor score. */
export interface Excepted extends Finding {
  readonly exception: CompiledException;
}

export interface Verdict {
  readonly policy: CompiledPolicy;
  /** Of many the first ones; of each check and action at least one. */
  readonly findings: readonly Finding[];
  /** How many more there are. */
  readonly omitted: readonly Omitted[];
  /** Of many the first ones; of each check at least one. */
  readonly excepted: readonly Excepted[];
  /** The exceptions from this policy for this workload that are in force, by name, whether or not they cover anything. */
  readonly exceptions: readonly CompiledException[];
  /** Those that would cover one of the findings and no longer count. */
  readonly lapsed: readonly CompiledException[];
  readonly undecided: readonly Undecided[];
  readonly notes: readonly string[];
  /** Checks met and unmet, as the score weighs them. */
  readonly score: number;
  /** True: no Critical check unmet; Unknown: none unmet, but one could not be decided. */
  readonly ready: Ready;
  /** When time alone may change the verdict: waiting is over, an exception ends. Milliseconds since 1970. */
  readonly recheckAt: number | undefined;
  /** What checks threw, for the log. */
  readonly errors: readonly { readonly check: string; readonly error: unknown }[];
}

export type Ready = 'True' | 'False' | 'Unknown';

/** A request to the API server, as far as it decides what findings do. */
export interface Admission {
  readonly operation: 'CREATE' | 'UPDATE';
  readonly dryRun: boolean;
  /** Only the checks with this aspect are run: the request changes nothing else. */
  readonly aspect: Aspect | undefined;
  /** The request raises the replica count. */
  readonly raisesReplicas: boolean;
  /** The request lowers the replica count. */
  readonly lowersReplicas: boolean;
  /** Everything only warns, for this reason; where a path is given, only what lies within it. */
  readonly lenient: { readonly reason: string; readonly within?: Path } | undefined;
  /** What a check says of the unchanged old object, asked for only when it matters. */
  readonly old: Evaluate<EnabledCheck> | undefined;
}

/** What all policies have in common that judge one workload. */
interface Judged {
  readonly workload: Workload;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly evaluate: Evaluate<EnabledCheck>;
  /** Those for the workload, whatever their policies. */
  readonly exceptions: readonly CompiledException[];
  /** How many findings a verdict keeps. */
  readonly most: number;
}

/** Judges one workload by a policy. @param admission - absent: a manifest, or an object that already runs */
export type Judge = (policy: CompiledPolicy, admission?: Admission) => Verdict;

/** Exceptions from one policy for one workload that count, by name; and those that no longer count, of which is told. */
const MOST_EXCEPTIONS = 200;
/** More causes of one check than this are counted. */
const MOST_CAUSES = 50;

/** Asked for each check: compared, because a look-up by a name that varies costs more than many a check. */
function weightOf(priority: ActivePriority): number {
  return priority === 'Critical' ? 4 : priority === 'Important' ? 2 : 1;
}

/**
 * Judges a workload by one policy.
 *
 * @param now - milliseconds since 1970
 * @param admission - absent: a manifest, or an object that already runs
 * @param exceptions - those that there are; which of them count is decided here
 */
export function judge(
  policy: CompiledPolicy,
  workload: Workload,
  related: Related,
  now: number,
  admission?: Admission,
  exceptions: ExceptionSet = NO_EXCEPTIONS,
): Verdict {
  const evaluate = evaluator(workload, related, now);
  return verdictOf(
    policy,
    { workload, now, evaluate, exceptions: exceptions.of(workload), most: MOST_FINDINGS },
    admission,
  );
}

/**
 * `judge` for several policies: what they have in common is done once.
 *
 * @param policies - how many there are: for one alone nothing is kept to be shared
 * @param related - must answer the same as long as the judge is asked
 * @param now - milliseconds since 1970
 * @param most - findings that each verdict keeps
 */
export function judgeFor(
  policies: number,
  workload: Workload,
  related: Related,
  now: number,
  exceptions: ExceptionSet,
  most = MOST_FINDINGS,
): Judge {
  const evaluate = policies > 1 ? sharingEvaluator(workload, related, now) : evaluator(workload, related, now);
  const judged: Judged = { workload, now, evaluate, exceptions: exceptions.of(workload), most };
  return (policy, admission) => verdictOf(policy, judged, admission);
}

function verdictOf(policy: CompiledPolicy, judged: Judged, admission: Admission | undefined): Verdict {
  const { workload, now, evaluate, most } = judged;
  const concerning = judged.exceptions.filter((exception) => concernsPolicy(exception, policy.name));
  const isInForce = (exception: CompiledException): boolean => standingOf(exception, policy, now) === 'InForce';
  const inForce = concerning.filter(isInForce).slice(0, MOST_EXCEPTIONS);
  const lapsed: CompiledException[] = [];
  /** Those of which it is not known yet whether they would cover anything. */
  const lapsing = new Set(concerning.filter((exception) => !isInForce(exception)).slice(0, MOST_EXCEPTIONS));
  const findings = new BoundedFindings<Finding>(most);
  const excepted = new BoundedFindings<Excepted>(most);
  const undecided: Undecided[] = [];
  const notes: string[] = [];
  const errors: { check: string; error: unknown }[] = [];
  let met = 0;
  let unmet = 0;
  let criticalUnmet = false;
  let criticalUndecided = false;
  let recheckAt: number | undefined;
  const waitsUntil = admission === undefined ? graceEnd(policy, workload) : -Infinity;
  for (const exception of concerning) recheckAt = earliest(recheckAt, nextStandingAt(exception, policy, now));

  for (const enabled of policy.enabled) {
    const { check, priority } = enabled;
    if (admission?.aspect !== undefined && check.aspects?.includes(admission.aspect) !== true) continue;
    const result = evaluate(enabled);
    if (result.status === 'Met') met += weightOf(priority);
    if (result === MET) continue;
    if (result.notes.length > 0) notes.push(...result.notes);
    recheckAt = earliest(recheckAt, result.recheckAt);
    if (result.status === 'Error') errors.push({ check: check.name, error: result.error });

    let open = result.unmet;
    let sparesDenial = false;
    if (inForce.length > 0 && result.unmet.length > 0) {
      const left: Unmet[] = [];
      for (const one of result.unmet) {
        const exception = inForce.find((candidate) => covers(candidate, check.name, one.container));
        if (exception === undefined) {
          left.push(one);
          continue;
        }
        const finding = findingOf(policy, enabled, one, workload, now, admission);
        sparesDenial ||= finding.action === 'Deny';
        excepted.add({ ...finding, action: 'Audit', because: undefined, exception });
      }
      open = left;
    }

    const counted = now < waitsUntil ? open.filter(({ waits }) => waits !== true) : open;
    if (counted.length < open.length) recheckAt = earliest(recheckAt, waitsUntil);
    if (counted.length > 0) {
      unmet += weightOf(priority);
      criticalUnmet ||= priority === 'Critical';
      for (const one of counted) {
        findings.add(findingOf(policy, enabled, one, workload, now, admission));
        for (const exception of lapsing) {
          if (covers(exception, check.name, one.container)) {
            lapsed.push(exception);
            lapsing.delete(exception);
          }
        }
      }
    } else if (
      isUndecided(result, open) &&
      // Who may miss a check may also fail to show that it is met.
      !inForce.some((candidate) => covers(candidate, check.name))
    ) {
      const status = result.status === 'Error' ? 'Error' : 'Unknown';
      const causes = result.causes.length > 0 ? result.causes : open.map(({ message }) => `waiting: ${message}`);
      criticalUndecided ||= priority === 'Critical';
      const own = undecidedAction(policy, enabled, result.status, now, admission);
      // What comes to light only because an exception covers the rest must not be worse than that rest.
      const action = result.unmet.length > open.length && own === 'Deny' && !sparesDenial ? 'Warn' : own;
      for (const cause of bounded(causes))
        undecided.push({ policy: policy.name, check: check.name, priority, status, action, cause });
    }
  }
  return {
    policy,
    findings: findings.kept,
    omitted: findings.omitted,
    excepted: excepted.kept,
    exceptions: inForce,
    lapsed,
    undecided,
    notes,
    score: met + unmet === 0 ? 100 : Math.floor((100 * met) / (met + unmet)),
    ready: criticalUnmet ? 'False' : criticalUndecided ? 'Unknown' : 'True',
    recheckAt,
    errors,
  };
}

/** Is something of a check left that is neither met nor known to be unmet? @param open - what no exception covers */
function isUndecided({ status, causes }: CheckResult, open: readonly Unmet[]): boolean {
  switch (status) {
    case 'Met':
    case 'NotApplicable':
      return false;
    case 'Unknown':
    case 'Error':
      return true;
    case 'Unmet':
      return open.length > 0 || causes.length > 0;
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}

/** When a workload's companions must have come. One that does not exist yet has not begun to wait. */
function graceEnd(policy: CompiledPolicy, workload: Workload): number {
  return workload.createdAt === undefined ? -Infinity : workload.createdAt + policy.enforcement.companionGrace;
}

function findingOf(
  policy: CompiledPolicy,
  enabled: EnabledCheck,
  unmet: Unmet,
  workload: Workload,
  now: number,
  admission: Admission | undefined,
): Finding {
  const { check, priority } = enabled;
  const scope = unmet.scope ?? check.scope;
  const own = policy.enforcement.actions[priority];
  const because = own === 'Deny' ? milder(policy, enabled, unmet, scope, workload, now, admission) : undefined;
  return {
    policy: policy.name,
    check: check.name,
    priority,
    scope,
    action: because === undefined ? own : 'Warn',
    because,
    path: unmet.path,
    container: unmet.container,
    message: unmet.message,
    remediation: unmet.remediation ?? check.remediation,
  };
}

/** Why a finding whose priority says Deny only warns; undefined if it denies. */
function milder(
  policy: CompiledPolicy,
  enabled: EnabledCheck,
  unmet: Unmet,
  scope: Scope,
  workload: Workload,
  now: number,
  admission: Admission | undefined,
): string | undefined {
  const { check } = enabled;
  const { startsAt, existingViolations } = policy.enforcement;
  if (startsAt !== undefined && now < startsAt) return `denied from ${new Date(startsAt).toISOString()}`;
  if (admission === undefined) return undefined;
  const { lenient } = admission;
  if (lenient !== undefined && isWithin(unmet.path, lenient.within)) return lenient.reason;
  if (unmet.waits === true) return 'it may still come';
  if (scope === 'reference' && admission.dryRun) return 'a dry-run';
  // Whoever lowers a count does not wait for what raises it.
  const isChosen = admission.lowersReplicas && check.aspects?.includes('Replicas') === true;
  if (scope === 'companion' && !isChosen && (admission.operation === 'CREATE' || now < graceEnd(policy, workload))) {
    return 'it may still come';
  }
  if (admission.raisesReplicas && check.name === 'minReplicas') return 'the count is raised';
  if (
    existingViolations === 'Warn' &&
    admission.old !== undefined &&
    wordsOf(admission.old(enabled)).has(wordOf(unmet))
  ) {
    return 'the old object had it too';
  }
  return undefined;
}

/** @param place - absent: everything lies within it */
function isWithin(path: Path, place: Path = []): boolean {
  return place.every((step, index) => path[index] === step);
}

/** Same container, same words: the place may have moved. */
function wordOf({ container, message }: Unmet): string {
  return `${container ?? ''}\n${message}`;
}

/** What a check finds in an old object, which is compared with each finding in the new one. */
const wordsOf = onceForEach(({ unmet }: CheckResult): ReadonlySet<string> => new Set(unmet.map(wordOf)));

/** The first causes, and how many more there are. */
function bounded(causes: readonly string[]): readonly string[] {
  if (causes.length <= MOST_CAUSES) return causes;
  return [...causes.slice(0, MOST_CAUSES), `${causes.length - MOST_CAUSES} things more`];
}

/** What a check does that could not decide although its action is Deny. */
function undecidedAction(
  policy: CompiledPolicy,
  enabled: EnabledCheck,
  status: CheckResult['status'],
  now: number,
  admission: Admission | undefined,
): Action {
  const { check, priority } = enabled;
  const { actions, startsAt, onUnknown, onError } = policy.enforcement;
  if (actions[priority] !== 'Deny') return actions[priority];
  if (startsAt !== undefined && now < startsAt) return 'Warn';
  // A cause stands nowhere, so what speaks for one place alone does not speak for it.
  if (admission?.lenient !== undefined && admission.lenient.within === undefined) return 'Warn';
  if (status === 'Error' && check.scope === 'workload') {
    return admission?.old?.(enabled).status === 'Error' ? 'Warn' : onError;
  }
  return check.scope === 'reference' && admission?.dryRun === true ? 'Warn' : onUnknown;
}

/** Does anything in a verdict deny the request? */
export function denies({ findings, undecided }: Verdict): boolean {
  return findings.some(isDenying) || undecided.some(isDenying);
}

/** The names of the checks that deny the request. */
export function denyingChecks({ findings, undecided }: Verdict): ReadonlySet<string> {
  return new Set([...findings, ...undecided].filter(isDenying).map(({ check }) => check));
}

function isDenying({ action }: { readonly action: Action }): boolean {
  return action === 'Deny';
}

const PRIORITY_ORDER: Record<ActivePriority, number> = { Critical: 0, Important: 1, NiceToHave: 2 };
const ACTION_ORDER: Record<Action, number> = { Deny: 0, Warn: 1, Audit: 2 };

/** Orders findings worst first: by action, then by priority; within both as the checks stand. */
export function worstFirst<T extends Ranked>(items: readonly T[]): T[] {
  // Mostly they stand in order already, and looking is cheaper than sorting.
  for (let index = 1; index < items.length; index++) {
    if (byWorst(items[index - 1] as T, items[index] as T) > 0) return items.toSorted(byWorst);
  }
  return [...items];
}

type Ranked = { readonly action: Action; readonly priority: ActivePriority };

function byWorst(a: Ranked, b: Ranked): number {
  if (a.action === b.action && a.priority === b.priority) return 0;
  return ACTION_ORDER[a.action] - ACTION_ORDER[b.action] || PRIORITY_ORDER[a.priority] - PRIORITY_ORDER[b.priority];
}
