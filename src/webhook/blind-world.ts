/**
 * The world as an unknown caller may ask about it: whatever is not in the request itself, or in the policies, is unknown.
 * Then no answer depends on what there is in the cluster, and none makes us ask the API server.
 */
import type { Related } from '../engine/related.ts';
import type { LiveReads, World } from './world.ts';

const UNKNOWN = {
  state: 'unknown',
  cause: 'the operator does not know who asks: the call did not come by the path that the webhook configuration names',
} as const;
const NOTHING_RELATED: Related = { find: () => UNKNOWN };
const NOTHING_LIVE: LiveReads = {
  namespaceLabels: async () => undefined,
  parent: async () => undefined,
  named: async () => UNKNOWN,
  leniency: async () => undefined,
  mayBypass: async () => 'unknown',
};

/** @param world - whose policies, exceptions and namespaces count */
export function blindWorld(world: World): World {
  return {
    ...world,
    related: NOTHING_RELATED,
    parent: () => undefined,
    beforeDenial: () => undefined,
    live: NOTHING_LIVE,
  };
}
