import { describe, expect, test } from '@jest/globals';
import { stampException } from '../../src/webhook/stamp.ts';
import { exceptionSpec } from '../support/exceptions.ts';

const JANE = { username: 'jane', groups: ['sre', 'system:authenticated'] };
const ALICE = { username: 'alice', groups: ['developers'] };

interface Case {
  readonly by?: object;
  readonly spec: object;
  readonly old?: object;
}

function patchOf({ by = JANE, spec, old }: Case) {
  const request = {
    kind: { version: 'v1alpha1', kind: 'ReadinessException' },
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    userInfo: by,
    object: { spec },
    ...(old === undefined ? {} : { oldObject: { spec: old } }),
  } as never;
  const { response } = stampException(request);
  expect(response.allowed).toBe(true);
  return response.patch;
}
const stamped = (by: object) => [{ op: 'add', path: '/spec/requestedBy', value: by }];

describe('the stamp', () => {
  const bare = exceptionSpec();
  test.each<[string, Case, unknown]>([
    ['is written on creation', { spec: bare }, stamped(JANE)],
    ['takes the place of a forged one', { spec: { ...bare, requestedBy: { username: 'boss' } } }, stamped(JANE)],
    ['is left alone where it is right', { spec: { ...bare, requestedBy: JANE } }, undefined],
    [
      'comes back when it is left out of an unchanged exception, whoever does it',
      { by: ALICE, spec: bare, old: { ...bare, requestedBy: JANE } },
      stamped(JANE),
    ],
    [
      'comes back when it alone is altered',
      { by: ALICE, spec: { ...bare, requestedBy: ALICE }, old: { ...bare, requestedBy: JANE } },
      stamped(JANE),
    ],
    [
      'is that of who changes anything else',
      {
        by: ALICE,
        spec: exceptionSpec({ reason: 'because', requestedBy: JANE }),
        old: exceptionSpec({ requestedBy: JANE }),
      },
      stamped(ALICE),
    ],
    [
      'can not be given later to an exception that nobody vouches for',
      { spec: { ...bare, requestedBy: { username: 'boss' } }, old: bare },
      [{ op: 'remove', path: '/spec/requestedBy' }],
    ],
    ['is nothing to write where there is no spec', { spec: 'nothing' as never }, undefined],
  ])('%s', (_, one, patch) => {
    expect(patchOf(one)).toEqual(patch);
  });

  test('has room for 64 groups of 256 characters, as the CRD has', () => {
    const groups = ['g'.repeat(257), ...Array.from({ length: 70 }, (_, index) => `group-${index}`)];
    const [patch] = patchOf({ by: { username: 'jane', groups }, spec: bare }) ?? [];
    expect(patch).toMatchObject({ value: { username: 'jane', groups: groups.slice(1, 65) } });
  });

  test('leaves groups out where there are none', () => {
    expect(patchOf({ by: { username: 'robot' }, spec: bare })).toEqual(stamped({ username: 'robot' }));
  });
});
