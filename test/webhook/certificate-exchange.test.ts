import { beforeAll, describe, expect, test } from '@jest/globals';
import { array, assert as assertProperty, asyncProperty, constantFrom, integer, record } from 'fast-check';
import { authoritiesOf, read, type Content } from '../../src/webhook/certificate-content.ts';
import { CertificateExchange } from '../../src/webhook/certificate-exchange.ts';
import { carryOut } from '../../src/webhook/certificate-maker.ts';
import { planOf, TIMES, type Rotation } from '../../src/webhook/certificate-plan.ts';
import type { CertifiedKey } from '../../src/webhook/server.ts';
import { authority, contentOf, DAY, HOSTS, leafOf, NOW } from '../support/certificates.ts';

const at = (steady: number, now = NOW): { now: number; steady: number } => ({ now, steady });

describe('CertificateExchange', () => {
  let [first, second]: CertifiedKey[] = [];
  let old: Content,
    both: Content,
    swapped: Content,
    foreign: Content,
    renewed: Content,
    expired: Content,
    bySystem: Content;
  let foreignLeaf: CertifiedKey;
  let exchange: CertificateExchange;
  const authorities = (): number => authoritiesOf(exchange.caBundle).length;
  beforeAll(async () => {
    first = await authority();
    second = await authority();
    const leaf = await leafOf(first);
    old = contentOf(leaf, [first]);
    both = contentOf(leaf, [second, first]);
    swapped = contentOf(await leafOf(second), [second, first]);
    foreignLeaf = await leafOf(second);
    foreign = contentOf(foreignLeaf, [second]);
    bySystem = contentOf(await leafOf(second), []);
    renewed = contentOf(await leafOf(first), [first]);
    expired = contentOf(await leafOf(first, -90, 0), [first]);
  });
  const serving = (content: Content): void => expect(exchange.serving?.cert).toBe(content.leaf?.cert);
  const start = (content: Content): void => {
    exchange = new CertificateExchange(TIMES);
    exchange.observe(content, at(0));
    serving(content);
  };

  test('serves the first that there is, and a renewed one at once', () => {
    start(old);
    exchange.observe(renewed, at(10));
    serving(renewed);
    expect(exchange.serving?.expires).toBe(renewed.leaf?.notAfter);
    expect(exchange.serving?.authorityExpires).toBe(old.authorities[0]?.notAfter);
    expect(exchange.wakeIn(at(10))).toBeUndefined();
  });

  test('serves a leaf at once when its CA has been there for long enough', () => {
    start(old);
    exchange.observe(both, at(10));
    serving(old);
    expect(authorities()).toBe(2);
    exchange.observe(swapped, at(10 + TIMES.hold));
    serving(swapped);
  });

  test('holds a leaf back whose CA came only just before it', () => {
    start(old);
    exchange.observe(both, at(10));
    exchange.observe(swapped, at(20));
    serving(old);
    expect(exchange.wakeIn(at(20))).toBe(TIMES.hold - 10);
    exchange.tick(at(10 + TIMES.hold));
    serving(swapped);
  });

  test('holds a leaf of an unknown CA back, and trusts both meanwhile', () => {
    start(old);
    exchange.observe(foreign, at(10));
    serving(old);
    expect(authorities()).toBe(2);
    expect(exchange.wakeIn(at(10))).toBe(TIMES.hold);
    exchange.tick(at(10 + TIMES.hold - 1));
    serving(old);
    // Told again of the same Secret: the time is neither prolonged nor cut short.
    exchange.observe(foreign, at(5000));
    serving(old);
    exchange.tick(at(10 + TIMES.hold));
    serving(foreign);
    expect(exchange.wakeIn(at(10 + TIMES.hold))).toBe(TIMES.linger - TIMES.hold - 0);
    expect(authorities()).toBe(2);
    exchange.tick(at(10 + TIMES.linger));
    expect(authorities()).toBe(1);
  });

  test('a leaf that none of the given CAs vouches for is never served while there is a good one', () => {
    start(old);
    exchange.observe(contentOf(foreignLeaf, [first as CertifiedKey]), at(10));
    exchange.tick(at(10 + 10 * TIMES.hold));
    serving(old);
    // By then the one that is served has expired, and nothing is lost.
    const later = NOW + 61 * DAY;
    exchange.tick(at(20 * TIMES.hold, later));
    expect(exchange.serving?.cert).toBe(foreignLeaf.cert);
  });

  test('CAs of the system count from when no others are trusted any more', () => {
    start(old);
    exchange.observe(bySystem, at(0));
    exchange.tick(at(TIMES.linger));
    expect(authorities()).toBe(0);
    serving(old);
    exchange.tick(at(TIMES.linger + TIMES.hold));
    serving(bySystem);
  });

  test('holds nothing back when there is nothing to lose', () => {
    start(expired);
    exchange.observe(foreign, at(10));
    serving(foreign);
  });

  test('what was held back is dropped when the Secret is put right', () => {
    start(old);
    exchange.observe(foreign, at(10));
    exchange.observe(old, at(20));
    exchange.tick(at(20 + TIMES.hold));
    serving(old);
  });

  test('what can not be used changes nothing', () => {
    start(old);
    exchange.observe(contentOf(undefined, []), at(10));
    serving(old);
    expect(authorities()).toBe(1);
  });

  test('a clock that jumps an hour changes nothing', () => {
    start(old);
    for (const jump of [DAY / 24, -DAY / 24]) {
      exchange.observe(old, at(10, NOW + jump));
      exchange.tick(at(20, NOW + jump));
      serving(old);
      expect(exchange.wakeIn(at(20, NOW + jump))).toBeUndefined();
    }
  });
});

/**
 * A cluster in miniature, by a clock that the test moves: replicas that hear of the Secret late, a configuration that is
 * written late, API servers that hear of it late, leaders that change, and people who do things to the Secret.
 */
class Miniature {
  readonly #random: () => number;
  readonly replicas = [0, 1, 2].map(() => new CertificateExchange(TIMES));
  /** What each API server trusts. */
  readonly trusted = ['', ''];
  #time = 0;
  #secret: Content | undefined;
  #rotation: Rotation | undefined;
  #leader = 0;
  #trustedSince = new Map<string, number>();
  #configuration = '';
  /** When what arrives where. */
  #mail: { at: number; open: () => void }[] = [];
  steps: string[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  get now(): number {
    return NOW + this.#time;
  }

  set rotation(rotation: Rotation) {
    this.#rotation = rotation;
  }

  /** Somebody restores another Secret, or empties it, or deletes it. */
  set secret(content: Content | undefined) {
    this.#secret = content;
    this.#tell();
  }

  newLeader(): void {
    this.#leader = (this.#leader + 1) % this.replicas.length;
    this.#trustedSince.clear();
  }

  async step(milliseconds: number): Promise<void> {
    this.#time += milliseconds;
    const due = this.#mail.filter(({ at }) => at <= this.#time);
    this.#mail = this.#mail.filter(({ at }) => at > this.#time);
    for (const { open } of due) open();
    for (const replica of this.replicas) replica.tick(at(this.#time, this.now));
    await this.#lead();
  }

  #post(within: number, open: () => void): void {
    this.#mail.push({ at: this.#time + this.#random() * within, open });
    // In order: a later letter to the same place never overtakes one before.
    this.#mail.sort((a, b) => a.at - b.at);
  }

  #tell(): void {
    for (const replica of this.replicas) {
      this.#post(2000, () => {
        // A watch shows what is newest.
        if (this.#secret !== undefined) replica.observe(this.#secret, at(this.#time, this.now));
      });
    }
  }

  async #lead(): Promise<void> {
    const { caBundle } = this.replicas[this.#leader]!;
    if (caBundle !== '' && caBundle !== this.#configuration) {
      this.#configuration = caBundle;
      this.trusted.forEach((_trusted, server) => {
        this.#post(5000, () => (this.trusted[server] = this.#configuration));
      });
    }
    const before = this.#trustedSince;
    this.#trustedSince = new Map(
      authoritiesOf(this.#configuration).map(({ id }) => [id, before.get(id) ?? this.#time]),
    );
    const facts = {
      now: this.now,
      hosts: HOSTS,
      rotation: this.#rotation,
      times: TIMES,
      trustedFor: ({ id }: { id: string }) =>
        this.#trustedSince.has(id) ? this.#time - this.#trustedSince.get(id)! : undefined,
    };
    const plan = planOf(this.#secret, facts);
    if (!plan.act) return;
    this.steps.push(plan.why);
    if (plan.isAnswer) this.#rotation = undefined;
    this.secret = read(await carryOut(plan, this.#secret, facts));
  }
}

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const verified = new Map<string, boolean>();

/** Does a bundle vouch for a certificate? Each pair is verified once. */
function trusts(bundle: string, { cert, key }: CertifiedKey): boolean {
  const pair = cert + bundle;
  let result = verified.get(pair);
  if (result === undefined) {
    const { leaf } = read({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': '', 'ca.key': '' });
    result = authoritiesOf(bundle).some((one) => leaf?.isFrom(one));
    verified.set(pair, result);
  }
  return result;
}

test('whatever happens to the Secret, no API server ever meets a leaf that it does not trust', async () => {
  const seen = new Set<string>();
  await assertProperty(
    asyncProperty(
      integer(),
      array(
        record({
          after: integer({ min: 0, max: 60 }),
          event: constantFrom('CA', 'Leaf', 'Distrust', 'leader', 'deleted', 'emptied', 'foreign', 'quarter'),
        }),
        { minLength: 3, maxLength: 8 },
      ),
      async (seed, events) => {
        const cluster = new Miniature(randomOf(seed));
        let pairs = 0;
        const check = (): void => {
          for (const { serving } of cluster.replicas) {
            expect(serving!.expires).toBeGreaterThan(cluster.now);
            for (const bundle of cluster.trusted) {
              pairs += 1;
              expect(trusts(bundle, serving!)).toBe(true);
            }
          }
        };
        // The first installation: nobody is ready before there is a certificate.
        for (let i = 0; i < 20; i++) await cluster.step(500);
        check();
        for (const { after, event } of [...events, { after: 60, event: '' }]) {
          // Before the clock is moved by months in one step, what is under way ends as it would in that time.
          for (let i = 0; i < (event === 'quarter' ? after + 100 : after); i++) {
            await cluster.step(500);
            check();
          }
          if (event === 'leader') cluster.newLeader();
          else if (event === 'deleted') cluster.secret = undefined;
          else if (event === 'emptied') cluster.secret = contentOf(undefined, []);
          else if (event === 'foreign') {
            const other = await authority();
            cluster.secret = contentOf(await leafOf(other, -1, 85), [other]);
          } else if (event === 'quarter') await cluster.step(61 * DAY).catch(() => undefined);
          else if (event !== '') cluster.rotation = event as Rotation;
        }
        expect(pairs).toBeGreaterThan(0);
        for (const step of cluster.steps) seen.add(step);
      },
    ),
    {
      numRuns: 15,
      // All the way through, whatever chance brings.
      examples: [[1, ['CA', 'Leaf', 'Distrust', 'CA', 'quarter', 'quarter'].map((event) => ({ after: 100, event }))]],
    },
  );
  expect([...seen]).toEqual(
    expect.arrayContaining([
      'there is no Secret',
      'a new CA was asked for',
      'the new CA is trusted',
      'older CAs are to be trusted no more',
      'a new leaf was asked for',
      'the leaf is due for renewal',
      'an older CA has had its time',
    ]),
  );
});
