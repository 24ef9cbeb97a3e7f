/** One server process of a cluster, which a test can end and start again. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepLog } from './kept-log.ts';
import type { Log } from './log.ts';
import type { Exit, RunOptions, Supervised, Supervisor } from './supervised.ts';

/** How long a component may take until it serves, in milliseconds: ten times what a slow machine needs. */
const START_MS = 60_000;
/** How long one may take to end after a SIGTERM, in milliseconds; the API server waits for the requests in its hands. */
const STOP_MS = 30_000;
const POLL_MS = 50;
/** How much of the end of a log an error message quotes. */
const TAIL_LINES = 20;
const TAIL_BYTES = 16_384;

/** A component that did not come up; the message has the end of its log. */
export class StartError extends Error {
  /** Whether the reason is that its port was taken. */
  readonly portTaken: boolean;

  constructor(name: string, why: string, log: string, tail: string) {
    super(`${name} ${why}. The end of ${keepLog(log)}:\n${tail || '(it wrote nothing)'}`);
    this.portTaken = /address already in use/i.test(tail);
  }
}

/** A server process of the cluster. It keeps its port and its data over restarts. */
export class Component {
  readonly name: string;
  /** File with everything it wrote, over all its starts. */
  readonly log: string;
  readonly #supervisor: Supervisor;
  readonly #options: RunOptions;
  readonly #serves: () => Promise<boolean>;
  readonly #tell: Log;
  #process: Supervised | undefined;
  #wanted = false;

  /**
   * @param serves asked over and over while it starts: does it do its work?
   * @param tell where to say that it ended by itself
   */
  constructor(supervisor: Supervisor, name: string, options: RunOptions, serves: () => Promise<boolean>, tell: Log) {
    this.name = name;
    this.log = options.log;
    this.#supervisor = supervisor;
    this.#options = options;
    this.#serves = serves;
    this.#tell = tell;
  }

  /** Its process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process?.exit ? undefined : this.#process?.pid;
  }

  /**
   * Starts it and resolves when it serves. Does nothing if it runs.
   *
   * @throws StartError if it ends or does not serve within a minute; it does not run then
   */
  async start(): Promise<void> {
    if (this.pid !== undefined) return;
    const from = size(this.log);
    const child = await this.#supervisor.run(this.#options);
    this.#process = child;
    const failure = await this.#untilServing(child);
    if (failure === undefined) {
      this.#wanted = true;
      // Only now, and also if it has ended since it served: an end before that is told by the error alone.
      void child.exited.then((exit) => {
        if (this.#wanted && this.#process === child)
          this.#tell(`${this.name} ended by itself (${how(exit)}), see ${keepLog(this.log)}`);
      });
      return;
    }
    await this.kill();
    throw new StartError(this.name, failure, this.log, tail(this.log, from));
  }

  /**
   * Asks it to end (SIGTERM) and resolves when it has.
   *
   * @throws Error if it has not ended after 30 s
   */
  async stop(): Promise<void> {
    const exit = await this.#end('SIGTERM');
    if (!exit)
      throw new Error(`${this.name} did not end within ${STOP_MS / 1000} s after a SIGTERM, see ${keepLog(this.log)}`);
  }

  /** Kills it as `kill -9` does and resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops it and starts it again on the same port with the same data. Throws what `stop` and `start` throw. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Sends it any signal and does not wait: SIGSTOP and SIGCONT make it hang for a while. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** From now on it is no news when it ends. */
  dismiss(): void {
    this.#wanted = false;
  }

  async #end(signal: NodeJS.Signals): Promise<Exit | undefined> {
    const child = this.#process;
    this.#wanted = false;
    if (!child) return { code: 0, signal: null };
    child.signal(signal);
    const overdue = new AbortController();
    try {
      return await Promise.race([child.exited, sleep(STOP_MS, undefined, { signal: overdue.signal })]);
    } finally {
      overdue.abort();
    }
  }

  /** Why it does not serve, or undefined once it does. */
  async #untilServing(child: Supervised): Promise<string | undefined> {
    const until = performance.now() + START_MS;
    while (performance.now() < until) {
      // Whoever else may hold its port can take long to answer.
      if (await Promise.race([this.#serves(), child.exited.then(() => false)])) return undefined;
      if (child.exit) return `ended while it started (${how(child.exit)})`;
      await sleep(POLL_MS);
    }
    return `does not serve after ${START_MS / 1000} s`;
  }
}

function how({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

function size(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The last lines of a file, of what was written to it after the first `from` bytes. */
function tail(file: string, from: number): string {
  const handle = openSync(file, 'r');
  try {
    const end = fstatSync(handle).size;
    const start = Math.max(from, end - TAIL_BYTES);
    const bytes = Buffer.alloc(Math.max(0, end - start));
    readSync(handle, bytes, 0, bytes.length, start);
    return bytes.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    closeSync(handle);
  }
}
