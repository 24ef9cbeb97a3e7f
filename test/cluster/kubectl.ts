/** kubectl and helm against a test cluster, untouched by the settings of the person who runs the tests. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import type { Identity } from './pki.ts';

/** How long a command may take unless told, in milliseconds. */
const TIMEOUT_MS = 60_000;

/**
 * A cluster, or the path of a kubeconfig file. What kubectl and helm keep goes to `home`, unless told the kubeconfig's
 * folder.
 */
export type Target = string | { readonly kubeconfig: string; readonly home?: string };

/** How to run a command. */
export interface CommandOptions {
  /** Text for its standard input. */
  input?: string;
  /** Impersonates a user: a name, or a name with groups. */
  as?: string | Identity;
  /** More environment variables. */
  env?: Record<string, string>;
  /** Returns the result even if the command fails; else a failure throws. */
  allowFailure?: boolean;
  /** How long it may take, in milliseconds; 60 s unless told. */
  timeoutMs?: number;
}

/** What a command said and how it ended. */
export interface CommandResult {
  stdout: string;
  stderr: string;
  /** The exit code. */
  code: number;
}

/** A command that failed; the message has what it wrote to standard error. */
export class CommandError extends Error {
  readonly result: CommandResult;

  constructor(command: string, result: CommandResult) {
    super(`${command} failed with exit code ${result.code}:\n${result.stderr || result.stdout}`);
    this.result = result;
  }
}

/**
 * Runs kubectl.
 *
 * @throws CommandError if it exits with another code than 0 and `allowFailure` is not set
 * @throws Error if it cannot be had or run, or takes too long
 */
export function kubectl(target: Target, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return command('kubectl', target, [...impersonation(options.as, '--as', '--as-group'), ...args], options);
}

/** Runs helm (version 4); throws as {@link kubectl} does. */
export function helm(target: Target, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return command('helm', target, [...impersonation(options.as, '--kube-as-user', '--kube-as-group'), ...args], options);
}

/**
 * The environment by which kubectl and helm reach a cluster and keep their files with it: for a shell, or for a program
 * that calls them.
 */
export function clientEnvironment(target: Target): Record<string, string> {
  const { kubeconfig, home = dirname(kubeconfig) }: Exclude<Target, string> =
    typeof target === 'string' ? { kubeconfig: target } : target;
  return {
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: join(home, 'kubectl-cache'),
    // The user's own preferences could change what a command does.
    KUBERC: 'off',
    HELM_CACHE_HOME: join(home, 'helm', 'cache'),
    HELM_CONFIG_HOME: join(home, 'helm', 'config'),
    HELM_DATA_HOME: join(home, 'helm', 'data'),
  };
}

function impersonation(as: CommandOptions['as'], user: string, group: string): string[] {
  if (as === undefined) return [];
  const identity = typeof as === 'string' ? { user: as } : as;
  return [`${user}=${identity.user}`, ...(identity.groups ?? []).map((name) => `${group}=${name}`)];
}

async function command(
  name: 'kubectl' | 'helm',
  target: Target,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const { [name]: path } = await ensureBinaries([name]);
  const { timeoutMs = TIMEOUT_MS } = options;
  const shown = [name, ...args].join(' ');
  // Messages in the language that the tests expect.
  const env = { ...process.env, LC_ALL: 'C', ...clientEnvironment(target), ...options.env };
  const result = await new Promise<CommandResult>((resolve, reject) => {
    const child = spawn(path, args, { env, stdio: 'pipe', timeout: timeoutMs, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.on('error', (error) => reject(new Error(`${shown} cannot be run: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code !== null) resolve({ stdout, stderr, code });
      else
        reject(new Error(`${shown} was ended by ${signal} (it may take ${timeoutMs / 1000} s):\n${stderr || stdout}`));
    });
    // A command that does not read all of its input is not an error of ours.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
  if (result.code !== 0 && options.allowFailure !== true) throw new CommandError(shown, result);
  return result;
}
