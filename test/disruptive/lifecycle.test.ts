/** From the first replica to the last: who leads, what the API server is told, and what is left behind. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { calledAs } from '../cluster/configurations.ts';
import { redirectKubeconfig } from '../cluster/kubeconfig.ts';
import { kubectl } from '../cluster/kubectl.ts';
import {
  enforced,
  installOperator,
  killAll,
  OPERATOR_IDENTITY,
  startOperator,
  type Operator,
} from '../cluster/operator.ts';
import { freePort } from '../cluster/ports.ts';
import { ask } from '../faults/load.ts';
import { bad } from '../faults/samples.ts';
import { get } from '../support/https.ts';
import { teamPolicy } from '../support/manifests.ts';
import { HttpProxy } from '../support/httpProxy.ts';
import { TcpProxy } from '../support/tcpProxy.ts';
import { until } from '../support/until.ts';
import type { Json } from '../integration/stage.ts';

const CONFIGURATION = 'validatingwebhookconfiguration/readiness-operator';
const MUTATING = 'mutatingwebhookconfiguration/readiness-operator';
/** The entries for our own kinds, which do not depend on policies. */
const STANDING = ['exceptions.readiness-operator.dev', 'policies.readiness-operator.dev'];
const PROGRAM = join(import.meta.dirname, '../../bin/readiness-operator.js');
let cluster: Cluster;
let running: Operator[] = [];

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
});
afterAll(() => cluster?.stop());
afterEach(async () => {
  await killAll(running);
  running = [];
  await kubectl(cluster, ['delete', 'rpol', '--all']);
  await kubectl(cluster, ['delete', '--ignore-not-found', CONFIGURATION, MUTATING]);
  await kubectl(cluster, ['delete', '--ignore-not-found', '-n', 'readiness-operator', 'lease/readiness-operator']);
});

async function start(...more: string[]): Promise<Operator> {
  const operator = await startOperator(cluster, more);
  running.push(operator);
  return operator;
}

async function json(...args: string[]): Promise<Json> {
  return JSON.parse((await kubectl(cluster, [...args, '-o', 'json'])).stdout) as Json;
}

const apply = (object: Json) => kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object) });

const policy = (name: string, spec: Json = {}): Json => teamPolicy(name, { profile: 'production-v1', ...spec });

async function entriesOf(configuration = CONFIGURATION): Promise<string[]> {
  const { stdout } = await kubectl(cluster, ['get', '--ignore-not-found', configuration, '-o', 'json']);
  if (stdout === '') return [];
  return ((JSON.parse(stdout) as Json)['webhooks'] ?? []).map((entry: Json) => entry['name']);
}

const leads = async ({ url }: Operator): Promise<boolean> =>
  (await get(`${url}/metrics`)).text.includes('\nreadiness_operator_leader 1');

// After which time is tested with clocks that the test moves (test/integration/lease.test.ts).
test('of two replicas one leads; the other follows when it is killed, and when it stops in order', async () => {
  const first = await start();
  await until('the first leads', () => leads(first));
  const second = await start(`--webhook-url=${first.url}`);
  expect(await leads(second)).toBe(false);

  first.process.signal('SIGKILL');
  await until('the second leads', () => leads(second));

  const third = await start(`--webhook-url=${second.url}`);
  second.process.signal('SIGTERM');
  await until('the third leads', () => leads(third));
});

test('a leader that is cut off stops leading before another begins', async () => {
  const first = await start();
  await until('the first leads', () => leads(first));
  const second = await start(`--webhook-url=${first.url}`);
  // Suspended, as a virtual machine is: it wakes up as a leader whose Lease ran out.
  first.process.signal('SIGSTOP');
  await until('the second leads', () => leads(second));
  first.process.signal('SIGCONT');
  await until('the first knows', async () => !(await leads(first)));
  expect(await leads(second)).toBe(true);
});

/** What a replica says of a Deployment that no policy lets through, when the API server comes by the route of a policy. */
const verdict = async ({ url }: Operator, route: string) =>
  ask(url, bad('web'), await calledAs(cluster, `/validate/workloads/${route}`));

test('a replica whose watches are dead judges by a policy that only the leader has heard of, and knows what is gone', async () => {
  const first = await start();
  await until('the first leads', () => leads(first));
  const proxy = await TcpProxy.start(cluster.server);
  try {
    const straight = await cluster.kubeconfigFor(OPERATOR_IDENTITY);
    const kubeconfig = join(cluster.dir, 'late.kubeconfig');
    await redirectKubeconfig(straight, `https://127.0.0.1:${proxy.port}`, kubeconfig);
    const second = await startOperator(cluster, [], { kubeconfig, webhookUrl: first.url });
    running.push(second);
    // It has heard of a policy: its watch is open.
    await apply(policy('early'));
    await enforced(cluster, 'early');
    await until('the second has heard', async () => (await verdict(second, 'early')).text.includes('[early]'));
    proxy.silence();
    await apply(policy('late'));
    await enforced(cluster, 'late');
    expect(await verdict(first, 'late')).toEqual({ allowed: false, text: expect.stringContaining('[late]') });
    const path = await calledAs(cluster, '/validate/workloads/late');
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(second.url, bad('web'), path)));
    expect(all[0]).toEqual({ allowed: false, text: expect.stringContaining('[late]') });
    expect(new Set(all.map(({ allowed }) => allowed)).size).toBe(1);
    expect(await verdict(second, 'nobody')).toMatchObject({ allowed: true });
  } finally {
    await proxy.stop();
  }
});

test('a policy that takes over the name of a route leaves no moment in which nobody may answer for it', async () => {
  const operator = await start();
  await apply(policy('shared'));
  await enforced(cluster, 'shared');
  await apply({ ...policy('shared'), metadata: { name: 'another' } });
  await enforced(cluster, 'another');
  expect(await entriesOf()).not.toContain('shared.workloads.readiness-operator.dev');
  // The API server goes on by the old name until it has seen the new configuration.
  for (const route of ['shared', 'another']) {
    const { allowed, text } = await verdict(operator, route);
    expect([allowed, text]).toEqual([false, expect.stringContaining('(policies another, shared)')]);
  }
});

test('a policy that becomes unfit stays in force as it was, over a restart too, and takes no other down', async () => {
  const operator = await start();
  await until('it leads', () => leads(operator));
  await apply(policy('good'));
  await apply(policy('other'));
  await enforced(cluster, 'good');
  await enforced(cluster, 'other');
  // Admission is Ignore for policies: while the operator can't answer, an unfit one gets in.
  operator.process.signal('SIGSTOP');
  await apply(policy('good', { checks: { memoryLimts: { priority: 'Critical' } } }));
  operator.process.signal('SIGCONT');
  const broken = async (): Promise<Json> => (await json('get', 'rpol', 'good'))['status'];
  await until('its flaw is told', async () => (await broken())['conditions'][0].reason === 'UnknownCheck');
  expect(await broken()).toMatchObject({ inForce: { generation: 1, spec: { profile: 'production-v1' } } });
  expect(await entriesOf()).toContain('good.workloads.readiness-operator.dev');

  operator.process.signal('SIGKILL');
  await operator.process.exited;
  const next = await start();
  await until('the next one leads', () => leads(next));
  await apply(policy('third'));
  await enforced(cluster, 'third');
  expect(await entriesOf()).toEqual(
    expect.arrayContaining(['good', 'other', 'third'].map((name) => `${name}.workloads.readiness-operator.dev`)),
  );

  await apply(policy('good'));
  await enforced(cluster, 'good');
  await until('nothing older is in force', async () => (await broken())['inForce'] === undefined);
});

test('edited or deleted by hand, the configurations are healed', async () => {
  const operator = await start();
  await apply(policy('healed'));
  await enforced(cluster, 'healed');
  for (const [configuration, index] of [
    [CONFIGURATION, 1],
    [MUTATING, 0],
  ] as const) {
    const whole = await entriesOf(configuration);
    const edit = JSON.stringify([{ op: 'replace', path: `/webhooks/${index}/failurePolicy`, value: 'Ignore' }]);
    await kubectl(cluster, ['patch', configuration, '--type=json', '-p', edit]);
    await until(
      'the edit is undone',
      async () => (await json('get', configuration))['webhooks'][index].failurePolicy === 'Fail',
    );
    await kubectl(cluster, ['delete', configuration]);
    await until('it is there again', async () => (await entriesOf(configuration)).length === whole.length);
  }
  const [validating, mutating] = [await json('get', CONFIGURATION), await json('get', MUTATING)];
  expect(mutating['webhooks']).toHaveLength(1);
  expect(mutating['metadata'].ownerReferences).toEqual([
    expect.objectContaining({ kind: 'ClusterRole', name: 'readiness-operator' }),
  ]);
  expect(mutating['metadata'].ownerReferences).toEqual(validating['metadata'].ownerReferences);
  expect(mutating['webhooks'][0].clientConfig.caBundle).toBe(validating['webhooks'][0].clientConfig.caBundle);
  expect(await leads(operator)).toBe(true);
});

test('with no operator at all nobody writes the name of somebody else into an exception', async () => {
  const exception = (name: string, requestedBy?: Json): Json => ({
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessException',
    metadata: { name, namespace: 'default' },
    spec: {
      selector: {},
      checks: ['*'],
      reason: 'TICKET-1',
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      requestedBy,
    },
  });
  const alice = { user: 'alice', groups: ['sre', 'system:masters', 'system:authenticated'] };
  const put = (object: Json, ...more: string[]) =>
    kubectl(cluster, ['apply', '-f', '-', ...more], {
      input: JSON.stringify(object),
      as: alice,
      allowFailure: true,
    });
  const refusal = 'spec.requestedBy must name who asks, alice, with groups of that user alone.';
  for (const forged of [undefined, { username: 'bob' }, { username: 'alice', groups: ['bosses'] }]) {
    expect(await put(exception('forged', forged))).toMatchObject({ code: 1, stderr: expect.stringContaining(refusal) });
  }
  const honest = exception('honest', { username: 'alice', groups: ['sre'] });
  expect(await put(honest)).toMatchObject({ code: 0 });
  const patch = (spec: Json, as: string | typeof alice) =>
    kubectl(cluster, ['patch', 'rexc', 'honest', '--type=merge', '-p', JSON.stringify(spec)], {
      as,
      allowFailure: true,
    });
  // Who changes what it says has to sign for it; labels are nobody's business.
  const bob = { user: 'bob', groups: ['system:masters'] };
  expect((await patch({ spec: { reason: 'TICKET-2' } }, bob)).stderr).toContain('who asks, bob');
  expect((await patch({ metadata: { labels: { seen: 'yes' } } }, bob)).code).toBe(0);
  expect((await patch({ spec: { requestedBy: { username: 'carol' } } }, bob)).code).toBe(1);
});

test('200 policies, each with a match of its own, are all routed, and no object outgrows etcd', async () => {
  await start();
  const names = Array.from({ length: 200 }, (_, index) => `team-${index}`);
  const list = { apiVersion: 'v1', kind: 'List', items: names.map((name) => policy(name)) };
  await apply(list);
  await until('all are routed', async () => {
    const { items } = await json('get', 'rpol');
    return (items as Json[]).every(({ status }) => status?.conditions?.[1]?.reason === 'Routed');
  });
  const { items } = await json('get', 'validatingwebhookconfiguration');
  const ours = (items as Json[]).filter(({ metadata }) => metadata.name.startsWith('readiness-operator'));
  const entries = ours.flatMap(({ webhooks }) => webhooks as Json[]);
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  expect(entries.filter(({ name }) => name.includes('.workloads.'))).toHaveLength(200);
  for (const object of ours) expect(JSON.stringify(object).length).toBeLessThan(1_200_000);
  for (const { matchConditions = [] } of entries) expect(matchConditions.length).toBeLessThanOrEqual(64);

  await kubectl(cluster, ['delete', 'rpol', '--all']);
  await until('their entries are gone', async () => {
    const all = await Promise.all(
      ours.map(({ metadata }) => entriesOf(`${CONFIGURATION.split('/')[0]}/${metadata.name}`)),
    );
    return all.flat().length === STANDING.length;
  });
});

test('no entry before the Service has an endpoint', async () => {
  // As in a cluster: called by its Service, not by a URL.
  const port = await freePort();
  const proxy = await HttpProxy.start(await cluster.kubeconfigFor(OPERATOR_IDENTITY));
  const kubeconfig = join(cluster.dir, 'in-cluster.kubeconfig');
  await redirectKubeconfig(cluster.kubeconfig, proxy.url, kubeconfig);
  const url = `https://127.0.0.1:${port}`;
  const process_ = await cluster.run({
    command: process.execPath,
    args: [PROGRAM, 'serve', `--kubeconfig=${kubeconfig}`, `--listen=127.0.0.1:${port}`],
    env: { PATH: process.env['PATH'] ?? '', HOME: cluster.dir },
    log: join(cluster.dir, 'in-cluster.log'),
  });
  const operator: Operator = { url, log: '', process: process_, stop: async () => {}, kill: async () => {} };
  running.push(operator);
  await until('it leads', () => leads(operator));
  // The leader looks for an endpoint first, and again and again.
  const looks = (): number => proxy.requests.filter((request) => request.includes('/endpointslices')).length;
  const before = looks();
  await until('it looks for an endpoint twice', async () => looks() >= before + 2);
  expect([await entriesOf(), await entriesOf(MUTATING)]).toEqual([[], []]);

  await apply({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'readiness-operator-1',
      namespace: 'readiness-operator',
      labels: { 'kubernetes.io/service-name': 'readiness-operator' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'https', port: 9443 }],
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
  });
  await until('the API server is told to ask', async () => (await entriesOf()).length > 0);
  expect(await entriesOf()).toEqual(STANDING);
  await until('and to have exceptions stamped', async () => (await entriesOf(MUTATING)).length > 0);
  proxy.stop();
});

test('the last replica of a Deployment that is scaled to zero takes its entries away; one that is replaced does not', async () => {
  const deployment = (replicas: number): Json => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'readiness-operator', namespace: 'readiness-operator' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'readiness-operator' } },
      template: {
        metadata: { labels: { app: 'readiness-operator' } },
        spec: { containers: [{ name: 'operator', image: 'readiness-operator:none' }] },
      },
    },
  });
  await apply(deployment(2));
  const replaced = await start('--deployment=readiness-operator');
  await apply(policy('stopped'));
  await enforced(cluster, 'stopped');
  replaced.process.signal('SIGTERM');
  await replaced.process.exited;
  expect(await entriesOf()).toContain('stopped.workloads.readiness-operator.dev');

  const [one, two] = [await start('--deployment=readiness-operator'), await start('--deployment=readiness-operator')];
  await until('one leads', async () => (await leads(one)) || (await leads(two)));
  await apply(deployment(0));
  one.process.signal('SIGTERM');
  two.process.signal('SIGTERM');
  await until(
    'nobody is asked',
    async () => (await entriesOf()).length === 0 && (await entriesOf(MUTATING)).length === 0,
  );
  expect([(await one.process.exited).code, (await two.process.exited).code]).toEqual([0, 0]);
  expect(await entriesOf()).toEqual([]);
});
