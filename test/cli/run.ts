/** Runs a command as the program would, without a process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from '@jest/globals';
import { Command, CommanderError } from 'commander';
import { addCliCommands } from '../../src/cli/commands.ts';
import type { Io, TextSink } from '../../src/cli/io.ts';

/** Named as from the project's root, so that golden outputs say the same on every machine. */
const FIXTURES = relative(process.cwd(), join(import.meta.dirname, 'fixtures'));

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly stdin?: string | Uint8Array;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `readiness-operator <args>`. */
export async function run(
  args: readonly string[],
  { stdin = '', columns, env = {} }: Surroundings = {},
): Promise<Outcome> {
  const out = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr'): TextSink => ({
    write(text, done) {
      out[name] += text;
      done();
    },
    once: () => undefined,
  });
  const io: Io = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: chunksOf(stdin),
    isTTY: columns !== undefined,
    stderrIsTTY: false,
    columns,
    env,
  };
  let status = 0;
  const program = new Command('readiness-operator').exitOverride().configureOutput({
    writeOut: (text) => void (out.stdout += text),
    writeErr: (text) => void (out.stderr += text),
  });
  addCliCommands(program, (told) => (status = told), io);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    status = error.exitCode === 0 ? 0 : 2;
  }
  return { status, ...out };
}

async function* chunksOf(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let start = 0; start < bytes.length; start += 1000) yield bytes.subarray(start, start + 1000);
}

/** `check`, with manifests on standard input. */
export async function checkText(manifests: string, ...args: readonly string[]): Promise<Outcome> {
  return run(['check', '-f', '-', ...args], { stdin: manifests });
}

/** The path of a fixture. */
export function fixture(name: string): string {
  return join(FIXTURES, name);
}

/** A fixture's text. */
export function textOf(name: string): string {
  return readFileSync(fixture(name), 'utf8');
}

/** Compares an output with a file of fixtures/; UPDATE_GOLDEN=1 writes the file instead. */
export function expectGolden(name: string, actual: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(fixture(name), actual);
  expect(actual).toBe(textOf(name));
}
