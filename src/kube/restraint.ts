/** Requests that are made for somebody's question: as many as come, unless the API server has asked for fewer. */
import {
  ApiError,
  hasStatus,
  LONGEST_RETRY_AFTER,
  type KubeClient,
  type Method,
  type RequestOptions,
} from './client.ts';
import type { Clock } from './clock.ts';
import { TokenBucket } from './token-bucket.ts';

/** What sends one request and waits for its answer. */
export type Requester = Pick<KubeClient, 'request'>;

/** While restrained: so many at once, and one more in each interval (milliseconds). */
const BURST = 5;
const INTERVAL = 200;
/** Seconds that it lasts where the server does not say. */
const USUAL = 1;

/**
 * Passes requests on. After the API server has refused one with 429 Too Many Requests, and for as long as it asked to wait
 * (`Retry-After`), only a few a second are sent; the others fail at once, as they would have there.
 */
export class Restrained implements Requester {
  readonly #requester: Requester;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #until = 0;

  constructor(requester: Requester, clock: Clock) {
    this.#requester = requester;
    this.#clock = clock;
    this.#bucket = new TokenBucket(BURST, INTERVAL, clock.monotonic());
  }

  /** As KubeClient.request. @throws ApiError 429 too for a request that was not sent */
  async request<T = unknown>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const now = this.#clock.monotonic();
    if (now < this.#until && !this.#bucket.take(now)) {
      throw new ApiError(429, 'TooManyRequests', 'not asked: the API server has just refused requests as too many');
    }
    try {
      return await this.#requester.request<T>(method, path, options);
    } catch (error) {
      if (hasStatus(error, 429)) {
        const seconds = Math.min(error.retryAfter ?? USUAL, LONGEST_RETRY_AFTER);
        this.#until = Math.max(this.#until, this.#clock.monotonic() + seconds * 1000);
      }
      throw error;
    }
  }
}
