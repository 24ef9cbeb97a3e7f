/** The command `check`, from its options to its exit status. */
import { printable } from '../engine/printable.ts';
import { checkManifests, exitStatusOf, type CheckOptions, type CheckReport } from './check.ts';
import { readStdin, STDIN } from './input.ts';
import { print, wantsColour, type Io } from './io.ts';
import { UnreadableInput } from './problems.ts';
import type { CheckFormat } from './formats.ts';
import { renderGithub } from './github.ts';
import { renderJunit } from './junit.ts';
import type { Look } from './layout.ts';
import { Progress } from './progress.ts';
import { documentOf, renderTable } from './render.ts';
import { renderSarif } from './sarif.ts';
import { toJson, toYaml } from './serialize.ts';
import { workloadKindsOf } from './workload-kinds.ts';

/** What `check` is asked to do. */
export interface RunCheckOptions extends Omit<CheckOptions, 'stdin' | 'onProgress' | 'workloadKinds'> {
  /** Custom kinds as JSON, or the name of a file with them; undefined: none. */
  readonly workloadKinds: string | undefined;
  /** Input without any workload is no error. */
  readonly allowEmpty: boolean;
  /** Policies, namespaces and what is not among the manifests come from the cluster of the current kubeconfig. */
  readonly cluster: boolean;
  readonly output: CheckFormat;
}

/** Exit status of bad usage, of input that can't be read, and of input without a workload. */
export const UNUSABLE = 2;

const RENDERERS: Record<CheckFormat, (report: CheckReport, look: Look) => string> = {
  table: renderTable,
  json: (report) => toJson(documentOf(report)),
  yaml: (report) => toYaml(documentOf(report)),
  sarif: renderSarif,
  junit: renderJunit,
  github: renderGithub,
};

/**
 * Runs `check`: findings to standard output, hints and errors to standard error.
 *
 * @returns 0: nothing lets it fail; 1: something does; 2: the input, or with --keep-going a part of it, can't be used
 */
export async function runCheck(options: RunCheckOptions, io: Io): Promise<0 | 1 | typeof UNUSABLE> {
  let report: CheckReport;
  const progress = new Progress(io);
  try {
    const needsStdin = [...options.paths, ...options.policyFiles].includes(STDIN);
    const complete = {
      ...options,
      workloadKinds: options.workloadKinds === undefined ? undefined : workloadKindsOf(options.workloadKinds),
      onProgress: (text: string) => progress.show(text),
      stdin: needsStdin ? await readStdin(io.stdin) : undefined,
    };
    report = await (options.cluster
      ? (await import('./cluster.ts')).checkInCluster(complete)
      : checkManifests(complete));
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    progress.clear();
    await print(io.stderr, errorsOf(error));
    return UNUSABLE;
  } finally {
    progress.clear();
  }
  await print(io.stderr, report.hints.map((hint) => `note: ${printable(hint)}\n`).join(''));
  if (report.workloads.length === 0 && report.problems.length === 0 && !options.allowEmpty) {
    const lines = [
      `error: no workload was judged in ${options.paths.join(', ')} (--allow-empty if that is right)`,
      ...report.skipped.map((one) => printable(`  ${skippedName(one)}: ${one.reason}`)),
    ];
    await print(io.stderr, `${lines.join('\n')}\n`);
    return UNUSABLE;
  }
  const look = { colour: wantsColour(io), width: io.isTTY ? io.columns : undefined };
  await print(io.stdout, RENDERERS[options.output](report, look));
  if (report.problems.length === 0) return exitStatusOf(report);
  await print(io.stderr, errorsOf(new UnreadableInput(report.problems)));
  return UNUSABLE;
}

function errorsOf({ message }: UnreadableInput): string {
  return `${message.replaceAll(/^/gm, 'error: ')}\n`;
}

function skippedName({ file, kind, name }: CheckReport['skipped'][number]): string {
  return kind === null ? file : `${file}: ${kind} ${name ?? ''}`.trimEnd();
}
