/**
 * Policies and exceptions as the API server has them now, for requests that must not be decided by what this replica
 * remembers: its watch is broken, or waits before it looks for the CustomResourceDefinition again, while another replica has
 * told the API server of a policy already.
 */
import type { RawObject } from '../engine/workload.ts';
import type { Clock } from '../kube/clock.ts';
import { hasStatus, pathOf, type KubeClient, type Query } from '../kube/client.ts';
import { Restrained } from '../kube/restraint.ts';
import { SharedRead } from '../kube/shared-read.ts';
import type { Copies } from '../policy/copies.ts';
import type { ExceptionSet } from '../policy/exceptions.ts';
import { PolicySet } from '../policy/routes.ts';
import { EXCEPTIONS, type Exceptions } from './exceptions.ts';
import { POLICIES, type Policies } from './policies.ts';

/** How long a request waits for the policies by which it came, in milliseconds; less than what it may take in all. */
const PATIENCE = 2000;
/** How long one that would be denied waits for anything newer, in milliseconds. */
const PATIENCE_BEFORE_DENIAL = 700;
/** After a read that was waited for in vain, denials stand at once for so many milliseconds. */
const DISCOURAGED = 2000;
/** Between the beginnings of two reads of the same, in milliseconds. */
const INTERVAL = 250;
/** Objects in one answer. */
const PAGE = 500;

export interface NewestCopiesOptions {
  readonly clock: Clock;
  /** With connections of its own: those of the watches may be dead. */
  readonly client: Pick<KubeClient, 'request' | 'dropIdle'>;
  readonly policies: Pick<Policies, 'set' | 'among' | 'informer'>;
  readonly exceptions: Pick<Exceptions, 'among' | 'informer'>;
  readonly onError: (error: unknown, what: string) => void;
  /** Requests that may wait for a policy at one time, so that there is room for those of other policies. */
  readonly mostWaiting: number;
}

interface Page {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly RawObject[];
}

export class NewestCopies {
  readonly #options: NewestCopiesOptions;
  readonly #requester: Restrained;
  readonly #policies: SharedRead<PolicySet | undefined>;
  /** By the name of the policy, of those that were asked for lately. */
  readonly #byRoute = new Map<string, SharedRead<PolicySet | undefined>>();
  /** By namespace, of those that were asked about lately. */
  readonly #exceptions = new Map<string, SharedRead<ExceptionSet | undefined>>();
  #waiting = 0;
  /** By the clock that never jumps. */
  #discouragedUntil = -Infinity;

  constructor(options: NewestCopiesOptions) {
    this.#options = options;
    this.#requester = new Restrained(options.client, options.clock);
    this.#policies = this.#shared('the policies', () => this.#readPolicies());
  }

  /**
   * The policies by which to decide a request whose route is not known here: it is that of a policy that has just come, or
   * that has just gone.
   *
   * @returns undefined: it could not be read in time, or too many wait, so that nobody may answer for it
   */
  async policiesFor(route: string): Promise<PolicySet | undefined> {
    if (this.#waiting >= this.#options.mostWaiting) return undefined;
    this.#waiting += 1;
    try {
      const found = await this.#untilRead(route);
      const { policies } = this.#options;
      // The watch has still not told of it, so there is something for it to see.
      if (found?.route(route) !== undefined && policies.set.route(route) === undefined) policies.informer.hurry();
      return found;
    } finally {
      this.#waiting -= 1;
    }
  }

  /**
   * What to decide by before a request in a namespace is denied.
   *
   * @returns undefined: by what is in memory, because it is up to date, or because nothing newer can be had
   */
  beforeDenial(namespace: string): Promise<Partial<Copies> | undefined> | undefined {
    const { policies, exceptions } = this.#options;
    const behind = [policies.informer, exceptions.informer].filter(({ isCurrent }) => !isCurrent);
    if (behind.length === 0) return undefined;
    for (const informer of behind) informer.hurry();
    if (this.#options.clock.monotonic() < this.#discouragedUntil) return undefined;
    return this.#read(
      policies.informer.isCurrent ? undefined : this.#policies,
      exceptions.informer.isCurrent ? undefined : this.#exceptionsOf(namespace),
    );
  }

  async #read(
    policies: SharedRead<PolicySet | undefined> | undefined,
    exceptions: SharedRead<ExceptionSet | undefined> | undefined,
  ): Promise<Partial<Copies> | undefined> {
    const [set, excepted] = await Promise.all([
      policies && this.#inTime(policies, PATIENCE_BEFORE_DENIAL),
      exceptions && this.#inTime(exceptions, PATIENCE_BEFORE_DENIAL),
    ]);
    const isMissing =
      (policies !== undefined && set === undefined) || (exceptions !== undefined && excepted === undefined);
    if (isMissing) this.#discouragedUntil = this.#options.clock.monotonic() + DISCOURAGED;
    if (set === undefined && excepted === undefined) return undefined;
    return {
      ...(set === undefined ? {} : { policies: set }),
      ...(excepted === undefined ? {} : { exceptions: excepted }),
    };
  }

  /** Reads again as long as that fails. */
  async #untilRead(route: string): Promise<PolicySet | undefined> {
    const { clock } = this.#options;
    const end = clock.monotonic() + PATIENCE;
    for (let left = PATIENCE; left > 0; left = end - clock.monotonic()) {
      const read = recent(this.#byRoute, route, () => this.#shared('a policy', () => this.#readPolicy(route)));
      const found = await this.#inTime(read, left);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** @returns undefined if it fails, or takes longer than so many milliseconds */
  async #inTime<T>(read: SharedRead<T | undefined>, milliseconds: number): Promise<T | undefined> {
    const done = new AbortController();
    const late = this.#options.clock.sleep(milliseconds, done.signal).then(() => undefined);
    const answer = await Promise.race([read.ask(), late]);
    done.abort();
    return answer;
  }

  #shared<T>(what: string, read: () => Promise<T>): SharedRead<T | undefined> {
    const { clock, onError } = this.#options;
    return new SharedRead(clock, INTERVAL, () =>
      read().catch((error: unknown) => {
        onError(error, `reading ${what} that a watch may not have told of`);
        return undefined;
      }),
    );
  }

  /** The policies that are known here, with one as it is now. Of a single object no API server has a cache that may be late. */
  async #readPolicy(name: string): Promise<PolicySet> {
    const { policies } = this.#options;
    const others = policies.set.policies.filter((policy) => policy.name !== name);
    try {
      const object = await this.#get<RawObject>(pathOf(POLICIES, undefined, name));
      return new PolicySet([...others, ...(await policies.among([object])).policies]);
    } catch (error) {
      if (hasStatus(error, 404)) return new PolicySet(others);
      throw error;
    }
  }

  async #readPolicies(): Promise<PolicySet> {
    const objects: RawObject[] = [];
    let from: string | undefined;
    do {
      const page = await this.#page(pathOf(POLICIES), from);
      objects.push(...page.items);
      from = page.metadata.continue;
    } while (from);
    return this.#options.policies.among(objects);
  }

  #exceptionsOf(namespace: string): SharedRead<ExceptionSet | undefined> {
    return recent(this.#exceptions, namespace, () =>
      this.#shared('exceptions', async () => {
        // Whoever may write exceptions decides how many there are, so that one page has to do.
        const { items, metadata } = await this.#page(pathOf(EXCEPTIONS, namespace));
        return this.#options.exceptions.among(namespace, items, !metadata.continue);
      }),
    );
  }

  #page(path: string, from?: string): Promise<Page> {
    return this.#get(path, { limit: PAGE, continue: from });
  }

  #get<T>(path: string, query: Query = {}): Promise<T> {
    this.#options.client.dropIdle();
    return this.#requester.request<T>('GET', path, { query, timeout: PATIENCE });
  }
}

/** The read of a key, and none of those that are idle. */
function recent<T>(reads: Map<string, SharedRead<T>>, key: string, make: () => SharedRead<T>): SharedRead<T> {
  for (const [other, read] of reads) if (read.isIdle) reads.delete(other);
  const read = reads.get(key) ?? make();
  reads.set(key, read);
  return read;
}
