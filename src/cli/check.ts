/** Checks manifests: files in, what is unmet out, each with file, line and column. */
import type { ActivePriority } from '../engine/check.ts';
import { apiVersionOf, judgedThrough, WORKLOAD_KINDS, workloadKindOf, type WorkloadKind } from '../engine/kinds.ts';
import { formatPath, valueAt, type Path } from '../engine/path.ts';
import type { Related } from '../engine/related.ts';
import type { Labels } from '../engine/selectors.ts';
import { hasTemplate, readWorkload, type RawObject, type Workload } from '../engine/workload.ts';
import { policyMatches, type CompiledPolicy } from '../policy/compile.ts';
import { lapsedText } from '../policy/exceptions.ts';
import { SYSTEM_NAMESPACES } from '../policy/exemptions.ts';
import { denies, judgeFor, worstFirst, type Ready, type Verdict } from '../policy/judge.ts';
import { combinedReady, countByPriority } from '../policy/report.ts';
import type { Action } from '../policy/schema.ts';
import { templateHint } from './documents.ts';
import { exceptionsAmong } from './exceptions.ts';
import { exclusionsOf } from './exclusions.ts';
import { fails, type FailOn } from './fail-on.ts';
import { beforeAutoscalers, deniedAtFirst } from './first-apply.ts';
import { readFiles } from './input.ts';
import { Namespaces } from './namespaces.ts';
import { readObjects, type Skipped, type Source } from './objects.ts';
import { policiesOf, type PROFILE_CHOICES } from './policies.ts';
import { allOf, Problems, type Position, type Problem } from './problems.ts';
import { relatedAmong } from './related.ts';
import { nameOf, namespaceOf } from './shape.ts';

/** What to check, and with what. */
export interface CheckOptions {
  /** Files, directories, and `-` for standard input. */
  readonly paths: readonly string[];
  /** Files with the policies; empty: those among the manifests, else the profile. */
  readonly policyFiles: readonly string[];
  /** Undefined: not asked for, so that policies among the manifests come first; production-v1 where there are none. */
  readonly profile: (typeof PROFILE_CHOICES)[number] | undefined;
  /** Namespace of objects that name none. */
  readonly namespace: string;
  /** Labels of every namespace that no Namespace manifest describes; undefined: not known. */
  readonly namespaceLabels: Labels | undefined;
  /** Kinds that are judged; absent: those of Kubernetes. */
  readonly workloadKinds?: readonly WorkloadKind[] | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A check that could not find out fails where its action is Deny. */
  readonly strict?: boolean;
  /** What lets the command fail; undefined: what would be denied. */
  readonly failOn?: FailOn | undefined;
  /** What standard input held, where one of the paths is `-`. */
  readonly stdin?: Uint8Array | undefined;
  /** Globs of files and directories that are left out of the directories that are named. */
  readonly exclude?: readonly string[];
  /** What can't be used does not stop the rest; it is told at the end. */
  readonly keepGoing?: boolean;
  /** Told how far it has come, in a few words. */
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** One unmet check at one place. What several policies find alike is one finding. */
export interface CheckedFinding {
  readonly check: string;
  readonly priority: ActivePriority;
  /** The strictest of those that the policies say. */
  readonly action: Action;
  /** Why the action is milder than the priority's own; undefined if it is not. */
  readonly because: string | undefined;
  readonly path: Path;
  readonly at: Position;
  readonly container: string | undefined;
  readonly message: string;
  readonly remediation: string;
  /** Names of the policies that say so, sorted. */
  readonly policies: readonly string[];
  /** Name of the exception that lets it pass; such a finding is counted nowhere. */
  readonly exception: string | undefined;
  /** Does it let the command fail? */
  readonly fails: boolean;
}

/** A check that could not find out, or failed. */
export interface CheckedUnknown {
  readonly check: string;
  readonly priority: ActivePriority;
  readonly status: 'Unknown' | 'Error';
  readonly action: Action;
  readonly cause: string;
  /** Names of the policies concerned, sorted. */
  readonly policies: readonly string[];
  /** Does it let the command fail? */
  readonly fails: boolean;
}

/** One workload with what was found. */
export interface CheckedWorkload {
  readonly workload: Workload;
  readonly file: string;
  /** Where the object begins. */
  readonly at: Position;
  readonly ready: Ready;
  /** 0 to 100. */
  readonly score: number;
  /** Would it be refused? */
  readonly denied: boolean;
  /** Worst first; what exceptions let pass comes last. */
  readonly findings: readonly CheckedFinding[];
  /** Worst first. */
  readonly unknown: readonly CheckedUnknown[];
  /** Names of the checks that were run, sorted. */
  readonly checks: readonly string[];
}

/** What `check` has to say. */
export interface CheckReport {
  /** In the order in which they were read. */
  readonly workloads: readonly CheckedWorkload[];
  readonly skipped: readonly Skipped[];
  /** Names of what was checked with, sorted. */
  readonly policies: readonly string[];
  /** What the user should know beside the findings, a sentence each. */
  readonly hints: readonly string[];
  /** What could not be used, where the rest was judged all the same. */
  readonly problems: readonly Problem[];
}

/** What is known beside the manifests; they win over it. */
export interface World {
  /** ReadinessPolicies that are in force. */
  readonly policies: readonly Source[];
  /** ReadinessExceptions. */
  readonly exceptions: readonly RawObject[];
  readonly namespaceLabels: ReadonlyMap<string, Labels>;
  readonly related: Related;
}

/** What was read of the files. */
export interface Input {
  readonly sources: readonly Source[];
  readonly skipped: readonly Skipped[];
  /** Objects of the files with policies; undefined if none were named. */
  readonly given: readonly Source[] | undefined;
  /** What of the files can't be used, where that is tolerated. */
  readonly problems: readonly Problem[];
}

interface Subject {
  readonly source: Source;
  readonly workload: Workload;
}

/**
 * Checks manifests.
 *
 * @param world - absent: nothing is known but the manifests
 * @throws UnreadableInput naming everything that can't be read, workloads of the wrong shape and policies that do not
 *   compile; nothing has been judged then
 */
export function checkManifests(options: CheckOptions, world?: World): CheckReport {
  return judgeInput(readInput(options), options, world);
}

/** Reads the files. @throws UnreadableInput naming everything that can't be read */
export function readInput(options: CheckOptions): Input {
  const { onProgress } = options;
  const problems = new Problems(options.keepGoing);
  const isExcluded = exclusionsOf(options.exclude ?? []);
  const [{ sources, skipped }, given] = allOf(
    () => {
      const reading = { problems, isExcluded };
      const files = readFiles(options.paths, options.stdin, (read) => onProgress?.(`${read} files read`), reading);
      return readObjects(files, (parsed) => onProgress?.(`${parsed} of ${files.files.length} files parsed`), problems);
    },
    () => (options.policyFiles.length === 0 ? undefined : readObjects(readFiles(options.policyFiles, options.stdin))),
  );
  return { sources, skipped, given: given?.sources, problems: problems.all };
}

/** Names of the namespaces that workloads are in. */
export function namespacesOf(
  { sources }: Input,
  { namespace, workloadKinds }: Pick<CheckOptions, 'namespace' | 'workloadKinds'>,
): ReadonlySet<string> {
  const workloads = sources.filter(
    ({ apiVersion, kind }) => workloadKindOf(apiVersion, kind, workloadKinds) !== undefined,
  );
  return new Set(workloads.map(({ object }) => namespaceOf(object, namespace)));
}

/** Judges what was read. @throws UnreadableInput naming all objects that can't be used */
export function judgeInput({ sources, given, ...input }: Input, options: CheckOptions, world?: World): CheckReport {
  const { workloadKinds: kinds = WORKLOAD_KINDS } = options;
  const problems = new Problems(options.keepGoing);
  const [chosen, related, namespaces, exceptions, subjects] = allOf(
    () => policiesOf({ given, sources, profile: options.profile, inForce: world?.policies }),
    () => relatedAmong(sources, options.namespace, world?.related, problems),
    () => new Namespaces(sources, world?.namespaceLabels, options.namespaceLabels, problems),
    () => exceptionsAmong(sources, options.namespace, world?.exceptions, problems),
    () => readWorkloads(sources, options.namespace, kinds, problems),
  );

  const early = beforeAutoscalers(related, world?.related);
  const policies = chosen.policies.map((policy) => withUnknown(policy, options.strict === true ? 'Deny' : 'Warn'));
  const byName = new Map(subjects.map(({ workload }) => [keyOf(workload.kind, workload), workload]));
  const workloads: CheckedWorkload[] = [];
  const skipped = [...input.skipped];
  const hints = new Set<string>(chosen.hints);
  const skip = ({ file, kind }: Source, name: string, reason: string): void =>
    void skipped.push({ file, kind, name, reason });

  for (const { source, workload } of subjects) {
    const owner = ownerAmong(byName, workload, kinds);
    if (owner !== undefined) {
      skip(source, workload.name, `judged through its owner, ${owner.kind.kind} ${owner.name}`);
      continue;
    }
    if (chosen.byMatch && (SYSTEM_NAMESPACES as readonly string[]).includes(workload.namespace)) {
      skip(source, workload.name, `policies leave out the system namespace ${workload.namespace}`);
      continue;
    }
    const matching = policies.filter((policy) => matches(policy, workload, namespaces, hints));
    if (matching.length === 0) skip(source, workload.name, 'no policy matches it');
    else {
      // Who judges files of their own wants to see everything.
      const judge = judgeFor(matching.length, workload, related, options.now, exceptions, Infinity);
      const verdicts = matching.map((policy) => judge(policy));
      for (const exception of verdicts.flatMap(({ lapsed }) => lapsed)) hints.add(lapsedText(exception, options.now));
      for (const verdict of verdicts) {
        for (const hint of deniedAtFirst(verdict, workload, early, options.now, exceptions)) hints.add(hint);
      }
      workloads.push(checkedOf(source, workload, verdicts, options));
      options.onProgress?.(`${workloads.length} of ${subjects.length} workloads judged`);
    }
  }
  skipped.push(...strangersAmong(sources, kinds), ...chosen.unused);
  return {
    workloads,
    skipped,
    policies: policies.map(({ name }) => name).toSorted(),
    hints: [...hints],
    problems: [...input.problems, ...problems.all],
  };
}

/**
 * The workload of the input through which another one is judged. What is not among the manifests judges nothing: a list of
 * Pods alone (`kubectl get pods -o yaml`) is judged as it stands.
 */
function ownerAmong(
  byName: ReadonlyMap<string, Workload>,
  { kind, namespace, controller }: Workload,
  kinds: readonly WorkloadKind[],
): Workload | undefined {
  const by = controller === undefined ? undefined : judgedThrough(kind.kind, controller, kinds);
  if (by === undefined || controller === undefined) return undefined;
  return byName.get(keyOf(by, { namespace, name: controller.name }));
}

function keyOf({ kind }: WorkloadKind, { namespace, name }: Pick<Workload, 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

/** Unknown here means that the files don't tell, not that the cluster could not be asked: the user's --strict decides. */
function withUnknown(policy: CompiledPolicy, onUnknown: 'Warn' | 'Deny'): CompiledPolicy {
  return { ...policy, enforcement: { ...policy.enforcement, onUnknown } };
}

/** @throws UnreadableInput naming the workloads of the wrong shape */
function readWorkloads(
  sources: readonly Source[],
  namespace: string,
  kinds: readonly WorkloadKind[],
  problems: Problems,
): Subject[] {
  const read: Subject[] = [];
  for (const source of sources) {
    const kind = workloadKindOf(source.apiVersion, source.kind, kinds);
    if (kind === undefined || !hasTemplate(source.object, kind)) continue;
    const result = readWorkload(source.object, kind, namespace);
    if ('workload' in result) read.push({ source, workload: result.workload });
    else {
      const { path, message } = result.problem;
      const written = valueAt(source.object, path);
      const hint = typeof written === 'string' ? templateHint(written) : '';
      problems.add(source.file, source.locate(path), `${kind.kind}: ${formatPath(path)}: ${message}${hint}`);
    }
  }
  problems.throwIfAny();
  return read;
}

function matches(policy: CompiledPolicy, workload: Workload, namespaces: Namespaces, hints: Set<string>): boolean {
  const { kind, namespace, labels } = workload;
  const inNamespace = namespaces.match(policy, namespace);
  const subject = { kind: kind.kind, namespace, namespaceLabels: namespaces.labelsOf(namespace), labels };
  if (inNamespace === 'no' || !policyMatches(policy, subject, true)) return false;
  if (inNamespace === 'unknown') {
    hints.add(
      `policy ${policy.name}: taken as matching, because the labels of namespace ${namespace} are not known; give its manifest or --namespace-labels`,
    );
  }
  return true;
}

function checkedOf(
  source: Source,
  workload: Workload,
  verdicts: readonly Verdict[],
  { failOn, strict }: CheckOptions,
): CheckedWorkload {
  const findings = merged(
    verdicts.flatMap((verdict) => verdict.findings),
    ({ check, path, message }) => [check, path, message],
  );
  const excepted = merged(
    verdicts.flatMap((verdict) => verdict.excepted),
    ({ check, path, message, exception }) => [check, path, message, exception.name],
  );
  const unknown = merged(
    verdicts.flatMap(({ undecided }) => undecided),
    ({ check, cause }) => [check, cause],
  );
  return {
    workload,
    file: source.file,
    at: source.locate([]),
    ready: combinedReady(verdicts),
    score: Math.min(...verdicts.map(({ score }) => score)),
    denied: verdicts.some(denies),
    findings: [
      ...findings.map(({ item, policies }) => ({ item, policies, exception: undefined, fails: fails(item, failOn) })),
      // What an exception lets pass lets nothing fail.
      ...excepted.map(({ item, policies }) => ({ item, policies, exception: item.exception.name, fails: false })),
    ].map(({ item, ...rest }) => ({ ...item, at: source.locate(item.path), ...rest })),
    unknown: unknown.map(({ item, policies }) => {
      const counts = failOn === undefined || strict === true || item.status === 'Error';
      return { ...item, policies, fails: counts && fails(item, failOn) };
    }),
    checks: [...new Set(verdicts.flatMap(({ policy }) => policy.enabled.map(({ check }) => check.name)))].toSorted(),
  };
}

/** What several policies say alike is said once, with the strictest action and all their names; worst first. */
function merged<T extends { readonly policy: string; readonly action: Action; readonly priority: ActivePriority }>(
  items: readonly T[],
  keyOf: (item: T) => unknown,
): { readonly item: T; readonly policies: readonly string[] }[] {
  const byKey = new Map<string, { readonly item: T; readonly policies: string[] }>();
  for (const item of worstFirst(items)) {
    const key = JSON.stringify(keyOf(item));
    const present = byKey.get(key);
    if (present === undefined) byKey.set(key, { item, policies: [item.policy] });
    else if (!present.policies.includes(item.policy)) present.policies.push(item.policy);
  }
  return [...byKey.values()].map(({ item, policies }) => ({ item, policies: policies.toSorted() }));
}

/** What looks like a workload and is none that is judged, with the reason. */
function strangersAmong(sources: readonly Source[], kinds: readonly WorkloadKind[]): Skipped[] {
  return sources.flatMap(({ file, kind, apiVersion, object }) => {
    const reason = strangenessOf(apiVersion, kind, object, kinds);
    return reason === undefined ? [] : [{ file, kind, name: nameOf(object), reason }];
  });
}

function strangenessOf(
  apiVersion: string,
  kind: string,
  object: RawObject,
  kinds: readonly WorkloadKind[],
): string | undefined {
  const judged = workloadKindOf(apiVersion, kind, kinds);
  if (judged !== undefined) return hasTemplate(object, judged) ? undefined : 'it holds no pod template';
  const known = kinds.find((candidate) => candidate.kind === kind);
  // Old APIs, misspelt ones.
  if (known !== undefined) return `${kind} of ${apiVersion} is not judged, only of ${apiVersionOf(known)}`;
  if (!Array.isArray(valueAt(object, ['spec', 'template', 'spec', 'containers']))) return undefined;
  return `it holds a pod template, but ${kind} of ${apiVersion} is not judged; name its kind with --workload-kinds`;
}

/** 0: nothing lets the command fail; 1: something does. */
export function exitStatusOf({ workloads }: CheckReport): 0 | 1 {
  return workloads.some(({ findings, unknown }) => [...findings, ...unknown].some(({ fails }) => fails)) ? 1 : 0;
}

/** The counts of a report. */
export interface Summary {
  readonly workloads: number;
  readonly ready: number;
  readonly notReady: number;
  readonly unknown: number;
  readonly critical: number;
  readonly important: number;
  readonly niceToHave: number;
}

/** Counts workloads by state and findings by priority. */
export function summaryOf({ workloads }: CheckReport): Summary {
  const by = (state: Ready): number => workloads.filter(({ ready }) => ready === state).length;
  return {
    workloads: workloads.length,
    ready: by('True'),
    notReady: by('False'),
    unknown: by('Unknown'),
    ...countByPriority(
      workloads.flatMap(({ findings }) => findings).filter(({ exception }) => exception === undefined),
    ),
  };
}
