/**
 * The world as far as a caller may ask about it. The API server asks about namespaces that a policy matches, and about no
 * others; somebody else who has come to know a path could name any.
 */
import type { Labels } from '../engine/selectors.ts';
import type { Awaitable } from './awaitable.ts';
import { blindWorld } from './blind-world.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { World } from './world.ts';

/** For reading the labels of a namespace, in milliseconds. */
const TIMEOUT = 1000;

/**
 * The world for one request: a blind one if no policy of its route matches its namespace, by labels that are up to date.
 *
 * @param policy - the one whose route the caller took; if it has gone, any policy counts
 */
export function concernedWorld({ namespace }: AdmissionRequest, policy: string, world: World): Awaitable<World> {
  const set = world.policies();
  const policies = set.route(policy)?.policies ?? set.policies;
  const isConcerned = (labels: Labels): boolean => policies.some(({ match }) => match.namespace(labels));
  const name = namespace ?? '';
  const known = world.namespaceLabels(name);
  if (known !== undefined && isConcerned(known)) return world;
  // The API server may know of a label before we do.
  return world.live
    .namespaceLabels(name, TIMEOUT)
    .then((read) => (read !== undefined && isConcerned(read) ? world : blindWorld(world)));
}
