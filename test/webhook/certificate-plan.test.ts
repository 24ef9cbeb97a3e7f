import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { read, type Content } from '../../src/webhook/certificate-content.ts';
import { carryOut } from '../../src/webhook/certificate-maker.ts';
import { planOf, rotationOf, TIMES, type Facts, type Plan } from '../../src/webhook/certificate-plan.ts';
import type { CertifiedKey } from '../../src/webhook/server.ts';
import { authority, contentOf, DAY, HOSTS, leafOf, NOW } from '../support/certificates.ts';

const facts = (more: Partial<Facts> = {}): Facts => ({
  now: NOW,
  hosts: HOSTS,
  rotation: undefined,
  trustedFor: () => undefined,
  times: TIMES,
  ...more,
});

type Acts = Extract<Plan, { act: true }>;
/** A plan in short: what becomes of CA and leaf, and how many older CAs stay. */
const shortly = (plan: Plan): unknown =>
  plan.act
    ? [plan.signing === undefined ? 'new CA' : 'CA', plan.newLeaf ? 'new leaf' : 'leaf', plan.older.length]
    : '-';

let ca: CertifiedKey;
let newCa: CertifiedKey;
let expiredCa: CertifiedKey;
beforeAll(async () => {
  [ca, newCa, expiredCa] = await Promise.all([authority(), authority(-1), authority(-400, -1)]);
});

describe('planOf', () => {
  const cases: [string, () => Promise<Content | undefined>, Partial<Facts>, unknown, string][] = [
    ['no Secret', async () => undefined, {}, ['new CA', 'new leaf', 0], 'there is no Secret'],
    ['all well', async () => contentOf(await leafOf(ca), [ca]), {}, '-', ''],
    ['empty Secret', async () => contentOf(undefined, []), {}, ['new CA', 'new leaf', 0], 'tls.crt is missing'],
    ['leaf due', async () => contentOf(await leafOf(ca, -60, 30), [ca]), {}, ['CA', 'new leaf', 0], 'leaf is due'],
    ['leaf due in a day', async () => contentOf(await leafOf(ca, -59, 31), [ca]), {}, '-', ''],
    ['leaf expired', async () => contentOf(await leafOf(ca, -90, 0), [ca]), {}, ['CA', 'new leaf', 0], 'expired'],
    [
      'leaf not valid yet',
      async () => contentOf(await leafOf(ca, 1), [ca]),
      {},
      ['CA', 'new leaf', 0],
      'not valid yet',
    ],
    [
      'other name',
      async () => contentOf(await leafOf(ca, -10, 60, ['x']), [ca]),
      {},
      ['CA', 'new leaf', 0],
      `does not cover ${HOSTS[0]}`,
    ],
    [
      'key of another leaf',
      async () => contentOf({ ...(await leafOf(ca)), key: newCa.key }, [ca]),
      {},
      ['CA', 'new leaf', 0],
      'tls.key does not belong to tls.crt',
    ],
    ['leaf of nobody', async () => contentOf(await leafOf(ca), [newCa]), {}, ['CA', 'new leaf', 0], 'from none of'],
    [
      'CA expired',
      async () => contentOf(await leafOf(expiredCa), [expiredCa]),
      {},
      ['new CA', 'new leaf', 0],
      'none of the valid CAs',
    ],
    ['key of the CA lost', async () => contentOf(await leafOf(ca), [ca], false), {}, ['new CA', 'leaf', 1], 'can sign'],
    [
      'CA due',
      async () => {
        const old = await authority(-3285, 365);
        return contentOf(await leafOf(old), [old]);
      },
      {},
      ['new CA', 'leaf', 1],
      'CA is due',
    ],
    ['CA asked for', async () => contentOf(await leafOf(ca), [ca]), { rotation: 'CA' }, ['new CA', 'leaf', 1], 'asked'],
    [
      'leaf asked for',
      async () => contentOf(await leafOf(ca), [ca]),
      { rotation: 'Leaf' },
      ['CA', 'new leaf', 0],
      'asked',
    ],
    ['step 2, trusted by nobody', async () => contentOf(await leafOf(ca), [newCa, ca]), {}, '-', ''],
    [
      'step 2, trusted too short',
      async () => contentOf(await leafOf(ca), [newCa, ca]),
      { trustedFor: () => TIMES.overlap - 1 },
      '-',
      '',
    ],
    [
      'step 2, trusted long enough',
      async () => contentOf(await leafOf(ca), [newCa, ca]),
      { trustedFor: () => TIMES.overlap },
      ['CA', 'new leaf', 1],
      'the new CA is trusted',
    ],
    [
      'step 2, leaf expired meanwhile',
      async () => contentOf(await leafOf(ca, -90, 0), [newCa, ca]),
      {},
      ['CA', 'new leaf', 1],
      'expired',
    ],
    ['step 2, leaf due', async () => contentOf(await leafOf(ca, -60, 20), [newCa, ca]), {}, '-', ''],
    ['step 3, old leaves in use', async () => contentOf(await leafOf(newCa, -1), [newCa, ca]), {}, '-', ''],
    [
      'step 3, no old leaf in use',
      async () => contentOf(await leafOf(newCa, -1, 200), [newCa, ca]),
      { now: NOW + TIMES.leaf.lifetime },
      ['CA', 'leaf', 0],
      'has had its time',
    ],
    [
      'step 3, older CA expired',
      async () => contentOf(await leafOf(newCa, -1), [newCa, expiredCa]),
      {},
      ['CA', 'leaf', 0],
      'has had its time',
    ],
    [
      'distrust asked for',
      async () => contentOf(await leafOf(newCa, -1), [newCa, ca]),
      { rotation: 'Distrust' },
      ['CA', 'leaf', 0],
      'trusted no more',
    ],
    [
      'distrust asked for in step 2',
      async () => contentOf(await leafOf(ca), [newCa, ca]),
      { rotation: 'Distrust' },
      '-',
      '',
    ],
    // Clocks that jump an hour, right after a certificate was made.
    ['clock an hour behind', async () => contentOf(await leafOf(ca, -1), [ca]), { now: NOW - DAY / 24 }, '-', ''],
    ['clock an hour ahead', async () => contentOf(await leafOf(ca, -1), [ca]), { now: NOW + DAY / 24 }, '-', ''],
  ];

  test.each(cases)('%s', async (_name, content, more, expected, why) => {
    const plan = planOf(await content(), facts(more));
    expect(shortly(plan)).toEqual(expected);
    if (plan.act) expect(plan.why).toContain(why);
    else expect(plan.lookAgainIn).toBeGreaterThan(0);
  });

  test('looks again when the overlap is over, and every ten minutes, whatever the clock does', async () => {
    const halfway = planOf(contentOf(await leafOf(ca), [newCa, ca]), facts({ trustedFor: () => 4000 }));
    expect(halfway).toEqual({ act: false, lookAgainIn: TIMES.overlap - 4000 });
    expect(planOf(contentOf(await leafOf(ca), [ca]), facts())).toEqual({ act: false, lookAgainIn: 600_000 });
  });

  test('trusts three CAs at most, the one of the leaf among them', async () => {
    const older = await Promise.all([authority(-2), authority(-3), authority(-4)]);
    const oldest = older[2];
    const plan = planOf(contentOf(await leafOf(oldest), older), facts({ rotation: 'CA' })) as Acts;
    expect(plan.older).toHaveLength(2);
    expect(plan.older[0]?.cert).toBe(new X509Certificate(oldest.cert).toString());
  });

  test.each([
    ['Leaf', 'Leaf', true],
    ['CA', 'CA', true],
    [undefined, undefined, false],
  ] as const)('says whether it obeys the annotation (%s)', async (_name, rotation, isAnswer) => {
    const plan = planOf(contentOf(await leafOf(ca, -60, 20), [ca]), facts({ rotation })) as Acts;
    expect(plan.isAnswer).toBe(isAnswer);
  });
});

test('rotationOf names what is allowed', () => {
  expect(rotationOf(undefined)).toBeUndefined();
  expect(rotationOf('CA')).toBe('CA');
  expect(() => rotationOf('ca')).toThrow('readiness-operator.dev/rotate must be one of Leaf, CA, Distrust');
});

describe('carryOut', () => {
  const make = async (content: Content | undefined, more: Partial<Facts> = {}): Promise<Content> =>
    read(await carryOut(planOf(content, facts(more)) as Acts, content, facts(more)));

  test('makes what the plan then leaves alone', async () => {
    const made = await make(undefined);
    expect(shortly(planOf(made, facts()))).toBe('-');
    expect(made.leaf).toMatchObject({ notBefore: NOW - DAY, notAfter: NOW + 90 * DAY });
    expect(made.authorities).toMatchObject([{ notBefore: NOW - DAY, notAfter: NOW + 3650 * DAY }]);
    for (const host of HOSTS) expect(made.leaf?.covers(host)).toBe(true);
    expect(made.leaf?.covers('example.com')).toBe(false);
  });

  test('rotates in three steps', async () => {
    const first = await make(undefined);
    const second = await make(first, { rotation: 'CA' });
    expect(second.leaf?.id).toBe(first.leaf?.id);
    expect(second.authorities.map(({ id }) => id)).toEqual([second.signing?.authority.id, first.authorities[0]?.id]);
    const third = await make(second, { trustedFor: () => TIMES.overlap });
    expect(third.leaf?.isFrom(second.authorities[0]!)).toBe(true);
    expect(third.authorities).toEqual(second.authorities);
    const fourth = await make(third, { rotation: 'Distrust' });
    expect(fourth.leaf?.id).toBe(third.leaf?.id);
    expect(fourth.authorities).toEqual(third.authorities.slice(0, 1));
  });

  test('a leaf never outlives its CA', async () => {
    const short = await authority(-1, 400);
    const made = await make(contentOf(undefined, [short]), { now: NOW + 380 * DAY });
    expect(made.leaf?.notAfter).toBe(NOW + 400 * DAY);
  });
});
