/** By which paths the API server calls: from a first start, over a restart, and after a version that knew no tokens. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator, type Operator } from '../cluster/operator.ts';
import { freePort } from '../cluster/ports.ts';
import { reviewOf, teamPolicy } from '../support/manifests.ts';
import { metricsOf, postReview } from '../support/posting.ts';
import { until } from '../support/until.ts';

const TOKEN = /^https:\/\/127\.0\.0\.1:\d+\/t\/[0-9a-f]{32}\/(validate|mutate)\//;
const BARE = /^https:\/\/127\.0\.0\.1:\d+\/(validate|mutate)\//;
const KINDS = ['validatingwebhookconfiguration', 'mutatingwebhookconfiguration'];

let cluster: Cluster;
let operator: Operator;
let port: number;

const apply = (object: unknown): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object), allowFailure: true });

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  port = await freePort();
  operator = await startOperator(cluster, [], { port });
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'shop' } } });
  const checks = { imageTag: { priority: 'Critical' } };
  expect((await apply(teamPolicy('shop', { profile: 'none', checks }))).stderr).toBe('');
  await enforced(cluster, 'shop');
});
afterAll(async () => {
  await cluster?.stop();
});

/** The URLs of all entries. */
async function urls(): Promise<string[]> {
  const all = KINDS.map(async (kind) => {
    const { stdout } = await kubectl(cluster, ['get', kind, 'readiness-operator', '-o', 'json']);
    const { webhooks } = JSON.parse(stdout) as { webhooks: { clientConfig: { url: string } }[] };
    return webhooks.map(({ clientConfig }) => clientConfig.url);
  });
  return (await Promise.all(all)).flat();
}

async function restart(): Promise<void> {
  await operator.stop();
  operator = await startOperator(cluster, [], { port });
}

/** Waits until the leader has written, or left alone, what it found: it says so in the policy's status. */
async function led(): Promise<void> {
  await until('a leader', async () => (await metricsOf(operator.url)).includes('readiness_operator_leader 1'));
  const spec = { checks: { imageTag: { priority: 'Critical' }, imageDigest: { priority: 'NiceToHave' } } };
  await kubectl(cluster, ['patch', 'rpol', 'shop', '--type=merge', '-p', JSON.stringify({ spec })]);
  await enforced(cluster, 'shop');
}

const expectAll = (found: string[], pattern: RegExp): void => {
  expect(found.length).toBeGreaterThan(3);
  for (const url of found) expect(url).toMatch(pattern);
};

test('each entry bears the token, also after a restart', async () => {
  const before = await urls();
  expectAll(before, TOKEN);
  await restart();
  await led();
  expectAll(await urls(), TOKEN);
});

test('after a version that knew no tokens, replicas of both are understood: none for a while, and who has none is known', async () => {
  await operator.stop();
  for (const kind of KINDS) {
    const { stdout } = await kubectl(cluster, ['get', kind, 'readiness-operator', '-o', 'json']);
    const { code } = await kubectl(cluster, ['replace', '-f', '-'], {
      input: stdout.replaceAll(/\/t\/[0-9a-f]{32}\//g, '/'),
      allowFailure: true,
    });
    expect(code).toBe(0);
  }
  operator = await startOperator(cluster, [], { port });
  await led();
  expectAll(await urls(), BARE);

  const container = { name: 'app', image: 'x:latest' };
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
  const metadata = { name: 'web', namespace: 'shop' };
  const review = reviewOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template } }, metadata);
  const url = `${operator.url}/validate/workloads/shop`;
  expect(await postReview(url, review)).toMatchObject({ status: 200, text: expect.stringContaining('imageTag') });
  await until('it to be counted', async () =>
    /admission_requests_total\{operation="CREATE",kind="Deployment",decision="denied"\} 1/.test(
      await metricsOf(operator.url),
    ),
  );
  expect(await metricsOf(operator.url)).toContain('readiness_operator_unknown_callers_total 0\n');
});
