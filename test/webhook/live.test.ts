import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { CHECKS } from '../../src/checks/index.ts';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import type { Answer, Related, RelatedKindName } from '../../src/engine/related.ts';
import { readWorkload, type RawObject, type Workload } from '../../src/engine/workload.ts';
import { ApiError } from '../../src/kube/client.ts';
import type { Requester } from '../../src/kube/restraint.ts';
import { PolicyCompiler, type CompiledPolicy } from '../../src/policy/compile.ts';
import { judge } from '../../src/policy/judge.ts';
import type { AdmissionRequest } from '../../src/webhook/protocol.ts';
import { ApiServerReads, refreshed } from '../../src/webhook/live.ts';
import type { LiveReads, World } from '../../src/webhook/world.ts';
import { CREATE } from '../support/policies.ts';
import { TestClock } from '../support/testClock.ts';
import { workloadOf } from '../support/workloads.ts';

const CHECKOUT = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: checkout, namespace: shop }
spec:
  selector: { matchLabels: { app: checkout } }
  template:
    metadata: { labels: { app: checkout } }
    spec:
      containers:
        - name: app
          image: registry.example.com/checkout:1.4.2
          env:
            - { name: KEY, valueFrom: { secretKeyRef: { name: session, key: key } } }
            - { name: CURRENCY, valueFrom: { configMapKeyRef: { name: prices, key: currency } } }
`;

type Known = Answer<never>['state'] | 'live';

/** What is read from the API server when the caches have these answers; of everything else they say that it is absent. */
async function readOf(known: Readonly<Record<string, Known>>): Promise<string[]> {
  const { workload } = readWorkload(parse(CHECKOUT) as RawObject, WORKLOAD_KINDS[0] as (typeof WORKLOAD_KINDS)[0]) as {
    workload: Workload;
  };
  const { policy } = new PolicyCompiler(CHECKS).compile({
    metadata: { name: 'production' },
    spec: { profile: 'production-v1' },
  }) as { policy: CompiledPolicy };
  const reads: string[] = [];
  const live: Pick<LiveReads, 'named'> = {
    named: async (kind, namespace, name) => {
      reads.push(`${kind} ${namespace}/${name}`);
      return { state: 'absent' };
    },
  };
  const related: Related = {
    find: (kind, namespace, name) => {
      const state = known[`${kind} ${namespace}/${name}`] ?? 'absent';
      if (state === 'found') return { state, values: [FACTS[kind] as never] };
      if (state === 'absent') return { state };
      return { state: 'unknown', cause: 'not read', ...(state === 'live' ? { live: true } : {}) };
    },
  };
  const world = { related, live, now: () => 0 } as unknown as World;
  await refreshed(workload, [judge(policy, workload, related, 0, CREATE)], world, 1000);
  return reads.toSorted();
}

/** What the caches know of the objects that are there. */
const FACTS: Partial<Record<RelatedKindName, object>> = {
  Secret: { keys: ['key'], managed: false },
  ConfigMap: { keys: ['currency'], values: {} },
};

test('before a denial what denies is looked at, and nothing else', async () => {
  expect(await readOf({ 'ConfigMap shop/prices': 'found' })).toEqual([
    'Secret shop/session',
    // It names Secrets too, for images.
    'ServiceAccount shop/default',
  ]);
  expect(await readOf({ 'Secret shop/session': 'found' })).toEqual(['ConfigMap shop/prices']);
  expect(await readOf({ 'ConfigMap shop/prices': 'found', 'Secret shop/session': 'found' })).toEqual([]);
});

test('what can only be known by asking is asked for', async () => {
  const known = { 'ConfigMap shop/prices': 'found', 'Secret shop/session': 'live' } as const;
  expect(await readOf(known)).toEqual(['Secret shop/session']);
  // A cache that can't be read is no reason to ask for each object: that would be refused too.
  expect(await readOf({ ...known, 'Secret shop/session': 'unknown' })).toEqual([]);
});

describe('who made a Pod for its owner', () => {
  const pod = workloadOf(
    'Pod',
    { containers: [{ name: 'app' }] },
    {
      name: 'app',
      namespace: 'shop',
      ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Fleet', name: 'f', uid: 'u', controller: true }],
    },
  );
  const request = {
    operation: 'CREATE',
    userInfo: { username: 'system:serviceaccount:fleets:controller' },
  } as AdmissionRequest;

  /** The leniency of an API server that answers the question for the owner's kind as it is told. */
  function made(discovery: () => unknown) {
    const errors: unknown[] = [];
    const client = {
      request: async (method: string) => (method === 'GET' ? discovery() : { status: { allowed: true } }),
    } as unknown as Requester;
    const reads = new ApiServerReads(
      client,
      new TestClock(),
      (error) => errors.push(error),
      () => true,
    );
    return { errors, ask: async () => (await reads.leniency(pod, undefined, request, 1000))?.by };
  }

  test('a question that failed is told of, and asked again', async () => {
    let fails = true;
    const { errors, ask } = made(() => {
      if (fails) throw new ApiError(503, 'ServiceUnavailable', 'busy');
      return { resources: [{ name: 'fleets', kind: 'Fleet' }] };
    });
    expect(await ask()).toBeUndefined();
    expect(errors).toMatchObject([{ status: 503 }]);
    fails = false;
    expect(await ask()).toBe('Owner');
  });

  test('an API that is not served has no controllers, and that is remembered', async () => {
    let asked = 0;
    const { errors, ask } = made(() => {
      asked += 1;
      throw new ApiError(404, 'NotFound', 'no such API');
    });
    expect([await ask(), await ask()]).toEqual([undefined, undefined]);
    expect([asked, errors]).toEqual([1, []]);
  });
});
