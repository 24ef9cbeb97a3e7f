/** Programs built from their pinned Go modules. */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Module } from './catalog.ts';
import { step, type Log } from './log.ts';
import { Supervisor } from './supervised.ts';
import { goEnvironment, toolchain } from './toolchain.ts';

/** What compiling costs for each package, on average, as measured with Kubernetes and an empty build cache. */
const PER_PACKAGE = { coreSeconds: 0.48, cacheMegabytes: 1.5 };
/** Below this number of packages, a build is over before its cost is read. */
const WORTH_AN_ESTIMATE = 500;

/**
 * Builds a module's programs into `folder`, each of which appears there complete or not at all. Cold this takes minutes and fills
 * Go's build cache with gigabytes; with a warm build cache it takes seconds. The build ends with this process.
 *
 * @throws Error if Go is missing or too old, or the build fails; the message says what to do
 */
export async function build(module: Module, folder: string, log: Log): Promise<void> {
  const title = `building ${module.name} ${module.version}`;
  const env = goEnvironment();
  log(`${title} with ${await toolchain(module, env, log)}`);
  // Inside the folder, so that the last step is a rename.
  const scratch = await mkdtemp(join(folder, '.tmp-'));
  const supervisor = new Supervisor(scratch, { removeFolder: true });
  /** Runs go, and shows each second what `progress` finds in the lines that it has written. */
  const go = (what: string, commands: readonly string[][], progress: (lines: string[]) => string): Promise<string[]> =>
    step(log, what, async (report) => {
      const output = join(scratch, `${commands[0]?.[0]}.log`);
      const counter = setInterval(() => void linesOf(output).then((lines) => report(progress(lines))), 1_000);
      try {
        for (const args of commands) {
          const run = await supervisor.run({ command: 'go', args, env, cwd: module.folder, log: output });
          if ((await run.exited).code !== 0) throw await failure(module, output);
        }
      } finally {
        clearInterval(counter);
      }
      return linesOf(output);
    });
  try {
    const overlay = join(scratch, 'overlay.json');
    await writeFile(overlay, JSON.stringify({ Replace: module.overlay }));
    const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', `-overlay=${overlay}`];
    // With the flags of the build, a package is stale if the build will compile it.
    const list = [
      'list',
      ...flags,
      '-deps',
      '-f={{if .Stale}}{{.ImportPath}}{{end}}',
      ...Object.values(module.packages),
    ];
    const stale = await go(`${title}: fetching modules`, [list], (lines) => `modules fetched: ${fetched(lines)}`);
    const all = packages(stale);
    if (all >= WORTH_AN_ESTIMATE) log(`${title}: ${estimate(all)}`);
    const variables = Object.entries(module.variables).map(([name, value]) => `-X ${name}=${value}`);
    // With -v, go writes the name of each package that it compiles.
    const compile = ['build', '-v', ...flags, '-ldflags', ['-s', '-w', ...variables].join(' ')];
    await go(
      title,
      Object.entries(module.packages).map(([name, package_]) => [...compile, '-o', join(scratch, name), package_]),
      (lines) => `${number(packages(lines))} of ${number(all)} packages`,
    );
    for (const name of Object.keys(module.packages)) await rename(join(scratch, name), join(folder, name));
  } finally {
    await supervisor.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function failure(module: Module, goLog: string): Promise<Error> {
  const said = await readFile(goLog, 'utf8').catch(() => '');
  return new Error(
    `building ${module.name} ${module.version} failed; the end of what go said:\n${said.trimEnd().split('\n').slice(-20).join('\n')}\n` +
      'If it could not fetch a module, set GOPROXY to a module proxy within reach. ' +
      'Ready-made programs can be given with KUBEBUILDER_ASSETS.',
  );
}

async function linesOf(goLog: string): Promise<string[]> {
  const text = await readFile(goLog, 'utf8').catch(() => '');
  return text.split('\n');
}

/** How many packages go has named, each on a line of its own. */
function packages(lines: readonly string[]): number {
  return lines.filter((line) => /^[\w./~-]+$/.test(line)).length;
}

/** How many modules go has begun to fetch. */
function fetched(lines: readonly string[]): number {
  return lines.filter((line) => line.startsWith('go: downloading ')).length;
}

/** What it takes to compile so many packages on this machine, roughly. */
function estimate(count: number): string {
  const minutes = Math.ceil((count * PER_PACKAGE.coreSeconds) / availableParallelism() / 60);
  const gigabytes = ((count * PER_PACKAGE.cacheMegabytes) / 1000).toFixed(1);
  const cost = `about ${minutes} minutes if this machine has nothing else to do, and ${gigabytes} GB in Go's build cache`;
  return `${number(count)} packages to compile: ${cost}`;
}

/** A number as people read it: `1,204`. */
function number(value: number): string {
  return value.toLocaleString('en');
}
