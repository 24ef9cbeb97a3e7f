/**
 * What is decided about a request, for all calls that the API server makes for it: one for each route, at the same time, with
 * a uid of its own (`CreateAdmissionObjects` of k8s.io/apiserver), and all else the same.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../kube/clock.ts';
import { type Awaitable } from './awaitable.ts';
import type { Decision } from './review.ts';

/** How long the calls for one request come, in milliseconds. What is known meanwhile is as old as an event of a watch may be. */
const KEPT = 1000;
/** Requests of which something is kept. */
const MOST_KEPT = 64;

interface Entry {
  /** What it was judged by: another world may see something else. */
  readonly by: object;
  /** Monotonic milliseconds. */
  readonly until: number;
  /** Set while it is judged. */
  pending: Promise<unknown> | undefined;
  /** By route; each is told once, so that the same request made again is judged anew. */
  decisions: Map<string, Decision>;
}

/** Decides each request once, whatever the number of routes. */
export class SharedDecisions {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The decision on a request by a route.
   *
   * @param content - of the request, as `contentOf` tells it
   * @param by - what decides: of another object nothing is taken over
   * @param decide - asked only if nobody has decided it yet, or is about to; what it throws is thrown to its caller alone
   */
  decision<T extends Decision | undefined>(
    content: string,
    route: string,
    by: object,
    decide: () => Awaitable<T>,
  ): Awaitable<T | Decision> {
    const now = this.#clock.monotonic();
    const known = this.#entries.get(content);
    if (known !== undefined && known.by === by && now < known.until) {
      if (known.pending !== undefined) {
        const again = (): Awaitable<T | Decision> => this.decision(content, route, by, decide);
        return known.pending.then(again, again);
      }
      const decision = known.decisions.get(route);
      if (decision !== undefined) {
        known.decisions.delete(route);
        return decision;
      }
    }
    const decided = decide();
    const entry: Entry = { by, until: now + KEPT, pending: undefined, decisions: new Map() };
    const take = (decision: T): T => {
      entry.pending = undefined;
      entry.decisions = new Map(decision?.elsewhere);
      return decision;
    };
    this.#forget(now);
    this.#entries.delete(content);
    if (!(decided instanceof Promise)) {
      if (decided?.elsewhere !== undefined) this.#entries.set(content, entry);
      return take(decided);
    }
    this.#entries.set(content, entry);
    const taken = decided.then(take, (error: unknown) => {
      if (this.#entries.get(content) === entry) this.#entries.delete(content);
      throw error;
    });
    entry.pending = taken;
    return taken;
  }

  /** Drops what is too old, and the oldest of what is too many. */
  #forget(now: number): void {
    for (const [content, { until, pending }] of this.#entries) {
      const isOver = now >= until && pending === undefined;
      if (!isOver && this.#entries.size < MOST_KEPT) break;
      this.#entries.delete(content);
    }
  }
}

/** All of a body but the uid, which differs from call to call, as a digest. */
export function contentOf(body: Buffer, uid: string): string {
  const mark = `"uid":${JSON.stringify(uid)}`;
  const at = body.indexOf(mark);
  const hash = createHash('sha256');
  if (at < 0) hash.update(body);
  else hash.update(body.subarray(0, at)).update(body.subarray(at + Buffer.byteLength(mark)));
  return hash.digest('base64');
}
