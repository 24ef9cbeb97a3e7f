/** The commands that work without a cluster. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { PROFILES, type ProfileName } from '../engine/check.ts';
import type { Labels } from '../engine/selectors.ts';
import { checkManifests, exitStatusOf } from './check.ts';
import { UnreadableInput } from './documents.ts';
import { explainAll, explainCheck, profilesTable } from './explain.ts';
import { renderJson, renderTable } from './render.ts';

/** Exit status of bad usage and of input that can't be read. */
const UNUSABLE = 2;

interface Flags {
  readonly filename: string[];
  readonly policy: string[];
  readonly profile: ProfileName;
  readonly namespace: string;
  readonly namespaceLabels?: Labels;
  readonly asOf?: number;
  readonly strict?: true;
  readonly allowEmpty?: true;
  readonly output: 'table' | 'json';
}

/** Adds `check`, `explain` and `profiles`. `setExit` is told the exit status. */
export function addCliCommands(program: Command, setExit: (status: number) => void): void {
  const fail = (message: string): void => {
    process.stderr.write(`${message}\n`);
    setExit(UNUSABLE);
  };
  // A reader that closes the pipe early, such as head, has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const collect = (value: string, present: string[]): string[] => [...present, value];

  program
    .command('check [paths...]')
    .description('check manifests: files, directories, or - for standard input')
    .option('-f, --filename <path>', 'file, directory or -; repeatable', collect, [])
    .option('--policy <file>', 'ReadinessPolicy to check with; repeatable', collect, [])
    .addOption(
      new Option('--profile <name>', 'profile to check with where no policy is given')
        .choices(PROFILES)
        .default('production-v1'),
    )
    .option('-n, --namespace <name>', 'namespace of manifests that name none', 'default')
    .option('--namespace-labels <k=v,...>', 'labels of the namespaces', parseLabels)
    .option('--as-of <time>', 'judge as of this time', parseTime)
    .option('--strict', 'a Critical check that could not find out fails')
    .option('--allow-empty', 'no workload at all is no error')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json']).default('table'))
    .action((paths: string[], flags: Flags) => {
      const all = [...flags.filename, ...paths];
      if (all.length === 0) return fail('nothing to check; name files or directories with -f, or - for standard input');
      try {
        const report = checkManifests({
          paths: all,
          policyFiles: flags.policy,
          profile: flags.profile,
          namespace: flags.namespace,
          namespaceLabels: flags.namespaceLabels,
          now: flags.asOf ?? Date.now(),
        });
        for (const hint of report.hints) process.stderr.write(`${hint}\n`);
        process.stdout.write(flags.output === 'json' ? renderJson(report) : renderTable(report, wantsColour()));
        if (report.workloads.length === 0 && flags.allowEmpty !== true)
          return fail('no workload was found (--allow-empty if that is right)');
        setExit(exitStatusOf(report, flags.strict === true));
      } catch (error) {
        if (!(error instanceof UnreadableInput)) throw error;
        fail(error.message);
      }
      return undefined;
    });

  program
    .command('explain [check]')
    .description('explain a check, or list all of them')
    .action((name: string | undefined) => {
      if (name === undefined) {
        process.stdout.write(explainAll());
        return;
      }
      const explained = explainCheck(name);
      if ('unknown' in explained) fail(explained.unknown);
      else process.stdout.write(explained.text);
    });

  program
    .command('profiles')
    .description('show which check has which priority in which profile')
    .action(() => void process.stdout.write(profilesTable()));
}

function wantsColour(): boolean {
  if (process.env['FORCE_COLOR'] !== undefined) return process.env['FORCE_COLOR'] !== '0';
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}

function parseLabels(text: string): Labels {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [key = '', ...value] = pair.split('=');
      if (key === '' || value.length === 0) throw new InvalidArgumentError('must be key=value,...');
      return [key, value.join('=')];
    }),
  );
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('must be a date and time, for example 2027-01-31T00:00:00Z');
  return time;
}
