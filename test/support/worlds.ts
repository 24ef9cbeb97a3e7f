/** What an admission decision knows beside its request, for tests that start no API server: nothing but policies. */
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { exemptionsOf } from '../../src/policy/exemptions.ts';
import { NO_EXCEPTIONS } from '../../src/policy/exceptions.ts';
import type { CompiledPolicy } from '../../src/policy/compile.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import type { World } from '../../src/webhook/world.ts';
import { NOTHING_RELATED } from './related.ts';

/** A world with these policies, where nobody may do anything special. */
export function worldOf(policies: readonly CompiledPolicy[], more: Partial<World> = {}): World {
  const set = new PolicySet(policies);
  return {
    now: () => 0,
    kinds: WORKLOAD_KINDS,
    exemptions: exemptionsOf(['operator'], []),
    policies: () => set,
    exceptions: NO_EXCEPTIONS,
    related: NOTHING_RELATED,
    namespaceLabels: () => ({}),
    parent: () => undefined,
    beforeDenial: () => undefined,
    live: {
      namespaceLabels: () => Promise.resolve({}),
      parent: () => Promise.resolve(undefined),
      named: () => Promise.resolve({ state: 'absent' }),
      leniency: () => Promise.resolve(undefined),
      mayBypass: () => Promise.resolve('no'),
    },
    ...more,
  };
}
