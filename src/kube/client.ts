/**
 * A small REST client of the API server. Where that is and with which credentials is connection.ts; requests, lists and
 * watches are ours, because the informer of @kubernetes/client-node goes deaf (docs/adr/0003).
 */
import https from 'node:https';
import http from 'node:http';
import type { IncomingMessage, ClientRequest } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { timeoutSignal, type Cancel, type Clock } from './clock.ts';
import { connectionOf, type Connection } from './connection.ts';
import { Gate } from './gate.ts';

/** The longest time to wait that a server can ask for, in seconds. */
export const LONGEST_RETRY_AFTER = 60;

/** What the API server has against one field of an object, as meta/v1 StatusCause. */
export interface FieldCause {
  /** Such as `webhooks[3].objectSelector`; empty: no field is named. */
  readonly field: string;
  readonly message: string;
}

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  readonly status: number;
  /** The machine-readable reason of meta/v1 Status: NotFound, Conflict, Expired ... */
  readonly reason: string;
  /** Seconds that the server asked to wait. */
  readonly retryAfter: number | undefined;
  /** Each field that it refuses; empty unless it refuses fields. */
  readonly causes: readonly FieldCause[];

  constructor(
    status: number,
    reason: string,
    message: string,
    retryAfter?: number,
    causes: readonly FieldCause[] = [],
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
    this.causes = causes;
  }
}

/** Is an error the API server's answer with this status? */
export function hasStatus(error: unknown, ...statuses: number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status);
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RequestOptions {
  readonly query?: Query;
  readonly body?: unknown;
  /** Content type of the body; for PATCH it says which kind of patch. */
  readonly contentType?: string;
  readonly accept?: string;
  /** Milliseconds for the whole exchange. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT = 30_000;
/** Far above any page of a list that is asked for. */
const LARGEST_RESPONSE = 256 * 1024 * 1024;
/** Far above any object that etcd takes, as JSON and with its old version; bytes. */
const LARGEST_EVENT = 64 * 1024 * 1024;
/** Pages of lists under way at one time: the rest of memory and of the connections is for others. */
const LISTS_AT_ONCE = 4;
/** Connections for all but watches. */
const MOST_CONNECTIONS = 64;
/** An overloaded API server lets a request wait for 15 s before it turns it away (API priority and fairness). */
const WATCH_ANSWER_TIMEOUT = 20_000;
/** How much later than agreed a watch may end, in milliseconds. */
const WATCH_GRACE = 3000;
/** The kernel asks after a silent peer from then on each second, and gives it up after ten questions; milliseconds. */
const KEEP_ALIVE_DELAY = 10_000;

/** A connection on which nothing comes although something was due. */
export class SilentConnection extends Error {}

export interface WatchOptions {
  readonly query?: Query;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Seconds after which the server is to end the watch. One that does not has a dead connection. */
  readonly seconds: number;
  /** Told when the server has accepted the watch. */
  readonly onOpen: () => void;
  /** Told of each line, parsed. What it throws ends the watch. */
  readonly onEvent: (event: unknown) => void;
}

export class KubeClient {
  /** The clock by which it gives up waiting, and by which whoever talks through it waits and tries again. */
  readonly clock: Clock;
  readonly #connection: Connection;
  readonly #agent: http.Agent;
  /** Watches hold their connections; apart from the others, however many there are, they can't keep requests waiting. */
  readonly #watchAgent: http.Agent;
  readonly #lists = new Gate(LISTS_AT_ONCE);

  private constructor(connection: Connection, clock: Clock) {
    this.clock = clock;
    this.#connection = connection;
    const agent = (more: http.AgentOptions): http.Agent => {
      const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_DELAY, ...more };
      return connection.server.protocol === 'http:' ? new http.Agent(options) : new https.Agent(options);
    };
    this.#agent = agent({ maxSockets: MOST_CONNECTIONS });
    this.#watchAgent = agent({});
  }

  /**
   * Loads the configuration: the file if one is named, else what kubectl would take (KUBECONFIG, the home folder), else
   * the ServiceAccount of the pod.
   *
   * @throws Error if it can't be read or names no cluster
   */
  static async load(clock: Clock, file?: string): Promise<KubeClient> {
    return new KubeClient(await connectionOf(clock, file), clock);
  }

  /** A client of the same cluster with connections of its own, which no burst of requests elsewhere can hold up. */
  separate(): KubeClient {
    return new KubeClient(this.#connection, this.clock);
  }

  /** Sends a request and parses the answer. @throws ApiError for any status but 2xx; Error for what is no answer at all */
  async request<T = unknown>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const timeout = timeoutSignal(this.clock, options.timeout ?? DEFAULT_TIMEOUT);
    const signal = options.signal === undefined ? timeout.signal : AbortSignal.any([options.signal, timeout.signal]);
    try {
      const { response } = await this.#send(method, path, options, signal);
      const text = await readAll(response);
      if (response.statusCode === undefined || response.statusCode >= 300) throw errorOf(response, text);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } finally {
      timeout.cancel();
    }
  }

  /** Reads an object. @returns undefined if it does not exist; else as `request` */
  async getIfThere<T>(path: string, options: RequestOptions = {}): Promise<T | undefined> {
    try {
      return await this.request<T>('GET', path, options);
    } catch (error) {
      if (hasStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** A request for a page of a list. Only a few of all are under way at one time, in the order in which they came. */
  async list<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return this.#lists.pass(() => this.request<T>('GET', path, options));
  }

  /**
   * Opens a watch and hands over each line of it.
   *
   * The server ends it after `seconds`. A connection that died in silence is told from an idle one by that: nothing else
   * shows it through proxies, which answer the kernel's probes in the server's stead (docs/adr/0004).
   *
   * @returns when the server ends the watch
   * @throws ApiError as `request`; SilentConnection; Error on a broken connection, or what `onEvent` throws
   */
  async watch(path: string, { seconds, onOpen, onEvent, ...options }: WatchOptions): Promise<void> {
    const query = { ...options.query, watch: true, allowWatchBookmarks: true, timeoutSeconds: seconds };
    const { request, response } = await this.#send(
      'GET',
      path,
      { ...options, query },
      options.signal,
      WATCH_ANSWER_TIMEOUT,
    );
    const silent = (): void => {
      response.destroy(new SilentConnection('the watch did not end when it should: the connection is dead'));
    };
    const due = this.clock.monotonic() + seconds * 1000;
    let cancel = this.clock.after(seconds * 1000 + WATCH_GRACE, silent);
    try {
      if (response.statusCode !== 200) throw errorOf(response, await readAll(response));
      onOpen();
      const decoder = new StringDecoder('utf8');
      let rest = '';
      for await (const chunk of response) {
        if (this.clock.monotonic() > due) {
          // Late, but alive: a slow connection brings what was under way.
          cancel();
          cancel = this.clock.after(WATCH_GRACE, silent);
        }
        rest += decoder.write(chunk as Buffer);
        let from = 0;
        for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
          if (end > from) onEvent(JSON.parse(rest.slice(from, end)));
          from = end + 1;
        }
        rest = rest.slice(from);
        if (rest.length > LARGEST_EVENT) throw new Error(`an event of the watch is larger than ${LARGEST_EVENT} bytes`);
      }
    } finally {
      cancel();
      // A watch that the server has ended leaves its connection to the next one.
      if (!response.complete) request.destroy();
    }
  }

  /** Gives up the connections that wait for work: where one turned out to be dead, others may be too. */
  dropIdle(): void {
    for (const { freeSockets } of [this.#agent, this.#watchAgent]) {
      for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
    this.#watchAgent.destroy();
  }

  async #send(
    method: Method,
    path: string,
    asked: RequestOptions,
    signal: AbortSignal | undefined,
    answerWithin?: number,
  ): Promise<{ readonly request: ClientRequest; readonly response: IncomingMessage }> {
    const { query = {}, body, contentType, accept } = asked;
    const { server, proxied } = this.#connection;
    const url = urlOf(server, path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const options: https.RequestOptions = { method, headers: {} };
    await this.#connection.authenticate(options);
    if (!proxied) options.agent = answerWithin === undefined ? this.#agent : this.#watchAgent;
    if (signal !== undefined) options.signal = signal;
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    options.headers = {
      ...(options.headers as http.OutgoingHttpHeaders),
      accept: accept ?? 'application/json',
      'user-agent': 'readiness-operator',
      ...(payload === undefined
        ? {}
        : { 'content-type': contentType ?? 'application/json', 'content-length': payload.length }),
    };
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'http:' ? http : https).request(url, options);
      const cancel: Cancel | undefined =
        answerWithin === undefined
          ? undefined
          : this.clock.after(answerWithin, () => {
              request.destroy(new SilentConnection(`no answer within ${answerWithin} ms`));
            });
      request.on('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_DELAY));
      request.on('response', (response) => {
        cancel?.();
        resolve({ request, response });
      });
      request.on('error', (error) => {
        cancel?.();
        // The server had closed a connection that we kept: nothing was asked yet.
        if (method === 'GET' && request.reusedSocket && signal?.aborted !== true && isReset(error)) {
          this.dropIdle();
          resolve(this.#send(method, path, asked, signal, answerWithin));
        } else reject(error);
      });
      request.end(payload);
    });
  }
}

/** @throws Error for a path that leads elsewhere, because one of the names in it is `.` or `..`, which no object has */
function urlOf(server: URL, path: string): URL {
  const whole = server.pathname.replace(/\/$/, '') + path;
  const url = new URL(whole, server);
  if (url.pathname !== whole) throw new Error(`no request for ${path}: a name in it can be none of an object`);
  return url;
}

function isReset(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_RESPONSE) throw new Error(`the API server's answer is larger than ${LARGEST_RESPONSE} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What is read of a meta/v1 Status. */
interface StatusBody {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly Partial<FieldCause>[] };
}

function errorOf(response: IncomingMessage, text: string): ApiError {
  const status = response.statusCode ?? 0;
  const retryAfter = Number(response.headers['retry-after']);
  let reason = '';
  let message = text.trim().slice(0, 500);
  let causes: readonly FieldCause[] = [];
  try {
    const parsed = JSON.parse(text) as StatusBody;
    reason = parsed.reason ?? '';
    message = parsed.message ?? message;
    causes = (parsed.details?.causes ?? []).map((cause) => ({ field: '', message: '', ...cause }));
  } catch {
    // A proxy's page or plain text: the text itself is the message.
  }
  return new ApiError(
    status,
    reason,
    message || `HTTP ${status}`,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
    causes,
  );
}

/** How a resource is reached. */
export interface ResourceAddress {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** The URL path of a resource: all namespaces, one namespace, one object, a subresource. */
export function pathOf(
  { group, version, resource }: ResourceAddress,
  namespace?: string,
  name?: string,
  subresource?: string,
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const parts = [resource, name, subresource].filter((part) => part !== undefined).map(encodeURIComponent);
  return `${root}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${parts.join('/')}`;
}
