/**
 * Keeps a copy of all objects of one resource: lists in pages, watches with bookmarks, lists anew where the server has
 * forgotten the place, and never gives up. What is kept of an object is decided at the door.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.ts';
import { hasStatus, pathOf, type KubeClient, type Query, type ResourceAddress } from './client.ts';

/** meta/v1 Table, asked for where the objects themselves must not be sent. */
export const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

/** How far a copy can be trusted. `cause` is in words for a person. */
export type InformerState =
  | { readonly state: 'pending' }
  | { readonly state: 'synced' }
  | { readonly state: 'notServed' }
  | { readonly state: 'failed'; readonly cause: string };

export interface InformerOptions<T> {
  readonly client: KubeClient;
  readonly resource: string;
  readonly group: string;
  /** Versions to try, best first: the first one that is served is watched. */
  readonly versions: readonly string[];
  /** What is kept of an object, or undefined to drop it. What it throws drops the object and is told to `onError`. */
  readonly keep: (object: any) => T | undefined;
  /** Asks for tables with metadata instead of objects; `keep` then gets rows. */
  readonly table?: true;
  readonly fieldSelector?: string;
  /** Looks into this namespace alone; absent: all of them. */
  readonly namespace?: string;
  /** Told of each change after it is in the copy; must only take note. */
  readonly onChange: (key: string, before: T | undefined, after: T | undefined) => void;
  /** Told when the state changes. */
  readonly onState?: (state: InformerState) => void;
  readonly onError?: (error: unknown, what: string) => void;
}

interface Kept<T> {
  readonly version: string;
  readonly value: T;
}

interface ListPage {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items?: readonly unknown[];
  readonly rows?: readonly unknown[];
}

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: any;
}

const PAGE = 500;
/** Seconds after which the server ends a watch; spread so that not all of them are renewed at once. */
const WATCH_SECONDS = { least: 240, spread: 60 };
/** Bookmarks come about each minute; silence for longer means a dead connection. */
const IDLE = 90_000;
/** How often an API that is not served, or not allowed, is asked for again, in milliseconds. */
const RETRY_ABSENT = 15_000;

/** Thrown inside to list anew: the server no longer has the place in its history. */
class Expired extends Error {}

export class Informer<T> {
  readonly #options: InformerOptions<T>;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #stop = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  #state: InformerState = { state: 'pending' };
  #lastEvent = 0;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
  }

  /** Starts once; further calls do nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the watch and waits for it. The copy stays readable. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#settled.resolve();
    await this.#running;
  }

  get state(): InformerState {
    return this.#state;
  }

  /** When anything last came from the server, bookmarks included; milliseconds since 1970. */
  get lastEvent(): number {
    return this.#lastEvent;
  }

  /** Resolves when the first answer is there: a full copy, or that there is none to be had. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get resource(): string {
    return this.#options.resource;
  }

  get(key: string): T | undefined {
    return this.#kept.get(key)?.value;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** All keys (`namespace/name`, or `name`) with what is kept of their objects. */
  *entries(): Iterable<[string, T]> {
    for (const [key, { value }] of this.#kept) yield [key, value];
  }

  /** Replaces what is kept of an object that has not changed since `before` was kept. */
  amend(key: string, before: T, after: T): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.value !== before) return;
    this.#kept.set(key, { version: kept.version, value: after });
    this.#options.onChange(key, before, after);
  }

  async #run(): Promise<void> {
    const backoff = new Backoff(500, 30_000);
    while (!this.#stop.signal.aborted) {
      let wait: number;
      try {
        const address = await this.#list();
        backoff.reset();
        await this.#watchFrom(address.address, address.resourceVersion, backoff);
        continue;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error instanceof Expired) continue;
        wait = this.#failed(error, backoff);
      }
      await this.#pause(wait);
    }
  }

  /** Waits so many milliseconds, or until it is stopped. */
  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  /** Takes note of a failure. @returns how long to wait */
  #failed(error: unknown, backoff: Backoff): number {
    if (hasStatus(error, 404)) {
      this.#replace(new Map());
      this.#setState({ state: 'notServed' });
      return RETRY_ABSENT;
    }
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.onError?.(error, 'list or watch');
    if (hasStatus(error, 401, 403)) {
      this.#replace(new Map());
      this.#setState({ state: 'failed', cause });
      return RETRY_ABSENT;
    }
    // A copy that was full once stays in use; one that never was has no answer yet.
    return backoff.next();
  }

  async #list(): Promise<{ address: ResourceAddress; resourceVersion: string }> {
    const { versions, group, resource } = this.#options;
    for (const [index, version] of versions.entries()) {
      const address = { group, version, resource };
      try {
        return { address, resourceVersion: await this.#listVersion(address) };
      } catch (error) {
        if (!hasStatus(error, 404) || index === versions.length - 1) throw error;
      }
    }
    throw new Error(`${resource}: no version to list`);
  }

  async #listVersion(address: ResourceAddress): Promise<string> {
    const found = new Map<string, Kept<T>>();
    let continueAt: string | undefined;
    for (;;) {
      const page: ListPage = await this.#options.client.request('GET', pathOf(address, this.#options.namespace), {
        query: { ...this.#query(), limit: PAGE, continue: continueAt },
        ...this.#accept(),
        signal: this.#stop.signal,
      });
      this.#lastEvent = Date.now();
      for (const item of page.items ?? page.rows ?? []) {
        const kept = this.#keep(item);
        if (kept !== undefined) found.set(kept.key, kept);
      }
      continueAt = page.metadata.continue;
      if (!continueAt) {
        this.#replace(found);
        this.#setState({ state: 'synced' });
        return page.metadata.resourceVersion;
      }
    }
  }

  /** Watches until the place is lost. */
  async #watchFrom(address: ResourceAddress, from: string, backoff: Backoff): Promise<never> {
    let resourceVersion = from;
    for (;;) {
      const startedAt = Date.now();
      const eventsBefore = this.#lastEvent;
      try {
        await this.#options.client.watch(
          pathOf(address, this.#options.namespace),
          {
            query: {
              ...this.#query(),
              watch: true,
              allowWatchBookmarks: true,
              resourceVersion,
              timeoutSeconds: Math.round(WATCH_SECONDS.least + Math.random() * WATCH_SECONDS.spread),
            },
            ...this.#accept(),
            signal: this.#stop.signal,
            idle: IDLE,
          },
          (event) => {
            resourceVersion = this.#apply(event as WatchEvent) ?? resourceVersion;
            backoff.reset();
          },
        );
        // A server or proxy that ends each watch at once must not be asked in a tight loop.
        if (this.#lastEvent === eventsBefore && Date.now() - startedAt < 1000) await this.#pause(backoff.next());
      } catch (error) {
        if (this.#stop.signal.aborted || error instanceof Expired) throw error;
        if (hasStatus(error, 410)) throw new Expired();
        if (hasStatus(error, 401, 403, 404)) throw error;
        this.#options.onError?.(error, 'watch');
        await this.#pause(backoff.next());
        if (this.#stop.signal.aborted) throw error;
      }
    }
  }

  /** @returns the place in the server's history after the event */
  #apply({ type, object }: WatchEvent): string | undefined {
    this.#lastEvent = Date.now();
    if (type === 'ERROR') {
      if (object?.code === 410) throw new Expired();
      throw new Error(`watch: ${object?.message ?? 'the server reports an error'}`);
    }
    const item = this.#options.table === true ? object?.rows?.[0] : object;
    const metadata = this.#options.table === true ? item?.object?.metadata : item?.metadata;
    const version: string | undefined = metadata?.resourceVersion ?? object?.metadata?.resourceVersion;
    if (type === 'BOOKMARK') return version;
    const kept = type === 'DELETED' ? undefined : this.#keep(item);
    this.#put(keyOf(metadata), kept);
    return version;
  }

  #keep(item: any): (Kept<T> & { key: string }) | undefined {
    const metadata = this.#options.table === true ? item.object.metadata : item.metadata;
    try {
      const value = this.#options.keep(item);
      return value === undefined ? undefined : { key: keyOf(metadata), version: metadata.resourceVersion, value };
    } catch (error) {
      this.#options.onError?.(error, `reading ${this.#options.resource} ${keyOf(metadata)}`);
      return undefined;
    }
  }

  #put(key: string, kept: Kept<T> | undefined): void {
    const before = this.#kept.get(key);
    if (kept === undefined) {
      if (!this.#kept.delete(key)) return;
    } else {
      this.#kept.set(key, { version: kept.version, value: kept.value });
    }
    this.#options.onChange(key, before?.value, kept?.value);
  }

  #replace(found: ReadonlyMap<string, Kept<T>>): void {
    for (const key of this.#kept.keys()) if (!found.has(key)) this.#put(key, undefined);
    for (const [key, kept] of found) if (this.#kept.get(key)?.version !== kept.version) this.#put(key, kept);
  }

  #setState(state: InformerState): void {
    const changed = state.state !== this.#state.state;
    this.#state = state;
    this.#settled.resolve();
    if (changed) this.#options.onState?.(state);
  }

  #query(): Query {
    const { table, fieldSelector } = this.#options;
    return { includeObject: table === true ? 'Metadata' : undefined, fieldSelector };
  }

  #accept(): { accept?: string } {
    return this.#options.table === true ? { accept: TABLE } : {};
  }
}

function keyOf(metadata: { readonly namespace?: string; readonly name: string }): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
