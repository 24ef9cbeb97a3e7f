/** What one request may cost, however large it is and however many policies judge it. */
import { describe, expect, test } from '@jest/globals';
import { NO_PARAMETERS, type Check } from '../../src/engine/check.ts';
import { unmetAt } from '../../src/engine/check.ts';
import { MOST_ENTRIES } from '../../src/engine/size-bounds.ts';
import type { RawObject } from '../../src/engine/workload.ts';
import { Turns } from '../../src/kube/turns.ts';
import { PolicyCompiler, type CompiledPolicy } from '../../src/policy/compile.ts';
import { decodeReview } from '../../src/webhook/protocol.ts';
import { review, type Decision } from '../../src/webhook/review.ts';
import { reviewOf } from '../support/manifests.ts';
import { policyOf, sayingCheck } from '../support/policies.ts';
import { TestClock } from '../support/testClock.ts';
import { objectOf } from '../support/workloads.ts';
import { worldOf } from '../support/worlds.ts';

const POD = { containers: [{ name: 'app', image: 'app:1' }] };

/** Policies with matches of their own, so that each has a route. */
function policies(count: number, check: Check, spec: object = {}): CompiledPolicy[] {
  const compiler = new PolicyCompiler([check]);
  return Array.from({ length: count }, (_, index) => {
    const match = { namespaceSelector: { matchExpressions: [{ key: `no-${index}`, operator: 'DoesNotExist' }] } };
    return policyOf({ profile: 'production-v1', match, ...spec }, compiler, { name: `p${index}`, uid: `u${index}` });
  });
}

interface Asked {
  readonly object: RawObject;
  /** Absent: it is created. */
  readonly oldObject?: RawObject;
  readonly more?: object;
}

async function decide(judging: readonly CompiledPolicy[], { object, oldObject, more = {} }: Asked): Promise<Decision> {
  const operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
  const request = decodeReview(Buffer.from(reviewOf(object, { operation, oldObject, namespace: 'shop', ...more })));
  return review(request, 'p0', worldOf(judging), new Turns(new TestClock()));
}

describe('two hundred policies', () => {
  test('run equal checks once, and each route is answered by what is decided once', async () => {
    let runs = 0;
    const check: Check = {
      ...sayingCheck([]),
      parameters: NO_PARAMETERS,
      run: ({ containers }, report) => {
        runs += 1;
        for (const one of containers) report(unmetAt(one, [], 'is wrong'));
      },
    };
    const decision = await decide(policies(200, check), { object: objectOf('Deployment', POD) });
    expect(runs).toBe(1);
    expect(decision.elsewhere?.size).toBe(199);
    for (const other of decision.elsewhere?.values() ?? []) {
      expect(other.response.status).toBe(decision.response.status);
      expect(other.events).toEqual([]);
    }
  });

  test('compare a large template with the one before once', async () => {
    let reads = 0;
    const counted = new Proxy(
      { name: 'app', image: 'app:1' },
      {
        get: (target, key) => {
          if (key === 'image') reads += 1;
          return Reflect.get(target, key) as unknown;
        },
      },
    );
    const readsWith = async (count: number): Promise<number> => {
      reads = 0;
      const request = {
        ...decodeReview(Buffer.from(reviewOf({}, { operation: 'UPDATE', namespace: 'shop' }))),
        object: objectOf('Deployment', { containers: [counted] }),
        oldObject: objectOf('Deployment', { containers: [{ name: 'app', image: 'app:1' }] }),
      };
      await review(request, 'p0', worldOf(policies(count, sayingCheck([]))), new Turns(new TestClock()));
      return reads;
    };
    expect(await readsWith(200)).toBe(await readsWith(1));
  });
});

describe('a workload that is too large', () => {
  const large = (more: object = {}): RawObject =>
    objectOf('Deployment', {
      containers: [{ name: 'app', env: Array.from({ length: MOST_ENTRIES + 1 }, () => ({ name: 'E' })), ...more }],
    });
  const check = sayingCheck(new Error('run'));

  test('is refused, naming the field, though no check is run on it', async () => {
    const decision = await decide(policies(1, check), { object: large() });
    expect(decision.response).toMatchObject({ allowed: false, status: { code: 422 } });
    expect(decision.response.status?.message).toMatch(
      /^Deployment: spec\.template\.spec: its lists and maps have \d+ entries; at most 5000 are judged$/,
    );
    expect(decision.errors).toEqual([]);
  });

  test('is warned about by a policy that denies nothing', async () => {
    const decision = await decide(policies(1, check, { enforcement: { critical: 'Warn' } }), { object: large() });
    expect(decision.response).toMatchObject({
      allowed: true,
      warnings: [expect.stringContaining('can not be judged')],
    });
  });

  test.each<[string, (object: RawObject) => RawObject, boolean]>([
    [
      'relabelled',
      (object) => ({ ...object, metadata: { ...(object['metadata'] as object), labels: { a: 'b' } } }),
      true,
    ],
    ['scaled', (object) => ({ ...object, spec: { ...(object['spec'] as object), replicas: 3 } }), true],
    ['changed', () => large({ image: 'app:2' }), false],
    [
      'on its way out',
      () => ({ ...large({ image: 'app:2' }), metadata: { name: 'app', deletionTimestamp: '2027-01-01T00:00:00Z' } }),
      true,
    ],
  ])('and is stored already: %s', async (_, change, allowed) => {
    const oldObject = large();
    expect((await decide(policies(1, check), { object: change(oldObject), oldObject })).response.allowed).toBe(allowed);
  });
});
