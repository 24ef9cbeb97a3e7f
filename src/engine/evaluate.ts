import type { ActivePriority, Check, Outcome } from './check.ts';
import type { WorkloadKind } from './kinds.ts';
import { matchesNamePattern } from './names.ts';
import type { Related } from './related.ts';
import { excessText } from './size-bounds.ts';
import type { Workload } from './workload.ts';

/** A check as a policy enables it. */
export interface EnabledCheck {
  readonly check: Check;
  readonly priority: ActivePriority;
  /** What the check's `prepare` made of the parameters. */
  readonly parameters: unknown;
  /** Name patterns of containers that it does not judge. */
  readonly exclude: readonly string[];
  /** Two of the same say the same of every workload: the check, its parameters as they are written, what it excludes. */
  readonly identity: string;
}

export type Status = 'Met' | 'Unmet' | 'NotApplicable' | 'Unknown' | 'Error';
export type Unmet = Extract<Outcome, { type: 'unmet' }>;

/** What one check found out about one workload. */
export interface CheckResult {
  readonly status: Status;
  readonly unmet: readonly Unmet[];
  /** Why it is Unknown, NotApplicable or Error; where it is Unmet, what it could not find out beside that. */
  readonly causes: readonly string[];
  readonly notes: readonly string[];
  /** Earliest time at which waiting is over, or time alone may change the result; milliseconds since 1970. */
  readonly recheckAt: number | undefined;
  /** What `run` threw. */
  readonly error: unknown;
}

const NOTHING: readonly never[] = Object.freeze([]);

/** Does a check judge workloads like this one at all? */
export function appliesTo({ appliesTo }: Check, { kind, pod, replicas }: Workload): boolean {
  if (appliesTo === 'LongRunning') return kind.runsToCompletion !== true && !endsByItself(kind, pod.restartPolicy);
  if (appliesTo === 'Replicated') return replicas !== undefined;
  return true;
}

/**
 * Is a Pod one that is done when its containers are? Those of a Job are, helm test Pods, and what CI runs. A kind that makes
 * Pods again and again takes no other policy than Always, or is told apart by `runsToCompletion`.
 */
function endsByItself({ template }: WorkloadKind, restartPolicy: string | null | undefined): boolean {
  return template.length === 0 && (restartPolicy === 'Never' || restartPolicy === 'OnFailure');
}

/** Runs one check on one workload. What the check throws becomes the status Error; nothing is thrown. */
export function evaluateCheck(enabled: Configured, workload: Workload, related: Related, now: number): CheckResult {
  return evaluator(workload, related, now)(enabled);
}

/** What of an enabled check says how it is run. */
export type Configured = Pick<EnabledCheck, 'check' | 'parameters' | 'exclude'>;

/** Runs checks on one workload. */
export type Evaluate<T extends Configured = Configured> = (enabled: T) => CheckResult;

/**
 * An evaluator for the checks of several policies: those of the same identity are run once.
 *
 * @param related - must answer the same as long as the evaluator is used
 */
export function sharingEvaluator(workload: Workload, related: Related, now: number): Evaluate<EnabledCheck> {
  const evaluate = evaluator(workload, related, now);
  const known = new Map<string, CheckResult>();
  let left = MOST_KEPT;
  let passing: string | undefined;
  return (enabled) => {
    const kept = known.get(enabled.identity);
    if (kept !== undefined) return kept;
    const result = evaluate(enabled);
    // Of what is too much the last is kept until the next: an old object is asked for each finding in the new one.
    if (passing !== undefined) known.delete(passing);
    const size = result.unmet.length + result.causes.length + result.notes.length;
    passing = size > left ? enabled.identity : undefined;
    if (passing === undefined) left -= size;
    known.set(enabled.identity, result);
    return result;
  };
}

/** Things said of one workload that are kept to be shared; some hundred bytes each. */
const MOST_KEPT = 20_000;

/**
 * `evaluateCheck` for all checks that one workload is judged by. They share what each would have to make anew. One that is
 * too large is judged by none, so that nothing that has been stored holds up what is judged beside it.
 */
export function evaluator(workload: Workload, related: Related, now: number): Evaluate {
  const { excess } = workload;
  if (excess !== undefined) {
    const result: CheckResult = { ...MET, status: 'Unknown', causes: [excessText(excess)] };
    return () => result;
  }
  let outcomes: Outcome[] | undefined;
  const report = (outcome: Outcome): void => {
    // Mostly the only one: a list that is pushed to has room for 16 more.
    if (outcomes === undefined) outcomes = [outcome];
    else outcomes.push(outcome);
  };
  return ({ check, exclude, parameters }) => {
    if (!appliesTo(check, workload)) {
      return { ...MET, status: 'NotApplicable', causes: [`does not apply to this ${workload.kind.kind}`] };
    }
    const containers =
      exclude.length === 0
        ? workload.containers
        : workload.containers.filter(({ name }) => !matchesNamePattern(name, exclude));
    outcomes = undefined;
    try {
      check.run({ workload, containers, parameters: parameters as never, related, now }, report);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      return { ...MET, status: 'Error', causes: [`the check failed: ${cause}`], error };
    }
    return outcomes === undefined ? MET : resultOf(outcomes);
  };
}

/** Of a check that said nothing: most of them, most of the time. */
export const MET: CheckResult = Object.freeze({
  status: 'Met',
  unmet: NOTHING,
  causes: NOTHING,
  notes: NOTHING,
  recheckAt: undefined,
  error: undefined,
});

function resultOf(outcomes: readonly Outcome[]): CheckResult {
  let unmet: Unmet[] | undefined;
  let unknown: string[] | undefined;
  let notApplicable: string[] | undefined;
  let notes: string[] | undefined;
  let recheckAt: number | undefined;
  for (const outcome of outcomes) {
    switch (outcome.type) {
      case 'unmet':
        if (unmet === undefined) unmet = [outcome];
        else unmet.push(outcome);
        break;
      case 'unknown':
        (unknown ??= []).push(outcome.cause);
        if (outcome.recheckAt !== undefined) recheckAt = Math.min(recheckAt ?? Infinity, outcome.recheckAt);
        break;
      case 'until':
        recheckAt = Math.min(recheckAt ?? Infinity, outcome.at);
        break;
      case 'notApplicable':
        (notApplicable ??= []).push(outcome.reason);
        break;
      case 'note':
        (notes ??= []).push(outcome.text);
        break;
    }
  }
  return {
    status: unmet ? 'Unmet' : unknown ? 'Unknown' : notApplicable ? 'NotApplicable' : 'Met',
    unmet: unmet ?? NOTHING,
    causes: unknown ?? (unmet ? undefined : notApplicable) ?? NOTHING,
    notes: notes ?? NOTHING,
    recheckAt,
    error: undefined,
  };
}
