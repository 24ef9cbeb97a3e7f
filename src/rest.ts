/**
 * Gives memory back while nobody asks. V8 collects garbage as new objects come; what the start or a time of many requests
 * has left would otherwise stay in the process for as long as it rests.
 */
import { getHeapStatistics } from 'node:v8';
import type { Clock } from './kube/clock.ts';

/** Between two looks, in milliseconds: so long must no request have come. */
const INTERVAL = 10_000;
/** Requests since it was last done that make it worth doing again. */
const WORTH = 1000;

/**
 * Heaps up to this size, in bytes, are collected in 0.1 to 0.2 s, in which nothing else is done: about 2 ms for each MiB. A
 * larger one belongs to a large cluster, and what could be given back is little beside it.
 */
const LARGEST = 64 * 1024 * 1024;

export type Collect = () => void;

/** What collects all garbage. Undefined: Node was not started with `--expose-gc`, as the image does. */
export function collector(): Collect | undefined {
  const { gc } = globalThis;
  if (gc === undefined) return undefined;
  return () => {
    if (getHeapStatistics().used_heap_size > LARGEST) return;
    // Other flavours leave alone what might yet be of use: room for new objects, and code that has not run for a while.
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  };
}

/**
 * Collects once after the start, and again after each time of many requests, when it is over. Does not keep the process
 * alive.
 *
 * @param received - requests that have come since the start
 * @returns ends it
 */
export function collectAtRest(clock: Clock, received: () => number, collect: Collect): () => void {
  let seen = received();
  let collected = -WORTH;
  return clock.every(INTERVAL, () => {
    const now = received();
    const isQuiet = now === seen;
    seen = now;
    if (!isQuiet || now - collected < WORTH) return;
    collected = now;
    collect();
  });
}
