/**
 * Does the chart work at all, on a node where pods run? Installed, in force, upgraded and removed, in this order, and
 * nothing is measured: this has to hold on the busiest machine.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import {
  apply,
  attempt,
  bad,
  clusterWide,
  deployment,
  kube,
  NAMESPACE,
  openShop,
  PATIENT,
  pods,
  policy,
  ready,
  readyOperators,
  rejected,
  release,
  rolledOut,
  SHOP,
  uninstall,
} from './shop.ts';

beforeAll(openShop);
afterAll(async () => {
  await attempt(['delete', 'rpol', policy.metadata.name]);
  await attempt(['delete', 'namespace', SHOP, PATIENT]);
});

test('helm install --wait, a policy, and a rejection through the Service', async () => {
  expect(await release('install', '--wait', PATIENT)).toMatchObject({ code: 0 });
  expect(await readyOperators()).toHaveLength(2);
  expect(await apply(policy)).toMatchObject({ code: 0, stderr: '' });
  await until('a rejection', rejected);
});

test('what is not ready is refused and says why, what is ready rolls out to Ready pods', async () => {
  expect(await apply(bad())).toMatchObject({ code: 1, stderr: expect.stringContaining('no memory limit') });
  expect(await apply(deployment('cart'))).toMatchObject({ code: 0 });
  await rolledOut('cart');
  expect((await pods(SHOP, 'app=cart')).filter(ready)).toHaveLength(2);
});

test('an upgrade replaces the pods and leaves the policy in force', async () => {
  const before = (await readyOperators())?.map((pod) => pod['metadata'].uid);
  expect(await release('upgrade', '--set', 'podAnnotations.round=two', '--wait', PATIENT)).toMatchObject({ code: 0 });
  const after = await until('two other pods', readyOperators);
  expect(before).toHaveLength(2);
  expect(after.filter((pod) => before?.includes(pod['metadata'].uid))).toEqual([]);
  expect(await rejected()).toBe(true);
});

test('uninstalled, it refuses nothing and leaves nothing but the CRDs', async () => {
  expect(await uninstall()).toMatchObject({ code: 0 });
  await kube(['delete', 'namespace', NAMESPACE, PATIENT]);
  expect(await apply(bad(), '--dry-run=server')).toMatchObject({ code: 0 });
  expect((await clusterWide()).filter((name) => !name.startsWith('customresourcedefinition'))).toEqual([]);
});
