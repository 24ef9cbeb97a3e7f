import { describe, expect, test } from '@jest/globals';
import { breakGlass, type BreakGlass } from '../../src/webhook/break-glass.ts';
import type { LiveReads, MayBypass } from '../../src/webhook/world.ts';
import { policyOf } from '../support/policies.ts';
import { workloadOf } from '../support/workloads.ts';

const KEY = 'readiness-operator.dev/break-glass';
const ROBOT = 'system:serviceaccount:shop:deployer';

interface Case {
  readonly now?: string;
  /** Absent: the object is created. null: it had no annotation. */
  readonly before?: string | null;
  readonly user?: string;
  readonly serviceAccounts?: 'Deny' | 'Allow';
  readonly may?: MayBypass;
}

/** What became of it, and how often the authorizer was asked. */
async function ask(one: Case): Promise<{ glass: BreakGlass | undefined; asked: number }> {
  let asked = 0;
  const live = {
    mayBypass: () => {
      asked += 1;
      return Promise.resolve(one.may ?? 'yes');
    },
  } as unknown as LiveReads;
  const policy = policyOf({
    profile: 'none',
    enforcement: { breakGlass: { serviceAccounts: one.serviceAccounts ?? 'Deny' } },
  });
  const bearing = (value: string | null | undefined) =>
    workloadOf(
      'Pod',
      { containers: [] },
      {
        name: 'app',
        namespace: 'shop',
        annotations: typeof value === 'string' ? { [KEY]: value } : {},
      },
    );
  const old = one.before === undefined ? undefined : bearing(one.before);
  const request = { userInfo: { username: one.user ?? 'jane' } } as never;
  const glass = await breakGlass([policy], bearing(one.now), old, request, live, 1000);
  return { glass, asked };
}

describe('who breaks the glass', () => {
  test.each<[string, Case, boolean, number, string]>([
    ['on creation', { now: 'fire' }, true, 1, ''],
    ['by a reason that is new', { now: 'fire', before: null }, true, 1, ''],
    ['by another reason', { now: 'flood', before: 'fire' }, true, 1, ''],
    ['not by the one that was used', { now: 'fire', before: 'fire' }, false, 0, 'has been used'],
    ['not without a reason', { now: ' ' }, false, 0, 'gives no reason'],
    [
      'not without the verb',
      { now: 'fire', may: 'no' },
      false,
      1,
      'jane may not break the glass: that needs the verb bypass',
    ],
    ['not if nobody can tell', { now: 'fire', may: 'unknown' }, false, 1, 'could not be found out'],
    ['no service account', { now: 'fire', user: ROBOT }, false, 0, 'lets no service account break the glass'],
    ['a service account that may', { now: 'fire', user: ROBOT, serviceAccounts: 'Allow' }, true, 1, ''],
    [
      'no service account without the verb',
      { now: 'fire', user: ROBOT, serviceAccounts: 'Allow', may: 'no' },
      false,
      1,
      'needs the verb',
    ],
  ])('%s', async (_, one, granted, times, refusal) => {
    const { glass, asked } = await ask(one);
    expect(glass?.granted.has('policy')).toBe(granted);
    expect(asked).toBe(times);
    expect(glass?.refusals).toEqual(refusal === '' ? [] : [expect.stringContaining(refusal)]);
  });

  test('nobody who does not ask', async () => {
    expect(await ask({})).toEqual({ glass: undefined, asked: 0 });
  });
});
