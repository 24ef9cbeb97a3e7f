/** The commands other than `serve`: their options and help. What they do is loaded when it is needed. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Labels } from '../engine/selectors.ts';
import { IGNORE_FILE } from './exclusions.ts';
import { FAIL_ON, type FailOn } from './fail-on.ts';
import { CHECK_FORMATS, TABLE_FORMATS, type CheckFormat, type TableFormat } from './formats.ts';
import { print, processIo, wantsColour, type Io } from './io.ts';
import type { Look } from './layout.ts';

interface CheckFlags {
  readonly filename: string[];
  readonly policy: string[];
  readonly profile?: 'production-v1' | 'baseline-v1';
  readonly namespace: string;
  readonly namespaceLabels?: Labels;
  readonly workloadKinds?: string;
  readonly asOf?: number;
  readonly strict?: true;
  readonly allowEmpty?: true;
  readonly exclude: string[];
  readonly keepGoing?: true;
  readonly cluster?: true;
  readonly failOn?: FailOn;
  readonly output: CheckFormat;
}

const CHECK_HELP = `
What a manifest names (Secrets, ConfigMaps, ServiceAccounts) is looked up among the manifests; what is not there is
unknown, which is shown and fails with --strict alone. With --cluster the cluster is asked for it.

Exit status: 0 nothing would be denied, 1 something would, 2 the input can't be used, or nothing was judged. With
--fail-on it is the priority of a finding that decides between 0 and 1.

Examples:
  readiness-operator check -f manifests/
  helm template . | readiness-operator check -f - --policy policies/production.yaml
  kustomize build overlays/production | readiness-operator check -f - -n shop --strict
  readiness-operator check -f app.yaml --cluster            # as the cluster's policies would judge it
  kubectl get deployments -A -o yaml | readiness-operator check -f - -o json
  readiness-operator check -f app.yaml --as-of 2027-01-01   # as from the day on which a policy starts to deny`;

const EXPLAIN_HELP = `
Examples:
  readiness-operator explain
  readiness-operator explain memoryLimits`;

/**
 * Adds `check`, `explain`, `profiles` and `catalog`.
 *
 * @param setExit - told the exit status of a command that ran; usage errors are commander's to throw
 */
export function addCliCommands(program: Command, setExit: (status: number) => void, io: Io = processIo()): void {
  const look = (): Look => ({ colour: wantsColour(io), width: io.isTTY ? io.columns : undefined });
  addCheck(program, setExit, io);

  program
    .command('explain')
    .argument('[check]', 'name of a check; all of them if left out')
    .description('tell what a check wants, why, and how to meet it')
    .addHelpText('after', EXPLAIN_HELP)
    .action(async (name: string | undefined) => {
      const { explainAll, explainCheck, unknownCheck } = await import('./explain.ts');
      const text = name === undefined ? explainAll(look()) : explainCheck(name, look());
      if (text !== undefined) return print(io.stdout, text);
      setExit(2);
      return print(io.stderr, `error: ${unknownCheck(name ?? '')}\n`);
    });

  program
    .command('profiles')
    .description('show which check has which priority in which profile')
    .addOption(outputOption(TABLE_FORMATS))
    .action(async ({ output }: { readonly output: TableFormat }) => {
      const { profilesDocument, profilesTable } = await import('./profiles.ts');
      await print(io.stdout, await written(output, profilesDocument, () => profilesTable(look())));
    });

  program
    .command('catalog')
    .description('show what of the production readiness checklist is covered by what')
    .addOption(outputOption(TABLE_FORMATS))
    .action(async ({ output }: { readonly output: TableFormat }) => {
      const { catalogDocument, catalogTable } = await import('./catalog.ts');
      await print(io.stdout, await written(output, catalogDocument, () => catalogTable(look())));
    });
}

function addCheck(program: Command, setExit: (status: number) => void, io: Io): void {
  const collect = (value: string, present: string[]): string[] => [...present, value];
  program
    .command('check')
    .argument('[paths...]', 'more files and directories')
    .description('check manifests')
    .option('-f, --filename <path>', 'file, directory (recursively) or - for standard input; repeatable', collect, [])
    .addOption(
      new Option('--policy <file>', 'file with ReadinessPolicies to check with; repeatable')
        .argParser(collect)
        .default([], 'those among the manifests')
        .conflicts('profile'),
    )
    .addOption(
      new Option('--profile <name>', 'profile to check everything with, instead of policies')
        .choices(['production-v1', 'baseline-v1'])
        .default(undefined, 'production-v1 where there are no policies'),
    )
    .option('-n, --namespace <name>', 'namespace of manifests that name none', 'default')
    .option('--namespace-labels <k=v,...>', 'labels of namespaces whose manifests are not given', parseLabels)
    .option('--workload-kinds <list>', 'custom kinds that hold a pod template: JSON, or a file such as values.yaml')
    .option('--as-of <time>', 'judge as of this date or time, 2027-01-31T00:00:00Z (default: now)', parseTime)
    .option('--strict', 'what could not be found out counts as unmet where that would be denied')
    .option('--cluster', 'take policies, namespaces and what is not among the manifests from the current kubeconfig')
    .option('--allow-empty', 'no workload to judge is no error')
    .option('--exclude <glob>', `what is left out of directories, beside ${IGNORE_FILE}; repeatable`, collect, [])
    .option('--keep-going', "judge the rest of the input when a part of it can't be used (the exit status stays 2)")
    .addOption(
      new Option('--fail-on <priority>', 'exit with 1 at findings of this priority or worse, whatever they would do')
        .choices(FAIL_ON)
        .default(undefined, 'what would be denied'),
    )
    .addOption(outputOption(CHECK_FORMATS))
    .addHelpText('after', CHECK_HELP)
    .action(async (more: string[], flags: CheckFlags, command: Command) => {
      const paths = [...flags.filename, ...more];
      if (paths.length === 0)
        command.error('error: nothing to check; name files or directories with -f, or - for stdin');
      const { runCheck } = await import('./run-check.ts');
      const {
        policy,
        profile,
        namespace,
        namespaceLabels,
        workloadKinds,
        asOf,
        strict,
        allowEmpty,
        exclude,
        keepGoing,
        cluster,
        failOn,
        output,
      } = flags;
      setExit(
        await runCheck(
          {
            paths,
            policyFiles: policy,
            profile,
            namespace,
            namespaceLabels,
            workloadKinds,
            output,
            failOn,
            now: asOf ?? Date.now(),
            strict: strict === true,
            allowEmpty: allowEmpty === true,
            exclude,
            keepGoing: keepGoing === true,
            cluster: cluster === true,
          },
          io,
        ),
      );
    });
}

function outputOption(formats: readonly string[]): Option {
  return new Option('-o, --output <format>', 'output format').choices(formats).default('table');
}

/** What a command that shows a table writes in the form asked for. */
async function written(output: TableFormat, documentOf: () => unknown, tableOf: () => string): Promise<string> {
  if (output === 'table') return tableOf();
  const { toJson, toYaml } = await import('./serialize.ts');
  return output === 'json' ? toJson(documentOf()) : toYaml(documentOf());
}

function parseLabels(text: string): Labels {
  const labels = text
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new InvalidArgumentError(`"${pair}" is not key=value.`);
      return [pair.slice(0, equals), pair.slice(equals + 1)] as const;
    });
  return Object.fromEntries(labels);
}

/** @returns milliseconds since 1970; a date alone means its midnight in UTC */
function parseTime(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('Write 2027-01-31 or 2027-01-31T00:00:00Z.');
  return time;
}
