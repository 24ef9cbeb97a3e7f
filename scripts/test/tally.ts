/** What came of the tests: counted, and told again at the end, since the middle of a long output is often not kept. */
import { writeFile } from 'node:fs/promises';

export class Tally {
  passed = 0;
  failed = 0;
  /** What this machine can't run, and why. */
  readonly skipped: string[] = [];
  /** What failed and why, a line each. */
  readonly failures: string[] = [];
  /** What came of each test that is known by name: `passed`, `failed` or another word of jest's. */
  readonly outcomes = new Map<string, string>();

  fail(what: string): void {
    this.failed += 1;
    this.failures.push(what);
  }

  /** A test proves nothing that was skipped, and no test at all ran where nothing says why. */
  get isGreen(): boolean {
    return this.failed === 0 && (this.passed > 0 || this.skipped.length > 0);
  }

  /** Tells what was skipped and what failed; the last line is `tests: N passed, N failed`. */
  print(): void {
    for (const what of this.skipped) console.log(`skipped: ${what}`);
    for (const what of this.failures) console.log(`failed: ${what}`);
    console.log(`tests: ${this.passed} passed, ${this.failed} failed`);
  }

  /** Writes what came of each test to a file, for a program that compares runs (scripts/repeat.ts). */
  async save(file: string): Promise<void> {
    await writeFile(file, JSON.stringify(Object.fromEntries(this.outcomes)));
  }
}
