/** The serving certificate in a Secret of a real API server, kept by two replicas whose clock is moved by the test. */
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { KubeClient } from '../../src/kube/client.ts';
import type { ServingCertificate } from '../../src/webhook/certificate-exchange.ts';
import { CertificateKeeper } from '../../src/webhook/certificate-keeper.ts';
import { TIMES, type CertificateMode } from '../../src/webhook/certificate-plan.ts';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';
import { HttpProxy } from '../support/httpProxy.ts';
import { SILENT } from '../support/logger.ts';
import { TestClock } from '../support/testClock.ts';
import { until } from '../support/until.ts';
import { apply, Stage, type Json } from './stage.ts';

const NAMESPACE = 'certificate-keeper';
const SECRET = 'webhook-tls';
const HOST = 'webhook.example.svc';
const DAY = 24 * 3_600_000;
/** The label by which the operator knows its own Secret. */
const OWN = { 'app.kubernetes.io/managed-by': 'readiness-operator' };
/** Shorter than a watch is open, so that nothing else is due in between. */
const WAITS = { overlap: 10_000, hold: 12_000, linger: 14_000 };

let stage: Stage;
let clock: TestClock;
let replicas: Replica[];

beforeAll(async () => {
  stage = await Stage.open(NAMESPACE);
});
beforeEach(() => {
  clock = new TestClock();
  // What OpenSSL says of a certificate's dates is by the machine's clock.
  clock.jump(Date.now() - clock.now());
  replicas = [];
});
afterEach(async () => {
  for (const replica of replicas) await replica.end();
  await stage.run('delete', 'secret', SECRET, '--ignore-not-found');
});
afterAll(() => stage?.close());

/** A replica with its keeper; the webhook configurations trust what the leader wants them to, at once. */
class Replica {
  readonly keeper: CertificateKeeper;
  readonly served: string[] = [];
  readonly proxy: HttpProxy;
  readonly #client: KubeClient;
  #leads = false;

  private constructor(proxy: HttpProxy, client: KubeClient, mode: CertificateMode) {
    this.proxy = proxy;
    this.#client = client;
    this.keeper = new CertificateKeeper({
      client,
      logger: SILENT,
      mode,
      namespace: NAMESPACE,
      secretName: SECRET,
      hosts: [HOST],
      onServing: ({ cert }: ServingCertificate) => this.served.push(cert),
      onTrust: () => this.#trust(),
      times: { ...TIMES, ...WAITS },
    });
  }

  static async start(mode: CertificateMode = 'Managed'): Promise<Replica> {
    const proxy = await HttpProxy.start(process.env['READINESS_TEST_KUBECONFIG'] ?? '');
    const replica = new Replica(proxy, await proxy.client(clock), mode);
    replicas.push(replica);
    replica.keeper.start();
    return replica;
  }

  lead(): void {
    this.#leads = true;
    this.keeper.lead();
    this.#trust();
  }

  #trust(): void {
    if (this.#leads) this.keeper.trusted(this.keeper.caBundle);
  }

  get serving(): string | undefined {
    return this.keeper.serving?.cert;
  }

  get authorities(): X509Certificate[] {
    return certificatesIn(this.keeper.caBundle);
  }

  async end(): Promise<void> {
    await this.keeper.stop();
    this.#client.close();
    this.proxy.stop();
  }
}

const certificatesIn = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g) ?? []).map((text) => new X509Certificate(text));

/** Starts a leader and a follower, and waits until both serve the same certificate. */
async function start(): Promise<readonly [leader: Replica, follower: Replica]> {
  const leader = await Replica.start();
  const follower = await Replica.start();
  leader.lead();
  await until('both serve', async () => leader.serving !== undefined && leader.serving === follower.serving);
  return [leader, follower];
}

/** Lets time pass, from one thing that is due to the next, until something is so. */
const passUntil = (what: string, question: () => boolean): Promise<unknown> =>
  until(what, async () => {
    if (question()) return true;
    const [soonest = Infinity] = clock.pending;
    if (soonest <= WAITS.linger) await clock.advance(soonest);
    return false;
  });

const secret = (): Promise<Json> => stage.get('secret', SECRET);

const entry = async (key: string): Promise<string> =>
  Buffer.from((await secret())['data'][key] as string, 'base64').toString();

const rotate = (what: string) =>
  stage.run('annotate', '--overwrite', 'secret', SECRET, `readiness-operator.dev/rotate=${what}`);

/** A Secret as a person or cert-manager makes it, whose leaf is valid for so many days more. @returns its leaf */
async function putForeign(days: number, labels: Record<string, string> = {}): Promise<string> {
  const [from, end] = [new Date(clock.now() - 80 * DAY), new Date(clock.now() + days * DAY)];
  const authority = await issueAuthority('foreign', from, new Date(clock.now() + 3000 * DAY));
  const leaf = await issueLeaf(authority, [HOST], from, end);
  const texts = { 'ca.crt': authority.cert, 'ca.key': authority.key, 'tls.crt': leaf.cert, 'tls.key': leaf.key };
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const metadata = { name: SECRET, namespace: NAMESPACE, labels };
  const object = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata,
    data: Object.fromEntries(data),
  };
  expect(await apply(object)).toMatchObject({ code: 0 });
  return leaf.cert;
}

test('the leader makes one, and looks at it again in ten minutes at the latest', async () => {
  const [leader] = await start();
  expect(leader.authorities).toHaveLength(1);
  expect(new X509Certificate(leader.serving ?? '').checkHost(HOST)).toBe(HOST);
  await clock.waiting(600_000);
});

test('a leaf that is due is renewed by the same CA, and every replica serves it', async () => {
  const [leader, follower] = await start();
  const before = leader.serving;
  const authority = await entry('ca.crt');
  await clock.waiting(600_000);
  clock.jump(TIMES.leaf.lifetime - TIMES.leaf.renewBefore);
  // The look that is due by then, without the ten minutes: a watch would end many times meanwhile.
  leader.lead();
  await passUntil('another leaf', () => leader.serving !== before && leader.serving === follower.serving);
  expect(await entry('ca.crt')).toBe(authority);
  expect([leader.served.length, follower.served.length]).toEqual([2, 2]);
});

test('a new CA is trusted for a while before a leaf of it is made, and the old one goes when asked', async () => {
  const [leader, follower] = await start();
  const before = leader.serving;
  const [old] = leader.authorities;
  await rotate('CA');
  await until('both CAs are trusted', async () => leader.authorities.length === 2);
  expect(leader.serving).toBe(before);
  const trusted = clock.monotonic();
  await passUntil('a leaf of the new CA', () => leader.serving !== before && leader.serving === follower.serving);
  expect(clock.monotonic() - trusted).toBeGreaterThanOrEqual(WAITS.overlap);
  const leaf = new X509Certificate(leader.serving ?? '');
  expect([leaf.verify(old!.publicKey), leader.authorities.some(({ publicKey }) => leaf.verify(publicKey))]).toEqual([
    false,
    true,
  ]);

  await rotate('Distrust');
  await until('one CA in the Secret', async () => certificatesIn(await entry('ca.crt')).length === 1);
  const left = clock.monotonic();
  expect(follower.authorities).toHaveLength(2);
  await passUntil('one that is trusted', () => follower.authorities.length === 1);
  expect(clock.monotonic() - left).toBeGreaterThanOrEqual(WAITS.linger);
});

test('one that is deleted is restored as it was, and one that is emptied is made anew', async () => {
  const [leader, follower] = await start();
  const before = leader.serving;
  await stage.run('delete', 'secret', SECRET);
  await until('it is there again', async () => (await entry('tls.crt')) === before);
  await stage.run(
    'patch',
    'secret',
    SECRET,
    '--type=json',
    '-p',
    '[{"op":"replace","path":"/data/tls.key","value":"bm8="}]',
  );
  await passUntil('another one', () => leader.serving !== before && leader.serving === follower.serving);
});

test('an expired leaf that is found at the start is replaced at once', async () => {
  const expired = await putForeign(-1, OWN);
  const [leader] = await start();
  await passUntil('another leaf', () => leader.serving !== expired);
  const [authority] = certificatesIn(await entry('ca.crt'));
  expect(new X509Certificate(leader.serving ?? '').verify(authority!.publicKey)).toBe(true);
});

test.each<CertificateMode>(['Managed', 'Provided'])(
  'one of somebody else is served and never written (%s)',
  async (mode) => {
    // With `Provided` not even one that bears the operator's label.
    const cert = await putForeign(5, mode === 'Provided' ? OWN : {});
    const replica = await Replica.start(mode);
    replica.lead();
    await until('it is served', async () => replica.serving === cert);
    const reads = (): number =>
      replica.proxy.requests.filter((request) => request.endsWith(`/secrets/${SECRET}`)).length;
    // Due by the operator's own rule, and asked for. With what follows on the second begun, what followed on the first is done.
    for (const what of ['CA', 'Leaf']) {
      const before = reads();
      await clock.advance(1);
      await rotate(what);
      await until('the replica hears of it', async () => replica.keeper.health.lastEvent === clock.now());
      // Where it might write, it looks first.
      if (mode === 'Managed') await until('the replica looks', async () => reads() > before);
    }
    expect((await secret())['metadata'].annotations).toMatchObject({ 'readiness-operator.dev/rotate': 'Leaf' });
    expect(replica.proxy.requests.filter((request) => !request.startsWith('GET '))).toEqual([]);
  },
);
