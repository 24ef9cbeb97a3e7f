/**
 * A small REST client of the API server. @kubernetes/client-node brings what is hard about it, kubeconfig files, in-cluster
 * configuration and every kind of credential; requests, lists and watches are ours, because its informer goes deaf
 * (docs/adr/0003).
 */
import https from 'node:https';
import http from 'node:http';
import type { IncomingMessage, ClientRequest } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  readonly status: number;
  /** The machine-readable reason of meta/v1 Status: NotFound, Conflict, Expired ... */
  readonly reason: string;
  /** Seconds that the server asked to wait. */
  readonly retryAfter: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfter?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
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

export class KubeClient {
  readonly #config: KubeConfig;
  readonly #server: URL;
  readonly #agent: http.Agent;
  readonly #proxied: boolean;

  private constructor(config: KubeConfig) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster; set its current-context');
    this.#config = config;
    this.#server = new URL(cluster.server);
    this.#proxied = Boolean(cluster.proxyUrl);
    const options = { keepAlive: true, maxSockets: 64, keepAliveMsecs: 10_000 };
    this.#agent = this.#server.protocol === 'http:' ? new http.Agent(options) : new https.Agent(options);
  }

  /**
   * Loads the configuration: the file if one is named, else what kubectl would take (KUBECONFIG, the home folder), else
   * the ServiceAccount of the pod.
   *
   * @throws Error if it can't be read or names no cluster
   */
  static load(file?: string): KubeClient {
    const config = new KubeConfig();
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    return new KubeClient(config);
  }

  /** A client of the same cluster with connections of its own, which no burst of requests elsewhere can hold up. */
  separate(): KubeClient {
    return new KubeClient(this.#config);
  }

  /** Sends a request and parses the answer. @throws ApiError for any status but 2xx; Error for what is no answer at all */
  async request<T = unknown>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const timeout = AbortSignal.timeout(options.timeout ?? DEFAULT_TIMEOUT);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    const { response } = await this.#send(method, path, options, signal);
    const text = await readAll(response);
    if (response.statusCode === undefined || response.statusCode >= 300) throw errorOf(response, text);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /**
   * Opens a watch and hands over each line of it as parsed JSON.
   *
   * @param idle - milliseconds without any byte after which the connection counts as dead
   * @returns when the server ends the watch
   * @throws ApiError as `request`; Error on a broken or silent connection, or what `onEvent` throws
   */
  async watch(
    path: string,
    options: Omit<RequestOptions, 'body' | 'timeout'> & { readonly idle: number },
    onEvent: (event: unknown) => void,
  ): Promise<void> {
    const { request, response } = await this.#send('GET', path, options, options.signal, options.idle);
    if (response.statusCode !== 200) throw errorOf(response, await readAll(response));
    const decoder = new StringDecoder('utf8');
    let rest = '';
    request.setTimeout(options.idle, () => request.destroy(new Error(`nothing came for ${options.idle} ms`)));
    try {
      for await (const chunk of response) {
        rest += decoder.write(chunk as Buffer);
        let from = 0;
        for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
          if (end > from) onEvent(JSON.parse(rest.slice(from, end)));
          from = end + 1;
        }
        rest = rest.slice(from);
      }
    } finally {
      request.destroy();
    }
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }

  async #send(
    method: Method,
    path: string,
    { query = {}, body, contentType, accept }: RequestOptions,
    signal: AbortSignal | undefined,
    idle?: number,
  ): Promise<{ readonly request: ClientRequest; readonly response: IncomingMessage }> {
    const url = new URL(this.#server.pathname.replace(/\/$/, '') + path, this.#server);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const options: https.RequestOptions = { method, headers: {} };
    await this.#config.applyToHTTPSOptions(options);
    if (!this.#proxied) options.agent = this.#agent;
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
      if (idle !== undefined) request.setTimeout(idle, () => request.destroy(new Error(`no answer for ${idle} ms`)));
      request.on('response', (response) => resolve({ request, response }));
      request.on('error', reject);
      request.end(payload);
    });
  }
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

function errorOf(response: IncomingMessage, text: string): ApiError {
  const status = response.statusCode ?? 0;
  const retryAfter = Number(response.headers['retry-after']);
  let reason = '';
  let message = text.trim().slice(0, 500);
  try {
    const parsed = JSON.parse(text) as { reason?: string; message?: string };
    reason = parsed.reason ?? '';
    message = parsed.message ?? message;
  } catch {
    // A proxy's page or plain text: the text itself is the message.
  }
  return new ApiError(
    status,
    reason,
    message || `HTTP ${status}`,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
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
