/** What of the world a caller may ask about: of which namespaces, and how much of it. */
import { expect, test } from '@jest/globals';
import { PolicySet } from '../../src/policy/routes.ts';
import { concernedWorld } from '../../src/webhook/concerned-world.ts';
import { Budgets } from '../../src/webhook/live-budget.ts';
import type { AdmissionRequest } from '../../src/webhook/protocol.ts';
import type { LiveReads, World } from '../../src/webhook/world.ts';
import { policyOf } from '../support/policies.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { TestClock } from '../support/testClock.ts';

const match = { namespaceSelector: { matchLabels: { team: 'shop' } } };
const POLICIES = new PolicySet([policyOf({ profile: 'none', match }, undefined, { name: 'shop' })]);

/** @param labels - of namespaces, as they are in memory and in the cluster */
function worldOf(labels: { readonly known?: object; readonly live?: object }): { world: World; reads: string[] } {
  const reads: string[] = [];
  const live: Partial<LiveReads> = {
    namespaceLabels: async (namespace) => {
      reads.push(`namespace ${namespace}`);
      return labels.live as never;
    },
    named: async (kind, namespace, name) => {
      reads.push(`${kind} ${namespace}/${name}`);
      return { state: 'absent' };
    },
    mayBypass: async () => 'yes',
    leniency: async () => ({ by: 'Owner', reason: 'x' }),
    parent: async () => ({}),
  };
  const world = {
    policies: () => POLICIES,
    namespaceLabels: () => labels.known,
    parent: () => ({}),
    related: NOTHING_RELATED,
    live,
  };
  return { world: world as unknown as World, reads };
}

const REQUEST = { namespace: 'ns' } as AdmissionRequest;

test('of a namespace that the policy matches all may be asked, and its labels are not read', () => {
  const { world, reads } = worldOf({ known: { team: 'shop' } });
  expect(concernedWorld(REQUEST, 'shop', world)).toBe(world);
  expect(reads).toEqual([]);
});

test.each([
  ['that is not known yet', { live: { team: 'shop' } }],
  ['whose label has just been set', { known: {}, live: { team: 'shop' } }],
])('also of one %s, once its labels are read', async (_, labels) => {
  const { world, reads } = worldOf(labels);
  expect(await concernedWorld(REQUEST, 'shop', world)).toBe(world);
  expect(reads).toEqual(['namespace ns']);
});

test.each([
  ['of the route', 'shop', { known: { team: 'other' }, live: { team: 'other' } }],
  ['at all, where the route has gone', 'gone', { known: { team: 'other' }, live: { team: 'other' } }],
  ['as far as can be read', 'shop', {}],
])('of one that is matched by no policy %s, nothing is known, and nothing is read', async (_, policy, labels) => {
  const { world, reads } = worldOf(labels);
  const blind = await concernedWorld(REQUEST, policy, world);
  expect(blind.related.find('Secret', 'ns', 'db')).toMatchObject({ state: 'unknown' });
  expect(await blind.live.named('Secret', 'ns', 'db', 1)).toMatchObject({ state: 'unknown' });
  expect(await blind.live.mayBypass({}, 'ns', 'shop', 1)).toBe('unknown');
  expect(await blind.live.leniency({} as never, undefined, REQUEST, 1)).toBeUndefined();
  expect(blind.parent({} as never, 'ns', 'web')).toBeUndefined();
  expect(await blind.live.parent({} as never, 'ns', 'web', 1)).toBeUndefined();
  expect(reads).toEqual(['namespace ns']);
});

test('one address makes us read so much and no more, and another one has a budget of its own', async () => {
  const clock = new TestClock();
  const { world, reads } = worldOf({});
  const budgets = new Budgets(world, clock);
  const read = async (address: string): Promise<string> =>
    (await budgets.worldOf(address).live.named('Secret', 'ns', 'db', 1)).state;
  for (let index = 0; index < 2000; index++) expect(await read('10.0.0.1')).toBe('absent');
  expect(await read('10.0.0.1')).toBe('unknown');
  expect(reads).toHaveLength(2000);
  expect(await budgets.worldOf('10.0.0.1').live.mayBypass({}, 'ns', 'shop', 1)).toBe('unknown');
  // Without what a request is about nothing could be denied.
  expect(await budgets.worldOf('10.0.0.1').live.parent({} as never, 'ns', 'web', 1)).toEqual({});
  expect(await read('10.0.0.2')).toBe('absent');
  await clock.advance(2);
  expect(await read('10.0.0.1')).toBe('absent');
  expect(await read('10.0.0.1')).toBe('unknown');
});

test('addresses are forgotten, the one that asked longest ago first', async () => {
  const budgets = new Budgets(worldOf({}).world, new TestClock());
  const [first, second] = [budgets.worldOf('a'), budgets.worldOf('b')];
  for (let index = 0; index < 254; index++) budgets.worldOf(`10.0.0.${index}`);
  expect(budgets.worldOf('a')).toBe(first);
  budgets.worldOf('10.0.1.1');
  expect(budgets.worldOf('a')).toBe(first);
  expect(budgets.worldOf('b')).not.toBe(second);
});
