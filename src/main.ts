/** The program: `serve` runs the operator, the rest is the command line. The only place that ends the process. */
import { Command, CommanderError } from 'commander';
import { addServeOptions, configOf } from './config.ts';
import { systemClock } from './kube/clock.ts';

/** Exit status of bad usage and of input that can't be read. */
const USAGE = 2;
/** A stop that takes longer than this, in milliseconds, is no orderly one. */
const LONGEST_STOP = 25_000;

const program = new Command('readiness-operator')
  .description('Keeps workloads that are not ready for production out of production.')
  .exitOverride();

addServeOptions(program.command('serve').description('run the operator')).action(async (_flags, command: Command) => {
  const { serve } = await import('./manager.ts');
  const stop = new AbortController();
  const onSignal = (): void => {
    stop.abort();
    systemClock.after(LONGEST_STOP, () => process.exit(1));
  };
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  await serve(configOf(command), stop.signal, systemClock);
  // Not left to Node, which was seen to spin for ever at its end while it closed what was open.
  process.exit();
});

try {
  // A replica needs none of it in its memory.
  if (process.argv[2] !== 'serve') {
    const { addCliCommands } = await import('./cli/commands.ts');
    const { addProbeCommand } = await import('./cli/probe.ts');
    const setExit = (status: number): void => {
      process.exitCode = status;
    };
    addCliCommands(program, setExit);
    addProbeCommand(program, setExit);
  }
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  } else {
    process.exitCode = 1;
    console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  }
}
