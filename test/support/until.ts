/** Waiting for what a test expects to become so. */
import { setTimeout as sleep } from 'node:timers/promises';

export async function until<T>(
  what: string,
  question: () => Promise<T | false | undefined>,
  seconds?: number,
): Promise<T>;
export async function until(question: () => Promise<boolean>, seconds?: number): Promise<number>;
export async function until(...args: any[]): Promise<any> {
  const [what, question, seconds = 60] = typeof args[0] === 'string' ? args : [String(args[0]), ...args];
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await question().catch(() => undefined);
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(20);
  }
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
