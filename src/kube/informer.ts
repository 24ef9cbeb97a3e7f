/**
 * Keeps a copy of all objects of one resource: lists in pages, watches with bookmarks, lists anew where the server has
 * forgotten the place, and never gives up. What is kept of an object is decided at the door.
 */
import { deepEqual } from '../engine/equal.ts';
import { Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import {
  ApiError,
  hasStatus,
  LONGEST_RETRY_AFTER,
  pathOf,
  type KubeClient,
  type Query,
  type ResourceAddress,
} from './client.ts';

/** meta/v1 Table, asked for where the objects themselves must not be sent. */
export const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';

/** How far a copy can be trusted. `cause` is in words for a person. */
export type InformerState =
  | { readonly state: 'pending' }
  | { readonly state: 'synced' }
  | { readonly state: 'notServed' }
  | { readonly state: 'failed'; readonly cause: string };

/** How a watch is, for metrics and readiness. */
export interface WatchHealth {
  readonly resource: string;
  readonly state: InformerState;
  /** When anything last came from the server; milliseconds since 1970; 0: never. */
  readonly lastEvent: number;
  /** Milliseconds since it last did or heard anything. */
  readonly idleFor: number;
}

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

/** Small enough that reading one page does not hold up a request for long. */
const PAGE = 250;
/**
 * Seconds after which the server ends a watch; spread so that not all of them are renewed at once. Short, because that is
 * how a dead connection is noticed (docs/adr/0004): 23 s at most, with the grace that the client gives.
 */
const WATCH_SECONDS = { least: 15, spread: 5 };
/** A watch that lived this long, in milliseconds, was a good one: waiting times begin anew. */
const GOOD_WATCH = 1000;
/** Waiting times in milliseconds, from the first to the longest, by what went wrong. */
const WAITS = {
  /** The connection broke or never came to be. Short, so that copies are right again soon after. */
  broken: [200, 2000],
  /** The server answers with an error, or has forgotten the place again and again. It is back soon after it is well again. */
  refused: [500, 12_000],
  /** The API is not served, or not allowed. */
  absent: [1000, 15_000],
} as const;
/** An API server that starts refuses what it allows a moment later; so what is known is held for so long. Milliseconds. */
const HELD = 5000;
/** A first list that fails for this long, in milliseconds, is told as a failure, so that nobody waits for it. */
const PATIENCE = 5000;

/** It can be made to hurry once in so many milliseconds. */
const HURRIES = 500;

/** Thrown inside to list anew: the server no longer has the place in its history. */
class Expired extends Error {}

export class Informer<T> {
  readonly #options: InformerOptions<T>;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #stop = new AbortController();
  /** Ends the pause or the watch that there is, and nothing else. */
  #hurry = new AbortController();
  /** By the clock that never jumps. */
  #hurriedAt = -Infinity;
  readonly #settled = Promise.withResolvers<void>();
  readonly #clock: Clock;
  readonly #waits: Readonly<Record<keyof typeof WAITS, Backoff>>;
  #state: InformerState = { state: 'pending' };
  #isWatching = false;
  #isPausing = false;
  #lastEvent = 0;
  /** When this was last at work, since when lists have failed, and been refused; by the clock that never jumps. */
  #lastActivity: number;
  #failingSince: number | undefined;
  #refusedSince: number | undefined;
  /** The last list in pages took so long that its place was lost. */
  #unpaged = false;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#clock = options.client.clock;
    const waits = (kind: keyof typeof WAITS): Backoff => {
      const [first, longest] = WAITS[kind];
      return new Backoff(this.#clock, first, longest);
    };
    this.#waits = { broken: waits('broken'), refused: waits('refused'), absent: waits('absent') };
    this.#lastActivity = this.#clock.monotonic();
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

  /**
   * Looks now for what it may have missed: a pause ends, and a watch is opened anew where it was. For somebody who knows
   * that there is something to see. Does nothing if it has just been done, or while it lists or opens a watch: who is asked for
   * often would otherwise never come to an end with that.
   */
  hurry(): void {
    const now = this.#clock.monotonic();
    if (now < this.#hurriedAt + HURRIES || !(this.#isPausing || this.#isWatching)) return;
    this.#hurriedAt = now;
    // The connection of the old watch may be dead, and others with it.
    this.#options.client.dropIdle();
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  get state(): InformerState {
    return this.#state;
  }

  /**
   * Does the copy follow the server, as far as that can be told? While a watch is open whose connection has died in silence, it
   * seems to.
   */
  get isCurrent(): boolean {
    return this.#state.state === 'synced' && this.#isWatching;
  }

  /** When anything last came from the server, bookmarks included; milliseconds since 1970. */
  get lastEvent(): number {
    return this.#lastEvent;
  }

  /** Milliseconds since this last did or heard anything. More than some minutes means that it is stuck. */
  get idleFor(): number {
    return this.#clock.monotonic() - this.#lastActivity;
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

  /** The resourceVersion of an object whose copy is kept. */
  versionOf(key: string): string | undefined {
    return this.#kept.get(key)?.version;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** All keys (`namespace/name`, or `name`) with what is kept of their objects. */
  *entries(): Iterable<[string, T]> {
    for (const [key, { value }] of this.#kept) yield [key, value];
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const { address, resourceVersion } = await this.#list();
        await this.#watchFrom(address, resourceVersion);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        await this.#pause(this.#failed(error));
      }
    }
  }

  /** Waits so many milliseconds, or until it is stopped or is to hurry. */
  async #pause(milliseconds: number): Promise<void> {
    this.#lastActivity = this.#clock.monotonic();
    this.#isPausing = true;
    await this.#clock.sleep(milliseconds, this.#interrupted());
    this.#isPausing = false;
  }

  #interrupted(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, this.#hurry.signal]);
  }

  /** Takes note of what ended a list or a watch for good. @returns how long to wait before listing, in milliseconds */
  #failed(error: unknown): number {
    if (error instanceof Expired) return this.#waits.refused.next();
    if (hasStatus(error, 404)) {
      if (this.#state.state === 'notServed' || !this.#isHeld()) {
        this.#replace(new Map());
        this.#setState({ state: 'notServed' });
        this.#answered();
      }
      return this.#waits.absent.next();
    }
    const cause = error instanceof Error ? error.message : String(error);
    this.#options.onError?.(error, 'list or watch');
    if (hasStatus(error, 403)) {
      // What was known stays known, it only is no answer any more.
      if (!this.#isHeld()) this.#setState({ state: 'failed', cause });
      return this.#waits.absent.next();
    }
    if (hasStatus(error, 410)) this.#unpaged = true;
    this.#refusedSince = undefined;
    this.#failingSince ??= this.#clock.monotonic();
    // What was known stays in use; what never was has no answer yet, and after a while none to wait for.
    const isWaitedFor = this.#state.state === 'pending' && this.#clock.monotonic() - this.#failingSince < PATIENCE;
    if (!this.#isKnown && !isWaitedFor) this.#setState({ state: 'failed', cause });
    return this.#waitAfter(error);
  }

  /** Is there an answer: a full copy, or that there is nothing to copy? */
  get #isKnown(): boolean {
    return this.#state.state === 'synced' || this.#state.state === 'notServed';
  }

  /** Must what is known be kept although the server now refuses to tell it, or says that there is no such API? */
  #isHeld(): boolean {
    this.#refusedSince ??= this.#clock.monotonic();
    return this.#isKnown && this.#clock.monotonic() - this.#refusedSince < HELD;
  }

  /** The server has told what there is. */
  #answered(): void {
    this.#failingSince = undefined;
    this.#refusedSince = undefined;
  }

  /** How long to wait after a failure: as long as the server asks, or longer each time. Milliseconds. */
  #waitAfter(error: unknown): number {
    if (!(error instanceof ApiError)) {
      this.#options.client.dropIdle();
      return this.#waits.broken.next();
    }
    const asked = (error.retryAfter ?? 0) * 1000 * (1 + this.#clock.random() / 4);
    return Math.max(this.#waits.refused.next(), Math.min(asked, LONGEST_RETRY_AFTER * 1000));
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
      const page: ListPage = await this.#options.client.list(pathOf(address, this.#options.namespace), {
        query: { ...this.#query(), limit: this.#unpaged ? undefined : PAGE, continue: continueAt },
        ...this.#accept(),
        signal: this.#stop.signal,
      });
      this.#heard();
      for (const item of page.items ?? page.rows ?? []) this.#collect(item, found);
      continueAt = page.metadata.continue;
      if (!continueAt) {
        this.#unpaged = false;
        this.#answered();
        this.#waits.absent.reset();
        this.#replace(found);
        this.#setState({ state: 'synced' });
        return page.metadata.resourceVersion;
      }
    }
  }

  /** Watches until the place is lost. @throws what makes it necessary to list anew */
  async #watchFrom(address: ResourceAddress, from: string): Promise<never> {
    let resourceVersion = from;
    for (;;) {
      let openedAt: number | undefined;
      let failure: unknown;
      const interrupted = this.#interrupted();
      try {
        await this.#options.client.watch(pathOf(address, this.#options.namespace), {
          query: { ...this.#query(), resourceVersion },
          ...this.#accept(),
          signal: interrupted,
          seconds: WATCH_SECONDS.least + Math.floor(this.#clock.random() * (WATCH_SECONDS.spread + 1)),
          onOpen: () => {
            openedAt = this.#clock.monotonic();
            this.#isWatching = true;
            this.#heard();
          },
          onEvent: (event) => {
            resourceVersion = this.#apply(event as WatchEvent) ?? resourceVersion;
          },
        });
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        if (interrupted.aborted) continue;
        failure = error;
      } finally {
        this.#isWatching = false;
      }
      const wasGood = openedAt !== undefined && this.#clock.monotonic() - openedAt >= GOOD_WATCH;
      if (wasGood) {
        this.#waits.broken.reset();
        this.#waits.refused.reset();
      }
      if (hasStatus(failure, 410)) throw new Expired();
      if (failure instanceof Expired || hasStatus(failure, 403, 404)) throw failure;
      if (failure !== undefined) this.#options.onError?.(failure, 'watch');
      // A server or proxy that ends each watch at once must not be asked in a tight loop.
      if (failure !== undefined || !wasGood) await this.#pause(this.#waitAfter(failure));
      if (this.#stop.signal.aborted) throw new Error('stopped');
    }
  }

  /** @returns the place in the server's history after the event */
  #apply({ type, object }: WatchEvent): string | undefined {
    this.#heard();
    if (type === 'ERROR') {
      if (object?.code === 410) throw new Expired();
      throw new ApiError(
        Number(object?.code ?? 500),
        String(object?.reason ?? ''),
        `watch: ${object?.message ?? type}`,
      );
    }
    const item = this.#options.table === true ? object?.rows?.[0] : object;
    const metadata = this.#metadataOf(item);
    const version: string | undefined = metadata?.resourceVersion ?? object?.metadata?.resourceVersion;
    if (type === 'BOOKMARK') return version;
    const key = keyOf(metadata);
    if (key === undefined) return version;
    this.#put(key, type === 'DELETED' ? undefined : this.#keep(key, item));
    return version;
  }

  /** Adds an item of a list to what was found; one that has not changed is not read again. */
  #collect(item: any, found: Map<string, Kept<T>>): void {
    const metadata = this.#metadataOf(item);
    const key = keyOf(metadata);
    if (key === undefined) return;
    const present = this.#kept.get(key);
    const kept = present?.version === metadata.resourceVersion ? present : this.#keep(key, item);
    if (kept !== undefined) found.set(key, kept);
  }

  #metadataOf(item: any): any {
    return this.#options.table === true ? item?.object?.metadata : item?.metadata;
  }

  #keep(key: string, item: any): Kept<T> | undefined {
    try {
      const value = this.#options.keep(item);
      return value === undefined ? undefined : { version: this.#metadataOf(item).resourceVersion, value };
    } catch (error) {
      this.#options.onError?.(error, `reading ${this.#options.resource} ${key}`);
      return undefined;
    }
  }

  #put(key: string, kept: Kept<T> | undefined): void {
    const before = this.#kept.get(key);
    if (kept === undefined) {
      if (!this.#kept.delete(key)) return;
    } else {
      this.#kept.set(key, kept);
    }
    this.#tell(key, before?.value, kept?.value);
  }

  /** Tells of a change. One that can't be dealt with must not cost those after it. */
  #tell(key: string, before: T | undefined, after: T | undefined): void {
    try {
      this.#options.onChange(key, before, after);
    } catch (error) {
      this.#options.onError?.(error, `taking note of ${this.#options.resource} ${key}`);
    }
  }

  #replace(found: ReadonlyMap<string, Kept<T>>): void {
    for (const key of this.#kept.keys()) if (!found.has(key)) this.#put(key, undefined);
    for (const [key, kept] of found) if (this.#kept.get(key)?.version !== kept.version) this.#put(key, kept);
  }

  #heard(): void {
    this.#lastEvent = this.#clock.now();
    this.#lastActivity = this.#clock.monotonic();
  }

  #setState(state: InformerState): void {
    const changed = !deepEqual(state, this.#state);
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

/** The key of an object; undefined of something that has no name. */
function keyOf(metadata: { readonly namespace?: string; readonly name?: string } | undefined): string | undefined {
  if (typeof metadata?.name !== 'string') return undefined;
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}
