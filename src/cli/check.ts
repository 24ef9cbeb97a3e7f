/** `check`: manifests in, findings with file, line and column out. */
import { CHECKS } from '../checks/index.ts';
import type { ProfileName } from '../engine/check.ts';
import { workloadKindOf } from '../engine/kinds.ts';
import { formatPath, valueAt, type Path } from '../engine/path.ts';
import type { Labels } from '../engine/selectors.ts';
import { readWorkload, type Workload } from '../engine/workload.ts';
import { policyMatches, PolicyCompiler, type CompiledPolicy } from '../policy/compile.ts';
import { SYSTEM_NAMESPACES } from '../policy/exemptions.ts';
import { judge, worstFirst, type Finding, type Undecided } from '../policy/judge.ts';
import { combinedReady, countByPriority } from '../policy/report.ts';
import { API_VERSION } from '../policy/schema.ts';
import { UnreadableInput } from './documents.ts';
import { readSources, type Skipped, type Source } from './input.ts';
import { relatedAmong } from './related.ts';

export interface CheckOptions {
  readonly paths: readonly string[];
  readonly policyFiles: readonly string[];
  readonly profile: ProfileName;
  readonly namespace: string;
  /** Labels of every namespace that no Namespace manifest describes. */
  readonly namespaceLabels: Labels | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface CheckedWorkload {
  readonly workload: Workload;
  readonly source: Source;
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly score: number;
  readonly findings: readonly Finding[];
  readonly unknown: readonly Undecided[];
}

export interface CheckReport {
  readonly workloads: readonly CheckedWorkload[];
  readonly skipped: readonly Skipped[];
  /** What the user should know beside the findings. */
  readonly hints: readonly string[];
}

/** Checks manifests. @throws UnreadableInput for input or policies that can't be used */
export function checkManifests(options: CheckOptions): CheckReport {
  const { sources, skipped } = readSources(options.paths);
  const hints: string[] = [];
  const policies = policiesOf(options, sources);
  const related = relatedAmong(sources, options.namespace);
  const namespaces = new Map<string, Labels>();
  for (const { object } of sources) {
    if (object['kind'] !== 'Namespace') continue;
    const name = String(valueAt(object, ['metadata', 'name']));
    namespaces.set(name, {
      'kubernetes.io/metadata.name': name,
      ...(valueAt(object, ['metadata', 'labels']) as Labels | undefined),
    });
  }

  const workloads: CheckedWorkload[] = [];
  for (const source of sources) {
    const kind = workloadKindOf(String(source.object['apiVersion']), String(source.object['kind']));
    if (kind === undefined) continue;
    const read = readWorkload(source.object, kind, options.namespace);
    if ('problem' in read) {
      const { path, message } = read.problem;
      throw new UnreadableInput(source.file, source.locate(path), `${kind.kind}: ${formatPath(path)} ${message}`);
    }
    const { workload } = read;
    const skip = (reason: string): number =>
      skipped.push({ file: source.file, kind: kind.kind, name: workload.name, reason });
    if (workload.controller !== undefined && workloadKindOf(workload.controller.apiVersion, workload.controller.kind)) {
      skip(`judged through its owner, ${workload.controller.kind} ${workload.controller.name}`);
      continue;
    }
    if ((SYSTEM_NAMESPACES as readonly string[]).includes(workload.namespace)) {
      skip(`namespace ${workload.namespace} is never judged`);
      continue;
    }
    const known = namespaces.get(workload.namespace) ?? options.namespaceLabels;
    const matching = policies.filter((policy) => {
      const undecidable = known === undefined && policy.match.spec.namespaceSelector !== undefined;
      if (undecidable) {
        hints.push(
          `policy ${policy.name}: the labels of namespace ${workload.namespace} are not known (--namespace-labels); taken as matching`,
        );
      }
      const subject = {
        kind: kind.kind,
        namespace: workload.namespace,
        namespaceLabels: known ?? {},
        labels: workload.labels,
      };
      return policyMatches(policy, subject, undecidable);
    });
    if (matching.length === 0) {
      skip('no policy matches it');
      continue;
    }
    const verdicts = matching.map((policy) => judge(policy, workload, related, options.now));
    workloads.push({
      workload,
      source,
      ready: combinedReady(verdicts),
      score: Math.min(...verdicts.map(({ score }) => score)),
      findings: worstFirst(verdicts.flatMap(({ findings }) => findings)),
      unknown: worstFirst(verdicts.flatMap(({ undecided }) => undecided)),
    });
  }
  return { workloads, skipped, hints: [...new Set(hints)] };
}

function policiesOf(options: CheckOptions, sources: readonly Source[]): CompiledPolicy[] {
  const compiler = new PolicyCompiler(CHECKS);
  const given = options.policyFiles.length > 0 ? readSources(options.policyFiles).sources : sources;
  const objects = given.filter(
    ({ object }) => object['kind'] === 'ReadinessPolicy' && object['apiVersion'] === API_VERSION,
  );
  if (objects.length === 0) {
    if (options.policyFiles.length > 0)
      throw new UnreadableInput(options.policyFiles.join(', '), undefined, 'holds no ReadinessPolicy');
    const compiled = compiler.compile({ metadata: { name: options.profile }, spec: { profile: options.profile } });
    if ('problems' in compiled) throw new Error(`the profile ${options.profile} does not compile`);
    return [compiled.policy];
  }
  return objects.map(({ object, file, locate }) => {
    const compiled = compiler.compile(object);
    if ('policy' in compiled) return compiled.policy;
    const [first] = compiled.problems;
    const lines = compiled.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
    throw new UnreadableInput(file, locate(first?.path ?? []), `ReadinessPolicy: ${lines.join('; ')}`);
  });
}

/** 0: nothing denies; 1: something does. */
export function exitStatusOf({ workloads }: CheckReport, strict: boolean): 0 | 1 {
  const denies = workloads.some(
    ({ findings, unknown }) =>
      findings.some(({ action }) => action === 'Deny') ||
      unknown.some(({ action, priority }) => action === 'Deny' || (strict && priority === 'Critical')),
  );
  return denies ? 1 : 0;
}

/** Counts for summaries. */
export function summaryOf({ workloads }: CheckReport) {
  const by = (state: CheckedWorkload['ready']): number => workloads.filter(({ ready }) => ready === state).length;
  return {
    workloads: workloads.length,
    ready: by('True'),
    notReady: by('False'),
    unknown: by('Unknown'),
    ...countByPriority(workloads.flatMap(({ findings }) => findings)),
  };
}

/** Where a path of a workload stands. */
export function placeOf({ source }: CheckedWorkload, path: Path): { file: string; line: number; column: number } {
  return { file: source.file, ...source.locate(path) };
}
