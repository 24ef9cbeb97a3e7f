/** Time and chance, passed in to whatever waits, expires or is spread: so that tests can move them. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Ends a timer that has not fired yet; otherwise does nothing. */
export type Cancel = () => void;

/** All times are in milliseconds. */
export interface Clock {
  /** Since 1970. May jump, as the clock of a machine does: for what people read, and for dates in objects. */
  now(): number;
  /** Never jumps; only differences mean something. */
  monotonic(): number;
  /** A number from 0 up to, but not including, 1. Spreads what would otherwise be done by all at once. */
  random(): number;
  /** Calls back once. Does not keep the process alive. A time beyond 24 days is cut to that. */
  after(milliseconds: number, callback: () => void): Cancel;
  /** Calls back again and again. Does not keep the process alive. */
  every(milliseconds: number, callback: () => void): Cancel;
  /** Resolves later, or as soon as the signal aborts; never rejects. Keeps the process alive. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** What setTimeout takes: 2^31 - 1. */
const LONGEST = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, bounded(milliseconds)).unref();
    return () => clearTimeout(timer);
  },
  every: (milliseconds, callback) => {
    const timer = setInterval(callback, bounded(milliseconds)).unref();
    return () => clearInterval(timer);
  },
  sleep: (milliseconds, signal) => sleep(bounded(milliseconds), undefined, { signal }).catch(() => undefined),
};

function bounded(milliseconds: number): number {
  return Math.min(Math.max(milliseconds, 0), LONGEST);
}

/** A signal that aborts after a time, and what ends the wait for it. */
export function timeoutSignal(clock: Clock, milliseconds: number): { readonly signal: AbortSignal; cancel: Cancel } {
  const controller = new AbortController();
  const cancel = clock.after(milliseconds, () => {
    controller.abort(new DOMException(`no answer within ${milliseconds} ms`, 'TimeoutError'));
  });
  return { signal: controller.signal, cancel };
}
