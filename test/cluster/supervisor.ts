/**
 * The supervisor: a small process that runs other processes for a harness and outlives it by a moment, only to end them.
 *
 * It reads requests from standard input, whose other end the harness holds. When that end closes, for whatever reason
 * (stop, a crash, `kill -9`), it kills what it runs, runs what it was told to run at the end, removes its folder if told
 * so, and ends. This needs nothing of one
 * operating system: a pipe closes everywhere when its last holder dies.
 *
 * Started by supervised.ts as `node supervisor.ts [folder to remove]`, as leader of a session of its own, so that Ctrl-C
 * at the terminal does not reach the processes before the harness had its say.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** What the harness asks for, a line of JSON each. */
export type Request =
  | { op: 'run'; id: number; command: string; args: string[]; cwd: string; env: Record<string, string>; log: string }
  | { op: 'signal'; id: number; signal: NodeJS.Signals }
  | { op: 'atEnd'; command: string; args: string[] }
  | { op: 'detach' };

/** What the supervisor tells, a line of JSON each. */
export type Event =
  | { event: 'running'; id: number; pid: number }
  | { event: 'failed'; id: number; message: string }
  | { event: 'exited'; id: number; code: number | null; signal: NodeJS.Signals | null };

const folder = process.argv[2];
const children = new Map<number, ChildProcess>();
const last: { command: string; args: string[] }[] = [];
let detached = false;
let ending = false;

function tell(event: Event): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function run({ id, command, args, cwd, env, log }: Extract<Request, { op: 'run' }>): void {
  let output: number;
  try {
    output = openSync(log, 'a');
  } catch (error) {
    tell({ event: 'failed', id, message: (error as Error).message });
    return;
  }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', output, output] });
  closeSync(output);
  children.set(id, child);
  child.on('spawn', () => tell({ event: 'running', id, pid: child.pid ?? 0 }));
  child.on('error', (error) => {
    // Also emitted when a signal could not be sent; then the child is still there.
    if (child.pid !== undefined) return;
    children.delete(id);
    tell({ event: 'failed', id, message: error.message });
  });
  child.on('exit', (code, signal) => {
    children.delete(id);
    tell({ event: 'exited', id, code, signal });
  });
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  // All are killed before the first is waited for, and all are gone before their folder goes.
  const gone = [...children.values()].map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children.values()) child.kill('SIGKILL');
  await Promise.all(gone);
  for (const { command, args } of last) {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    await new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  }
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }).catch(() => {});
  // The session's process group: children of children, and this process as the last one.
  process.kill(-process.pid, 'SIGKILL');
}

process.on('SIGTERM', () => void end());
process.on('SIGINT', () => void end());
process.on('SIGHUP', () => void end());
// The harness is gone, so nobody listens; its end of the input tells the rest.
process.stdout.on('error', () => {});

const requests = createInterface({ input: process.stdin });
requests.on('line', (line) => {
  const request = JSON.parse(line) as Request;
  if (request.op === 'detach') detached = true;
  else if (request.op === 'atEnd') last.push(request);
  else if (request.op === 'signal') children.get(request.id)?.kill(request.signal);
  else if (!ending) run(request);
});
requests.on('close', () => {
  if (!detached) void end();
});
