/** Waiting for what a test expects to become so. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';

/** Ends a wait that would never end, in seconds; it says nothing about how long anything may take. */
const HOPELESS = 60;
const POLL_MS = 100;

/** What a question is answered with; false, undefined and an error mean not yet. */
type Answer<T> = T | false | undefined;

/**
 * Asks again and again until there is an answer. A question may assert what it expects: an assertion that fails is asked
 * again, and told if it never holds.
 *
 * @param what - what is awaited, as it follows "waited for"
 * @param seconds - after which there is no hope; more than the 60 only for what is known to take long
 * @returns the answer
 * @throws Error with what was awaited and the last error of the question, if there is no answer in that time
 */
export async function until<T>(
  what: string,
  question: () => Answer<T> | Promise<Answer<T>>,
  seconds = HOPELESS,
): Promise<T> {
  let last: unknown;
  for (const end = performance.now() + seconds * 1000; ; await sleep(POLL_MS)) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      const why = last === undefined ? '' : `; last: ${last instanceof Error ? last.message : inspect(last)}`;
      throw new Error(`waited ${seconds} s for ${what}, in vain${why}`, { cause: last });
    }
  }
}
