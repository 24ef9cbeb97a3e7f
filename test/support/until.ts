/** Waiting for what a test expects to become so. */
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until something is so; what the question throws means not yet.
 *
 * @returns how long that took, in seconds
 * @throws Error if it is not so in time
 */
export async function until(question: () => Promise<boolean>, seconds = 20): Promise<number> {
  const start = performance.now();
  while (!(await question().catch(() => false))) {
    if (performance.now() - start > seconds * 1000) throw new Error(`not within ${seconds} s: ${question.toString()}`);
    await sleep(100);
  }
  return (performance.now() - start) / 1000;
}

/** Asks until an answer fits. @returns the last answer, which does not fit if the time was up */
export async function fitting<T>(
  question: () => Promise<T>,
  fits: (answer: T) => boolean,
  seconds: number,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question();
    if (fits(answer) || Date.now() > end) return answer;
    await sleep(200);
  }
}
