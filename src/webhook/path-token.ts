/**
 * The token in the paths of the webhook: `/t/TOKEN/validate/...`. Whoever knows it may read the webhook configurations, as
 * the API server may. It is made of the serving key, which all replicas share, and of the hour, so that nobody stores it. It
 * is a hurdle and no proof: the API server prints the URL of a call that failed to whoever made the request.
 */
import { createHmac } from 'node:crypto';
import type { Cancel, Clock } from '../kube/clock.ts';

/** For how long a token stands in the webhook configurations, in milliseconds. */
const PERIOD = 3_600_000;
/** How often it is looked at whether the period is over, in milliseconds: clocks jump. */
const LOOK = 30_000;
/** For how long tokens of a key that is no longer served are good, in milliseconds. */
const KEY_LINGERS = PERIOD;
/** What else the serving key is good for must not give a token. */
const PURPOSE = 'readiness-operator webhook path';
/**
 * For how long the configurations of a version that knew no tokens go without one, in milliseconds: as long as replicas of
 * that version may still answer, to which a path with a token would be none.
 */
const HANDOVER = 10 * 60_000;
/** Characters of a token: 128 bits. A segment of a webhook's path is written as names of objects are, in small letters. */
const LENGTH = 32;
const WITH_TOKEN = /^\/t\/([0-9a-f]{32})(\/.*)$/;

/** A path as it came, taken apart. */
export interface AskedPath {
  /** Undefined: it bears none. */
  readonly token: string | undefined;
  readonly path: string;
}

/** Puts a token before a path; undefined: none. */
export function withToken(token: string | undefined, path: string): string {
  return token === undefined ? path : `/t/${token}${path}`;
}

/** Takes the token off a path. */
export function withoutToken(whole: string): AskedPath {
  const [, token, path] = WITH_TOKEN.exec(whole) ?? [];
  return path === undefined ? { token: undefined, path: whole } : { token, path };
}

/** For how many milliseconds more a new leader leaves the token out of the paths, by those that the API server has now. */
export function bareFor(paths: readonly string[]): number {
  return paths.some((path) => withoutToken(path).token === undefined) ? HANDOVER : 0;
}

/** The tokens that are good now: of the current hour, the one before and, for clocks that differ, the one after. */
export class PathTokens {
  readonly #clock: Clock;
  #key: string | undefined;
  /** The key before, and until when (steady clock) its tokens are good. */
  #previous: { readonly key: string; readonly until: number } | undefined;
  /** Made once for each period and key. */
  #good: { readonly period: number; readonly tokens: ReadonlySet<string> } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of the private key (PEM) that is served from now on. */
  serve(key: string): void {
    if (key === this.#key) return;
    if (this.#key !== undefined) this.#previous = { key: this.#key, until: this.#clock.monotonic() + KEY_LINGERS };
    this.#key = key;
    this.#good = undefined;
  }

  /** The one for the webhook configurations; undefined as long as no key is served. */
  get current(): string | undefined {
    return this.#key === undefined ? undefined : tokenOf(this.#key, this.#period);
  }

  /** Was a token made by this replica, or by another one of the same key, for about now? */
  isGood(token: string): boolean {
    if (this.#previous !== undefined && this.#clock.monotonic() >= this.#previous.until) {
      this.#previous = undefined;
      this.#good = undefined;
    }
    const period = this.#period;
    if (this.#good?.period !== period) this.#good = { period, tokens: this.#tokensAround(period) };
    return this.#good.tokens.has(token);
  }

  /** Calls back each time that the current token may be another one because time went by. */
  onRenewal(callback: () => void): Cancel {
    let told = this.#period;
    return this.#clock.every(LOOK, () => {
      if (this.#period === told) return;
      told = this.#period;
      callback();
    });
  }

  get #period(): number {
    return Math.floor(this.#clock.now() / PERIOD);
  }

  #tokensAround(period: number): ReadonlySet<string> {
    const keys = [this.#key, this.#previous?.key].filter((key) => key !== undefined);
    return new Set(keys.flatMap((key) => [period - 1, period, period + 1].map((one) => tokenOf(key, one))));
  }
}

function tokenOf(key: string, period: number): string {
  return createHmac('sha256', key).update(`${PURPOSE} ${period}`).digest('hex').slice(0, LENGTH);
}
