/**
 * Who calls the webhook. Anybody who reaches its port can post a review; it is the API server's only if it comes as the
 * webhook configurations say, or with a certificate where the installation asks for one.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../kube/clock.ts';
import type { Awaitable } from './awaitable.ts';
import type { ClientTrust } from './client-certificates.ts';
import type { PathTokens } from './path-token.ts';

/** For how long a token that the configurations had is good, before they are read again, in milliseconds. */
const LINGER = 60_000;
/** Whoever calls without a good token makes us read the configurations, and no more often than this, in milliseconds. */
const READ_EVERY = 1000;
/** For one such read, in milliseconds. */
const READ_TIMEOUT = 1000;
/** In place of a token, for paths that bear none. */
const NONE = '';

/** How old what was read may be when a token is good by it alone, in milliseconds, before it is read again meanwhile. */
const FRESH = 10_000;
/** So many wait for such a read at one time, so that strangers do not take the room of those who are judged. */
const MOST_WAITING = 16;

export interface CallersOptions {
  readonly clock: Clock;
  readonly tokens: PathTokens;
  /**
   * The tokens in the paths of the webhook configurations in the cluster, undefined for a path without.
   *
   * @throws if the API server does not tell in time (milliseconds)
   */
  readonly configured: (timeout: number) => Promise<ReadonlySet<string | undefined>>;
  /** Whose certificates are good; undefined: none is asked for. */
  readonly clients: ClientTrust | undefined;
}

export class Callers {
  readonly #options: CallersOptions;
  /** Until when (steady clock) a token counts because the configurations have it, or had it a moment ago. */
  readonly #configured = new Map<string, number>();
  #reading: Promise<void> | undefined;
  #waiting = 0;
  #readAt = -Infinity;

  constructor(options: CallersOptions) {
    this.#options = options;
  }

  /** Authorities (PEM) whose certificates callers must show; undefined: nobody is asked for one. */
  get authorities(): string | undefined {
    return this.#options.clients?.authorities;
  }

  /** Is a connection to be turned away, because a certificate is asked for and it shows no good one? */
  refuses(socket: Socket): boolean {
    const { clients } = this.#options;
    return clients !== undefined && !(socket instanceof TLSSocket && clients.vouchesFor(socket));
  }

  /**
   * Is who comes by a token (undefined: by a path without one), and is not refused, the API server as far as can be told?
   *
   * An old token, or none, is right as long as the configurations say so: no leader has been able to write them for hours,
   * the serving key has just changed, or they are those of a version that knew no tokens.
   */
  knows(token: string | undefined): Awaitable<boolean> {
    const { clock, tokens, clients } = this.#options;
    if (clients !== undefined || (token !== undefined && tokens.isGood(token))) return true;
    const age = clock.monotonic() - this.#readAt;
    if (this.#isConfigured(token)) {
      if (age > FRESH) void this.#readOnce();
      return true;
    }
    if (age < READ_EVERY || this.#waiting >= MOST_WAITING) return false;
    this.#waiting += 1;
    return this.#readOnce().then(() => {
      this.#waiting -= 1;
      return this.#isConfigured(token);
    });
  }

  #isConfigured(token: string | undefined): boolean {
    return this.#options.clock.monotonic() < (this.#configured.get(token ?? NONE) ?? -Infinity);
  }

  #readOnce(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** Never fails: what can't be read leaves things as they are. */
  async #read(): Promise<void> {
    const { clock, configured } = this.#options;
    try {
      const tokens = await configured(READ_TIMEOUT);
      const now = clock.monotonic();
      for (const [token, until] of this.#configured) if (until <= now) this.#configured.delete(token);
      for (const token of tokens) this.#configured.set(token ?? NONE, now + LINGER);
    } catch {
      // A later caller makes us read again.
    }
    this.#readAt = clock.monotonic();
  }
}
