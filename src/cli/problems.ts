/** What is wrong with input, and where: told to the user before anything is judged. */
import { printable } from '../engine/printable.ts';

/** A place in a file. Both count from 1; a column counts UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with the input. */
export interface Problem {
  /** As the user named it, or as it stands below the directory that the user named. */
  readonly file: string;
  /** Undefined where the whole file is meant. */
  readonly at: Position | undefined;
  readonly message: string;
}

const MOST_SHOWN = 20;

/** Input that can't be used: nothing may be called ready then. Its message has one line for each problem, at most 20. */
export class UnreadableInput extends Error {
  readonly problems: readonly Problem[];

  /** @param problems - at least one */
  constructor(problems: readonly Problem[]) {
    const lines = problems
      .slice(0, MOST_SHOWN)
      .map(({ file, at, message }) =>
        printable(`${file}${at === undefined ? '' : `:${at.line}:${at.column}`}: ${message}`),
      );
    if (problems.length > MOST_SHOWN) lines.push(`and ${problems.length - MOST_SHOWN} more`);
    super(lines.join('\n'));
    this.name = 'UnreadableInput';
    this.problems = problems;
  }
}

/**
 * Collects what several steps find wrong, so that the user learns of everything at once.
 */
export class Problems {
  /** Each once, also where steps share a collection and each of them throws what is in it. */
  readonly #problems = new Set<Problem>();
  readonly #tolerated: boolean;

  /** @param tolerated - what is wrong does not stop the rest; who asked for that tells it at the end */
  constructor(tolerated = false) {
    this.#tolerated = tolerated;
  }

  add(file: string, at: Position | undefined, message: string): void {
    this.#problems.add({ file, at, message });
  }

  /** Runs a step and keeps the problems that it throws. @returns its result, or undefined if it had any */
  attempt<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof UnreadableInput)) throw error;
      for (const problem of error.problems) this.#problems.add(problem);
      return undefined;
    }
  }

  /** @throws UnreadableInput if anything was wrong, unless that is tolerated */
  throwIfAny(): void {
    if (!this.#tolerated && this.#problems.size > 0) throw new UnreadableInput(this.all);
  }

  get all(): readonly Problem[] {
    return [...this.#problems];
  }
}

/**
 * Runs all steps, also after one of them has found its input unusable.
 *
 * @returns what each step returned
 * @throws UnreadableInput with the problems of all steps
 */
export function allOf<T extends readonly unknown[]>(...steps: { readonly [K in keyof T]: () => T[K] }): T {
  const problems = new Problems();
  const results = steps.map((step) => problems.attempt(step));
  problems.throwIfAny();
  return results as unknown as T;
}
