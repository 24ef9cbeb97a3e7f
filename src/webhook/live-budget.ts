/**
 * Bounds what one caller can make us read from the API server: whoever has come to know a path of the webhook must not turn
 * it against the API server. Beyond that the caller is answered from memory, as when the API server does not answer in time.
 */
import type { Clock } from '../kube/clock.ts';
import { TokenBucket } from '../kube/token-bucket.ts';
import type { LiveReads, World } from './world.ts';

/** Reads of one address at once. */
const BURST = 2000;
/** Milliseconds in which one more may follow: 500 a second, more than all API servers of a busy cluster need. */
const INTERVAL = 2;
/** Addresses that are told apart; an API server has one. */
const MOST_ADDRESSES = 256;

/** The world, for each address with a budget of its own. */
export class Budgets {
  readonly #world: World;
  readonly #clock: Clock;
  /** The one that asked longest ago first. */
  readonly #worlds = new Map<string, World>();

  constructor(world: World, clock: Clock) {
    this.#world = world;
    this.#clock = clock;
  }

  /** The world as one address may ask about it. */
  worldOf(address: string): World {
    let world = this.#worlds.get(address);
    if (world === undefined) {
      const bucket = new TokenBucket(BURST, INTERVAL, this.#clock.monotonic());
      world = { ...this.#world, live: bounded(this.#world.live, () => bucket.take(this.#clock.monotonic())) };
      const [oldest] = this.#worlds.keys();
      if (this.#worlds.size >= MOST_ADDRESSES && oldest !== undefined) this.#worlds.delete(oldest);
    } else {
      this.#worlds.delete(address);
    }
    this.#worlds.set(address, world);
    return world;
  }
}

/**
 * What a request is about, namely its namespace and the object that it scales, is read in any case, one of each: without
 * them nothing could be denied.
 *
 * @param take - may one more be read?
 */
function bounded(live: LiveReads, take: () => boolean): LiveReads {
  return {
    namespaceLabels: (...asked) => live.namespaceLabels(...asked),
    parent: (...asked) => live.parent(...asked),
    named: async (...asked) =>
      take() ? live.named(...asked) : { state: 'unknown', cause: 'the operator was made to read too much' },
    leniency: async (...asked) => (take() ? live.leniency(...asked) : undefined),
    mayBypass: async (...asked) => (take() ? live.mayBypass(...asked) : 'unknown'),
  };
}
