/** Nobody is denied for what this replica has not heard yet: a policy that was relaxed, or an exception that was made. */
import type { Turns } from '../kube/turns.ts';
import { andThen, type Awaitable } from './awaitable.ts';
import type { AdmissionRequest } from './protocol.ts';
import { review, type Decision } from './review.ts';
import type { World } from './world.ts';

/** A denial that took longer, in milliseconds, stands: the API server would not wait for another one. */
const QUICK = 1000;

/**
 * Decides a request as `review` does; and once more, by what the API server has now, where it would be denied by copies that
 * are known to be behind.
 */
export function reviewByNewest(
  request: AdmissionRequest,
  policy: string,
  world: World,
  turns: Turns,
): Awaitable<Decision> {
  const start = world.now();
  return andThen(review(request, policy, world, turns), (decision) => {
    if (decision.decision !== 'denied' || world.now() - start > QUICK) return decision;
    const newest = world.beforeDenial(request.namespace ?? '');
    if (newest === undefined) return decision;
    return newest.then((found) => {
      if (found === undefined) return decision;
      const { policies = world.policies(), exceptions = world.exceptions } = found;
      return review(request, policy, { ...world, policies: () => policies, exceptions }, turns);
    });
  });
}
