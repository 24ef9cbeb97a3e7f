/** Leader election by a Lease of a real API server. The clocks of the replicas are moved by the test. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { LeaderElection } from '../../src/kube/lease.ts';
import { HttpProxy } from '../support/httpProxy.ts';
import { TestClock } from '../support/testClock.ts';
import { until } from '../support/until.ts';
import { Stage } from './stage.ts';

const KUBECONFIG = process.env['READINESS_TEST_KUBECONFIG'];
const LEASES = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
const NAMESPACE = 'lease';
const NAME = 'leader';
/** Milliseconds: without a renewal until a leader gives up, and until another one may follow. */
const [DEADLINE, DURATION] = [8000, 12_000];
/** Two seconds and, with the chance of the test's clock, a tenth more: no other timer is ever as long. */
const RETRY = 2200;

let admin: KubeClient;
let stage: Stage;
let clock: TestClock;
let replicas: Replica[];

beforeAll(async () => {
  admin = await KubeClient.load(systemClock, KUBECONFIG);
  stage = await Stage.open(NAMESPACE);
});
beforeEach(() => {
  clock = new TestClock();
  clock.chance = 0.5;
  replicas = [];
});
afterEach(async () => {
  for (const replica of replicas) await replica.end();
  await admin.request('DELETE', pathOf(LEASES, NAMESPACE, NAME));
});
afterAll(async () => {
  admin?.close();
  await stage?.close();
});

/** One of several that want to lead. */
class Replica {
  readonly election: LeaderElection;
  /** What it was told, and when (milliseconds by its clock). */
  readonly told: [what: 'started' | 'stopped', at: number][] = [];
  /** Awaited before the Lease is given back. */
  stopping: Promise<void> = Promise.resolve();
  readonly proxy: HttpProxy;
  readonly #client: KubeClient;

  private constructor(identity: string, proxy: HttpProxy, client: KubeClient) {
    this.proxy = proxy;
    this.#client = client;
    this.election = new LeaderElection({
      client,
      namespace: NAMESPACE,
      name: NAME,
      identity,
      onStarted: () => this.told.push(['started', client.clock.monotonic()]),
      onStopped: () => {
        this.told.push(['stopped', client.clock.monotonic()]);
        return this.stopping;
      },
      onError: () => {},
    });
  }

  /** @param onWrite - told of each request that is to change the Lease, before it is passed on */
  static async start(identity: string, ownClock = clock, onWrite = (): void => {}): Promise<Replica> {
    const proxy = await HttpProxy.start(KUBECONFIG ?? '');
    proxy.intercept = ({ method }) => {
      if (method !== 'GET') onWrite();
      return false;
    };
    const client = await proxy.client(ownClock);
    const replica = new Replica(identity, proxy, client);
    replicas.push(replica);
    replica.election.start();
    return replica;
  }

  get leads(): boolean {
    return this.election.leading;
  }

  /** Is cut off: all that it asks from now on fails. */
  cutOff(): void {
    this.proxy.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
  }

  async end(): Promise<void> {
    this.cutOff();
    await this.election.stop();
    this.#client.close();
    this.proxy.stop();
  }
}

const holder = async (): Promise<unknown> =>
  (await admin.request<{ spec: { holderIdentity?: string } }>('GET', pathOf(LEASES, NAMESPACE, NAME))).spec
    .holderIdentity;

/** Lets one try of every replica pass, and waits until all of them have done it. */
async function passTry(all: readonly Replica[]): Promise<void> {
  const before = all.map(({ proxy }) => proxy.requests.length);
  await clock.advance(RETRY);
  await until('a try of each', async () =>
    all.every(({ proxy }, index) => proxy.requests.length > (before[index] ?? 0)),
  );
  // Each waits for its next try: at least as many timers of that length as there are replicas.
  await until(
    'the next pause of each',
    async () => clock.pending.filter((left) => left === RETRY).length >= all.length,
  );
}

test('of two one leads, as long as it renews the Lease', async () => {
  const first = await Replica.start('first');
  await until('the first leads', async () => first.leads);
  const second = await Replica.start('second');
  await clock.waiting(RETRY);
  await until('both wait', async () => clock.pending.filter((left) => left === RETRY).length === 2);
  // Twice as long as a Lease holds that nobody renews.
  for (let time = 0; time < 2 * DURATION; time += RETRY) {
    await passTry([first, second]);
    expect([first.leads, second.leads, await holder()]).toEqual([true, false, 'first']);
  }
});

test('a leader that is cut off stops leading before another one begins, which follows when the Lease has run out', async () => {
  const first = await Replica.start('first');
  await until('the first leads', async () => first.leads);
  const second = await Replica.start('second');
  await until('both wait', async () => clock.pending.filter((left) => left === RETRY).length === 2);
  await passTry([first, second]);
  const renewed = clock.monotonic();
  first.cutOff();
  for (let time = 0; time < 3 * DURATION && !second.leads; time += RETRY) await passTry([first, second]);
  expect(first.told).toEqual([
    ['started', 0],
    ['stopped', renewed + DEADLINE],
  ]);
  const [[what, at] = []] = second.told;
  expect([what, await holder()]).toEqual(['started', 'second']);
  // The second one may have seen the last renewal a try later.
  expect(at).toBeGreaterThan(renewed + DURATION);
  expect(at).toBeLessThanOrEqual(renewed + DURATION + 2 * RETRY);
});

test('a renewal counts from when it was asked for, however late the answer comes', async () => {
  const slow = 3000;
  const first = await Replica.start('first', clock, () => void clock.advance(slow));
  await until('the first leads', async () => first.leads);
  first.cutOff();
  await until('it stops', async () => {
    const [soonest = Infinity] = clock.pending;
    if (first.leads && soonest <= DEADLINE) await clock.advance(soonest);
    return !first.leads;
  });
  expect(first.told).toEqual([
    ['started', slow],
    ['stopped', DEADLINE],
  ]);
});

test('a leader whose machine was suspended does not lead when it wakes up', async () => {
  const own = new TestClock();
  own.chance = clock.chance;
  const first = await Replica.start('first', own);
  await until('the first leads', async () => first.leads);
  await own.waiting(RETRY);
  // Its timers fire together, the deadline among them, before any answer can come.
  await own.advance(10 * DURATION);
  expect(first.told.slice(0, 2)).toEqual([
    ['started', 0],
    ['stopped', DEADLINE],
  ]);
});

test('one that stops in order gives the Lease back when its work has ended, and another leads at its next try', async () => {
  const first = await Replica.start('first');
  await until('the first leads', async () => first.leads);
  const second = await Replica.start('second');
  await until('both wait', async () => clock.pending.filter((left) => left === RETRY).length === 2);
  const ended = Promise.withResolvers<void>();
  first.stopping = ended.promise;
  const stopped = first.election.stop();
  await until('the first stops', async () => !first.leads);
  await passTry([second]);
  expect([await holder(), second.leads]).toEqual(['first', false]);
  ended.resolve();
  await stopped;
  expect(await holder()).toBe('');
  await passTry([second]);
  expect([second.leads, await holder()]).toEqual([true, 'second']);
});

test('the clock of the machine decides nothing', async () => {
  const first = await Replica.start('first');
  await until('the first leads', async () => first.leads);
  const second = await Replica.start('second');
  await until('both wait', async () => clock.pending.filter((left) => left === RETRY).length === 2);
  for (const jump of [86_400_000, -2 * 86_400_000]) {
    clock.jump(jump);
    await passTry([first, second]);
    expect([first.leads, second.leads]).toEqual([true, false]);
  }
  // Nor is a Lease that nobody renews any more taken sooner.
  first.cutOff();
  await passTry([first, second]);
  clock.jump(86_400_000);
  await passTry([first, second]);
  expect(second.leads).toBe(false);
});
