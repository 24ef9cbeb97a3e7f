/** How the time that something takes grows with its input: a ratio, so that neither the machine nor its load matters. */
import { threadCpuUsage } from 'node:process';

/** How much longer the long input is than the short one. */
const FACTOR = 64;
/** Milliseconds that are measured at least: many steps of the coarsest clock of processor time, which has 4 ms. */
const MEASURABLE = 20;
const ATTEMPTS = 4;

/**
 * What {@link slowdown} must stay below for what takes linear time: as far from its 1 as from the {@link FACTOR} of
 * quadratic time.
 */
export const LINEAR = Math.sqrt(FACTOR);

/**
 * How much slower one long input is than 64 short ones, which are as long together: about 1 where time is linear, 64
 * where it is quadratic, next to nothing where a long input is cut or refused.
 *
 * @param make - makes an input of a size; that is not measured
 * @param work - what is measured: the processor time of this thread
 * @param size - of a short input
 * @returns the least of several measurements, or the first that is linear
 */
export function slowdown<T>(make: (size: number) => T, work: (input: T) => unknown, size: number): number {
  const short = make(size);
  const long = make(size * FACTOR);
  const time = (input: T, times: number): number => {
    const before = threadCpuUsage();
    for (let i = 0; i < times; i++) work(input);
    const { user, system } = threadCpuUsage(before);
    return (user + system) / 1000;
  };
  let least = Infinity;
  for (let attempt = 0, repeats = 1; attempt < ATTEMPTS && least >= LINEAR;) {
    const base = time(short, repeats * FACTOR);
    if (base < MEASURABLE) {
      repeats *= 2;
      continue;
    }
    least = Math.min(least, time(long, repeats) / base);
    attempt += 1;
  }
  return least;
}
