/** What people read when a request is denied or warned about. */
import type { ActivePriority } from '../engine/check.ts';
import { printable } from '../engine/printable.ts';
import { displayPath, isInPod, type Workload } from '../engine/workload.ts';
import { omittedFrom } from '../policy/bounded-findings.ts';
import { explainedBy } from '../policy/documentation.ts';
import { lapsedText } from '../policy/exceptions.ts';
import { worstFirst, type Finding, type Undecided, type Verdict } from '../policy/judge.ts';
import type { Action } from '../policy/schema.ts';

const MOST_LINES = 20;
/** Kubernetes cuts warnings at 256 characters each and 4096 in all, shared by every webhook of the request. Characters. */
const LONGEST_WARNING = 120;
const LONGEST_WARNINGS = 2048;
/** Exceptions that no longer count are named to this number. */
const MOST_LAPSED = 3;
/** Policies that are left are named to this number. */
const MOST_LEFT = 10;
/** A finding repeats at most this much of what a user wrote. */
const LONGEST_LINE = 400;

/** One line of a message, whether from a finding or from a check that could not decide. */
interface Line {
  readonly check: string;
  readonly priority: ActivePriority;
  readonly action: Action;
  readonly because: string | undefined;
  readonly policies: readonly string[];
  readonly where: string;
  readonly message: string;
  /** Empty where nobody could find out. */
  readonly remediation: string;
}

/**
 * The lines of an action, worst first. What several policies find alike is one line, with the strictest action and all
 * their names.
 */
function linesOf(wanted: 'Deny' | 'Warn', workload: Workload, verdicts: readonly Verdict[]): Line[] {
  const [first] = verdicts;
  // What one policy alone says is no line twice, and nothing can make it stricter.
  if (verdicts.length === 1 && first !== undefined) return worstFirst(linesOfVerdict(first, workload, wanted, wanted));
  const lines = new Map<string, { strictest: Line; readonly policies: string[] }>();
  for (const verdict of verdicts) {
    for (const line of linesOfVerdict(verdict, workload, wanted)) {
      const key = `${line.check}\n${line.where}\n${line.message}; ${line.remediation}`;
      const present = lines.get(key);
      if (present === undefined) lines.set(key, { strictest: line, policies: [...line.policies] });
      else {
        [present.strictest = line] = worstFirst([present.strictest, line]);
        present.policies.push(...line.policies);
      }
    }
  }
  const merged = [...lines.values()].map(({ strictest, policies }) => ({ ...strictest, policies }));
  return worstFirst(merged.filter(({ action }) => action === wanted));
}

/** How many findings there are of an action beside those that verdicts keep. */
function omittedOf(wanted: Action, verdicts: readonly Verdict[]): number {
  let count = 0;
  for (const one of omittedFrom(verdicts)) if (one.action === wanted) count += one.count;
  return count;
}

/**
 * A denial has a line for each finding. Warnings have little room: what is alike in several containers is one of them, and
 * the way to the pod's spec is left out.
 *
 * @param use - what the lines are for
 * @param wanted - absent: lines of all actions
 */
function linesOfVerdict(
  { policy, findings, undecided }: Verdict,
  workload: Workload,
  use: 'Deny' | 'Warn',
  wanted?: Action,
): Line[] {
  const policies = [policy.name];
  const lines: Line[] = [];
  for (let index = 0, end; index < findings.length; index = end) {
    const finding = findings[index] as Finding;
    end = use === 'Deny' ? index + 1 : endOfAlike(findings, index, workload);
    if (wanted !== undefined && finding.action !== wanted) continue;
    const { check, priority, action, because, path, message, remediation } = finding;
    const where = use === 'Deny' ? displayPath(path, workload) : shortPlace(findings, index, end, workload);
    lines.push({ check, priority, action, because, policies, where, message: clipped(message), remediation });
  }
  for (const one of undecided) {
    if (wanted !== undefined && one.action !== wanted) continue;
    const { check, priority, action } = one;
    const message = clipped(undecidedText(one));
    lines.push({ check, priority, action, because: undefined, policies, where: '', message, remediation: '' });
  }
  return lines;
}

/** As much of a text as a line can show: what is compared with all other lines is no longer. */
function clipped(text: string): string {
  return text.length > LONGEST_LINE ? text.slice(0, LONGEST_LINE) : text;
}

/** Where the findings end that differ from one in nothing but the container. */
function endOfAlike(findings: readonly Finding[], start: number, workload: Workload): number {
  let end = start + 1;
  while (end < findings.length && isAlike(findings[start] as Finding, findings[end] as Finding, workload)) end++;
  return end;
}

function isAlike(a: Finding, b: Finding, { podPath }: Workload): boolean {
  if (a.check !== b.check || a.action !== b.action || a.because !== b.because) return false;
  if (a.message !== b.message || a.remediation !== b.remediation || a.path.length !== b.path.length) return false;
  const [list, index] = [podPath.length, podPath.length + 1];
  if ((a.path[list] !== 'containers' && a.path[list] !== 'initContainers') || !a.container || !b.container)
    return false;
  return a.path.every((step, at) => (step === b.path[at]) === (at !== index));
}

/** The place that findings have in common, by the names of all their containers: `containers[app, proxy].image`. */
function shortPlace(findings: readonly Finding[], start: number, end: number, workload: Workload): string {
  const { path, container } = findings[start] as Finding;
  let names = container;
  for (let index = start + 1; index < end; index++) names += `, ${findings[index]?.container}`;
  return displayPath(path, workload, isInPod(path, workload) ? workload.podPath.length : 0, names);
}

/** Some words, then place, message and remediation of a line: all of it, or as much as fits. */
function written(head: string, { where, message, remediation }: Line, longest: number): string {
  return cut([head, where, where === '' ? '' : ': ', message, remediation === '' ? '' : '; ', remediation], longest);
}

function undecidedText({ status, cause }: Undecided): string {
  return status === 'Error' ? cause : `could not find out ${cause}`;
}

/** `Deployment shop/checkout`. */
export function nameOf({ kind, namespace, name }: Workload): string {
  return `${kind.kind} ${namespace}/${name}`;
}

/** The name of a workload's report: `deployment-checkout`. */
export function reportLine(workload: Workload, reportName: string): string {
  return `All findings: kubectl get rrep -n ${workload.namespace} ${reportName} -o yaml`;
}

/**
 * The text of a denial: one line a denied finding, worst first, with path, what is wrong and the cure.
 *
 * @param reportName - name of the workload's ReadinessReport, undefined if it has none yet
 * @param now - milliseconds since 1970
 * @param refusals - why the glass could not be broken, a sentence each
 */
export function denialMessage(
  workload: Workload,
  verdicts: readonly Verdict[],
  reportName: string | undefined,
  now: number,
  refusals: readonly string[] = [],
): string {
  const denied = linesOf('Deny', workload, verdicts);
  const policies = [...new Set(denied.flatMap((line) => line.policies))].toSorted();
  const shown = denied.slice(0, MOST_LINES);
  const all = denied.length + omittedOf('Deny', verdicts);
  const width = Math.max(...shown.map(({ check }) => check.length));
  // The API server writes its own words ahead of ours, on the same line.
  const text = [
    '',
    `${nameOf(workload)} is not ready for production: ${countOf(denied, all)} (${policies.length === 1 ? 'policy' : 'policies'} ${policies.join(', ')})`,
    ...shown.map((line) => `  ${line.check.padEnd(width)}  ${written('', line, LONGEST_LINE)}`),
  ];
  if (all > shown.length) text.push(`  and ${all - shown.length} more`);
  const lapsed = new Set(verdicts.flatMap((verdict) => verdict.lapsed));
  for (const exception of [...lapsed].slice(0, MOST_LAPSED)) text.push(`${lapsedText(exception, now)}.`);
  text.push(...refusals.slice(0, MOST_LINES));
  const explain = `Explained: ${explainedBy(shown[0]?.check ?? '')}`;
  text.push(reportName === undefined ? explain : `${explain}. ${reportLine(workload, reportName)}`);
  return text.join('\n');
}

function countOf(lines: readonly Line[], count: number): string {
  const priorities = new Set(lines.map(({ priority }) => priority));
  const words: Record<ActivePriority, string> = {
    Critical: 'critical ',
    Important: 'important ',
    NiceToHave: 'nice-to-have ',
  };
  const adjective = priorities.size === 1 ? words[[...priorities][0] as ActivePriority] : '';
  return `${count} ${adjective}finding${count === 1 ? '' : 's'}`;
}

/** The warnings of a request, worst first; where they are too many the first says how many were left out. */
export function warningsOf(workload: Workload, verdicts: readonly Verdict[]): string[] {
  const all = linesOf('Warn', workload, verdicts);
  const kept: string[] = [];
  let size = LONGEST_WARNING;
  for (const line of all) {
    const { policies, priority, check, because } = line;
    const [first = ''] = policies;
    const names = policies.length === 1 ? first : policies.join(', ');
    const reason = because === undefined ? '' : ` (${because})`;
    const warning = written(`[${names}] ${priority} ${check}${reason}: `, line, LONGEST_WARNING);
    size += warning.length;
    if (size > LONGEST_WARNINGS) break;
    kept.push(warning);
  }
  const more = all.length - kept.length + omittedOf('Warn', verdicts);
  return more === 0 ? kept : [`[readiness-operator] and ${more} more warnings than are shown here`, ...kept];
}

/**
 * The warnings of what leaves policies, one a policy up to a number.
 *
 * @param what - in words: `Namespace shop`
 * @param selector - the field of a policy's match that selects it no more
 */
export function leavingWarnings(
  what: string,
  selector: 'namespaceSelector' | 'workloadSelector',
  policies: readonly string[],
): string[] {
  const kept = policies
    .slice(0, MOST_LEFT)
    .map((policy) => cut([`[${policy}] ${selector} matches no more: ${what} leaves the policy`], LONGEST_WARNING));
  const more = policies.length - kept.length;
  return more === 0 ? kept : [`[readiness-operator] and ${more} more policies are left than are shown here`, ...kept];
}

/**
 * The parts as one line that is safe to show, cut short if that is too long. Joined, not added up: texts in one piece are what JSON.stringify
 * writes fast.
 */
function cut(raw: readonly string[], longest: number): string {
  const parts = raw.map(printable);
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > longest) {
    let room = longest - 3;
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as string;
      if (part.length > room) parts[index] = part.slice(0, room);
      room -= (parts[index] as string).length;
    }
    parts.push('...');
  }
  return parts.join('');
}
