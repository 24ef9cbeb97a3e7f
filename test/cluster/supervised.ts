/** The harness's side of the supervisor: processes that cannot outlive the process that asked for them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Event, Request } from './supervisor.ts';

/** How a process ended: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What to run. */
export interface RunOptions {
  /** Path of the program. */
  command: string;
  args: readonly string[];
  /** The whole environment; what is not in it is not passed on. */
  env: Record<string, string>;
  /** File that standard output and standard error are appended to. */
  log: string;
  /** Working folder; the supervisor's unless told. */
  cwd?: string;
}

/** A process under a supervisor. */
export interface Supervised {
  readonly pid: number;
  /** How it ended; undefined while it runs. */
  readonly exit: Exit | undefined;
  /** Resolves when it has ended. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Sends a signal; does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void;
}

interface Entry {
  pid?: number;
  started(pid: number): void;
  failed(error: Error): void;
  ended(exit: Exit): void;
}

/** A running supervisor with its processes. */
export class Supervisor {
  readonly folder: string;
  readonly #child: ChildProcess;
  readonly #over: Promise<void>;
  readonly #entries = new Map<number, Entry>();
  readonly #removeFolder: boolean;
  #ids = 0;
  #stopping = false;

  /**
   * Starts a supervisor. Until `stop` or `detach` it keeps the event loop of this process alive.
   *
   * @param folder an existing folder: working folder of the processes, and home of the supervisor's own log
   * @param options.removeFolder remove the folder when the supervisor ends
   */
  constructor(folder: string, options: { removeFolder: boolean }) {
    this.folder = folder;
    this.#removeFolder = options.removeFolder;
    const log = openSync(join(folder, 'supervisor.log'), 'a');
    const script = join(import.meta.dirname, 'supervisor.ts');
    // NODE_OPTIONS is the harness's own (a loader, an inspector port).
    const { NODE_OPTIONS: _, ...env } = process.env;
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, ...(options.removeFolder ? [folder] : [])],
      { cwd: folder, env, detached: true, stdio: ['pipe', 'pipe', log] },
    );
    closeSync(log);
    this.#over = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('exit', () => resolve());
    });
    void this.#over.then(() => this.#lost());
    // Written to after it has ended: `exit` says so, better than a broken pipe does.
    this.#child.stdin?.on('error', () => {});
    if (this.#child.stdout) createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
  }

  /** The supervisor's process id: a SIGTERM to it ends all and removes the folder. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Runs a program.
   *
   * @throws Error if it cannot be started (no such file, not executable, log not writable) or the supervisor has ended
   */
  run(options: RunOptions): Promise<Supervised> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      let exit: Exit | undefined;
      let ended: (exit: Exit) => void = () => {};
      const exited = new Promise<Exit>((done) => (ended = done));
      this.#entries.set(id, {
        started: (pid) =>
          resolve({
            pid,
            exited,
            get exit() {
              return exit;
            },
            signal: (signal) => this.#ask({ op: 'signal', id, signal }),
          }),
        failed: (error) => reject(new Error(`${options.command} cannot be started: ${error.message}`)),
        ended: (how) => {
          exit = how;
          ended(how);
          reject(new Error(`${options.command} ended with its supervisor`));
        },
      });
      const { command, args, env, log, cwd = this.folder } = options;
      this.#ask({ op: 'run', id, command, args: [...args], env, log, cwd });
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) this.#lost();
    });
  }

  /** Has a program run when all processes are killed, however it comes to that, and before the folder goes. */
  atEnd(command: string, args: readonly string[]): void {
    this.#ask({ op: 'atEnd', command, args: [...args] });
  }

  /** Kills all processes, removes the folder if so asked at the start, and resolves when all that is done. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.stdin?.end();
    await this.#over;
  }

  /**
   * Lets the processes live on after this one.
   *
   * @returns the process id that a SIGTERM is sent to, to end them
   */
  detach(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the supervisor does not run');
    this.#ask({ op: 'detach' });
    this.#child.stdin?.end();
    this.#child.stdout?.destroy();
    this.#child.unref();
    return pid;
  }

  #ask(request: Request): void {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  #hear(line: string): void {
    const event = JSON.parse(line) as Event;
    const entry = this.#entries.get(event.id);
    if (!entry) return;
    if (event.event === 'running') {
      entry.pid = event.pid;
      entry.started(event.pid);
    } else {
      this.#entries.delete(event.id);
      if (event.event === 'failed') entry.failed(new Error(event.message));
      else entry.ended({ code: event.code, signal: event.signal });
    }
  }

  /** The supervisor is gone. If nobody asked it to go, it was killed, and could not do what it is for. */
  #lost(): void {
    for (const entry of this.#entries.values()) {
      if (!this.#stopping && entry.pid !== undefined) {
        try {
          process.kill(entry.pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
      }
      entry.ended({ code: null, signal: 'SIGKILL' });
    }
    this.#entries.clear();
    if (!this.#stopping && this.#removeFolder) {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    }
  }
}
