/**
 * Events (events.k8s.io/v1): what happened, for those who ask kubectl. They tell people and decide nothing, so everything
 * about them is bounded: whoever causes them without end must neither fill etcd nor hold anything up.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import { hasStatus, pathOf, type KubeClient } from './client.ts';
import { TokenBucket } from './token-bucket.ts';
import { WorkQueue } from './work-queue.ts';

const EVENTS = { group: 'events.k8s.io', version: 'v1', resource: 'events' };
const CONTROLLER = 'readiness-operator';
/** Events about objects without a namespace are kept here, as Kubernetes' own are. */
const CLUSTER_NAMESPACE = 'default';
/** Limits of the API: bytes of the note, characters of the instance and of a name that more is added to. */
const LONGEST_NOTE = 1024;
const LONGEST_INSTANCE = 128;
const LONGEST_NAME = 200;
/** Milliseconds for one request. */
const TIMEOUT = 5000;

/** What happens again is told by a count, which is written no more often than this; milliseconds. */
const REFRESH = 300_000;
/** So many different events are remembered, to be counted. */
const MOST_REMEMBERED = 1000;
/** About one object: so many different events at once, then one a minute. */
const PER_SUBJECT = { burst: 10, interval: 60_000 };
/** Of one reason: so many at once, then one a second. Each has its own, so that none can drown the others. */
const PER_REASON = { burst: 100, interval: 1000 };

/** An object, by what Kubernetes calls a reference. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent: it is not in a namespace. */
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
}

export interface ClusterEvent {
  /** One word in CamelCase, by which people and programs select. */
  readonly reason: string;
  readonly type: 'Normal' | 'Warning';
  /** What was done, one word. */
  readonly action: string;
  /** A sentence for people; cut at 1024 bytes. */
  readonly note: string;
  readonly regarding: EventSubject;
  readonly related?: EventSubject;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** Name of this replica. */
  readonly instance: string;
  /** Told of each event that is not written because there are too many. */
  readonly onDropped: (event: ClusterEvent) => void;
  /** Told of each try that failed. */
  readonly onError: (event: ClusterEvent, error: unknown) => void;
}

/** An event that was seen, and what of it has been written. */
interface Remembered {
  readonly event: ClusterEvent;
  /** Name of the object in the cluster; undefined: not written yet. */
  name: string | undefined;
  count: number;
  written: number;
  writtenAt: number;
  /** Milliseconds since 1970. */
  seen: number;
}

/** Writes events. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #subjects = new Map<string, TokenBucket>();
  readonly #reasons = new Map<string, TokenBucket>();
  readonly #queue: WorkQueue;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      clock: this.#clock,
      reconcile: (key) => this.#write(key),
      onError: (key, error) => {
        const event = this.#remembered.get(key)?.event;
        if (event !== undefined) options.onError(event, error);
      },
    });
  }

  /**
   * Takes note of an event and returns at once; it is written soon. One that is the same as an earlier one is counted.
   * Never throws.
   *
   * @param source - whose doing it is, such as a namespace: many events about one object by one source leave room for the
   *   others
   */
  record({ note, ...rest }: ClusterEvent, source = ''): void {
    // Cut before it is remembered: a note may repeat what somebody wrote.
    const event: ClusterEvent = { ...rest, note: cutBytes(note, LONGEST_NOTE) };
    const key = JSON.stringify([event.reason, event.regarding, event.note]);
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) {
      remembered.count += 1;
      remembered.seen = this.#clock.now();
      this.#queue.addAfter(key, remembered.writtenAt + REFRESH - this.#clock.monotonic());
      return;
    }
    if (!this.#mayWrite(event, source)) {
      this.#options.onDropped(event);
      return;
    }
    makeRoom(this.#remembered);
    this.#remembered.set(key, {
      event,
      name: undefined,
      count: 1,
      written: 0,
      writtenAt: -Infinity,
      seen: this.#clock.now(),
    });
    this.#queue.add(key);
  }

  /**
   * Writes an event that happens once, for those who can wait. Where it is written already, nothing is done.
   *
   * @param id - tells it from other events about the same object
   * @throws ApiError or Error if it is worth another try
   */
  async write(event: ClusterEvent, id: string): Promise<void> {
    const { uid = '' } = event.regarding;
    const suffix = createHash('sha256')
      .update(JSON.stringify([uid, event.reason, id]))
      .digest('hex')
      .slice(0, 16);
    try {
      await this.#create(event, nameOf(event, suffix), this.#clock.now(), 1);
    } catch (error) {
      if (hasStatus(error, 409)) return;
      this.#options.onError(event, error);
      if (!isFinal(error)) throw error;
    }
  }

  /** Takes and writes nothing more. */
  stop(): void {
    this.#queue.stop();
  }

  get #clock(): Clock {
    return this.#options.client.clock;
  }

  #mayWrite({ reason, regarding }: ClusterEvent, source: string): boolean {
    const now = this.#clock.monotonic();
    const subject = bucketOf(this.#subjects, JSON.stringify([reason, regarding, source]), PER_SUBJECT, now);
    // The subject first: what it may not tell must not cost the others.
    return subject.take(now) && bucketOf(this.#reasons, reason, PER_REASON, now).take(now);
  }

  async #write(key: string): Promise<void> {
    const remembered = this.#remembered.get(key);
    if (remembered === undefined || remembered.written === remembered.count) return;
    const { event, count, seen } = remembered;
    try {
      if (remembered.name === undefined || !(await this.#countUp(event, remembered.name, count, seen))) {
        const name = nameOf(event, randomBytes(8).toString('hex'));
        await this.#create(event, name, seen, count);
        remembered.name = name;
      }
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.#remembered.delete(key);
      this.#options.onError(event, error);
      return;
    }
    remembered.written = count;
    remembered.writtenAt = this.#clock.monotonic();
    // What came while this was written is counted later.
    if (remembered.count > count) this.#queue.addAfter(key, REFRESH);
  }

  async #create(event: ClusterEvent, name: string, time: number, count: number): Promise<void> {
    const { reason, type, action, note, regarding, related } = event;
    const namespace = regarding.namespace ?? CLUSTER_NAMESPACE;
    await this.#options.client.request('POST', pathOf(EVENTS, namespace), {
      timeout: TIMEOUT,
      body: {
        apiVersion: `${EVENTS.group}/${EVENTS.version}`,
        kind: 'Event',
        metadata: { name, namespace },
        eventTime: microTime(time),
        reportingController: CONTROLLER,
        reportingInstance: this.#options.instance.slice(0, LONGEST_INSTANCE) || CONTROLLER,
        reason,
        type,
        action,
        note: cutBytes(note, LONGEST_NOTE),
        regarding,
        ...(related === undefined ? {} : { related }),
        ...(count === 1 ? {} : { series: seriesOf(count, time) }),
      },
    });
  }

  /** @returns false if the event is there no more: Kubernetes keeps them for an hour */
  async #countUp({ regarding }: ClusterEvent, name: string, count: number, time: number): Promise<boolean> {
    try {
      await this.#options.client.request('PATCH', pathOf(EVENTS, regarding.namespace ?? CLUSTER_NAMESPACE, name), {
        timeout: TIMEOUT,
        contentType: 'application/merge-patch+json',
        body: { series: seriesOf(count, time) },
      });
      return true;
    } catch (error) {
      if (hasStatus(error, 404)) return false;
      throw error;
    }
  }
}

/** Nothing that is tried again later: no permission, no namespace (any more), not valid. */
function isFinal(error: unknown): boolean {
  return hasStatus(error, 400, 403, 404, 409, 422);
}

function nameOf({ regarding }: ClusterEvent, suffix: string): string {
  const name = regarding.name.slice(0, LONGEST_NAME).replace(/[^a-z0-9]+$/, '');
  return `${name}.${suffix}`;
}

/** @param time - of the last one, milliseconds since 1970 */
function seriesOf(count: number, time: number) {
  return { count, lastObservedTime: microTime(time) };
}

/** As metav1.MicroTime is written. */
function microTime(time: number): string {
  return new Date(time).toISOString().replace('Z', '000Z');
}

function cutBytes(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  const ellipsis = '...';
  // A character that is cut in half becomes U+FFFD at the end, which is taken away.
  const kept = Buffer.from(text)
    .subarray(0, most - ellipsis.length)
    .toString('utf8');
  return kept.replace(/\uFFFD+$/, '') + ellipsis;
}

function bucketOf(
  buckets: Map<string, TokenBucket>,
  key: string,
  { burst, interval }: typeof PER_SUBJECT,
  now: number,
): TokenBucket {
  const present = buckets.get(key);
  if (present !== undefined) return present;
  makeRoom(buckets);
  const made = new TokenBucket(burst, interval, now);
  buckets.set(key, made);
  return made;
}

/** Forgets what was added first. */
function makeRoom(map: Map<string, unknown>): void {
  if (map.size < MOST_REMEMBERED) return;
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
