/**
 * Preloaded into an operator process (NODE_OPTIONS=--import): the wall clock that it sees is ahead by as many
 * milliseconds as the file READINESS_TEST_CLOCK says. The steady clock, by which timers run, goes on as it does when a
 * real clock is set.
 */
import { readFileSync } from 'node:fs';

const file = process.env['READINESS_TEST_CLOCK'] ?? '';
const RealDate = Date;
let ahead = 0;

setInterval(() => {
  try {
    ahead = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // Not written yet: the clock is right.
  }
}, 100).unref();

class ShiftedDate extends RealDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(RealDate.now() + ahead);
    else super(...(args as [number]));
  }

  static override now(): number {
    return RealDate.now() + ahead;
  }
}

globalThis.Date = new Proxy(ShiftedDate, {
  // Called without `new` it gives a text.
  apply: () => new ShiftedDate().toString(),
}) as unknown as DateConstructor;
