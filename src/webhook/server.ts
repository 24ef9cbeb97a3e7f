/** The HTTPS server: /validate/<route>, /validate-policy, /healthz, /readyz, /metrics. Bounded in bytes and time. */
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { BadRequest, decodeReview, encodeReview, type AdmissionRequest } from './protocol.ts';
import { review, type Decision } from './review.ts';
import type { World } from './world.ts';

/** An UPDATE carries its object twice, escaped: a manifest of 450 kB was seen to make 4 MB. Bytes. */
export const LARGEST_BODY = 16 * 1024 * 1024;
/** Bodies that may be held at one time, in bytes; beyond that requests are turned away before memory grows. */
const MOST_IN_FLIGHT = 64 * 1024 * 1024;
/** The API server gives 5 s; whatever takes longer is no use to anyone. Milliseconds. */
const REQUEST_TIMEOUT = 10_000;

export const WORKLOADS_PATH = '/validate/workloads';
export const POLICY_PATH = '/validate/policies';

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: Certificate;
  readonly world: World;
  /** Undefined when requests can be judged, else what is still missing, in words. */
  readonly notReady: () => string | undefined;
  /** Told to stop: no longer ready, but requests are still judged, and each answer ends its connection. */
  readonly draining: () => boolean;
  /** Is a route that we do not know one of a policy that exists, so that we may not answer yet? */
  readonly routeMayExist: (name: string) => Promise<boolean>;
  readonly reviewPolicy: (request: AdmissionRequest) => Decision;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class WebhookServer {
  readonly #options: ServerOptions;
  readonly #server: https.Server;
  #inFlight = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#server = https.createServer({ ...options.certificate, minVersion: 'TLSv1.2' }, (request, response) => {
      void this.#handle(request, response);
    });
    this.#server.requestTimeout = REQUEST_TIMEOUT;
    this.#server.headersTimeout = REQUEST_TIMEOUT;
    // Longer than the API server keeps idle connections, so that it never writes to one that we just closed.
    this.#server.keepAliveTimeout = 120_000;
  }

  /** Starts to listen. @returns the port; rejects if it is taken */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Serves another certificate from now on; open connections stay. */
  setCertificate(certificate: Certificate): void {
    this.#server.setSecureContext({ ...certificate, minVersion: 'TLSv1.2' });
  }

  /** Takes no more connections, answers what is under way, and closes. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), 5000);
    await closed;
    clearTimeout(timer);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      if (error instanceof BadRequest) {
        this.#options.metrics.admissionRequests.inc({ operation: '', kind: '', decision: 'rejected' });
        send(response, error.status, error.message);
        return;
      }
      this.#options.metrics.admissionRequests.inc({ operation: '', kind: '', decision: 'failed' });
      this.#options.logger.error('an admission request failed', { path: request.url, error });
      send(response, 500, 'the operator failed on this request; its log tells why');
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    if (this.#options.draining()) response.setHeader('connection', 'close');
    if (path === '/healthz') return send(response, 200, 'ok');
    if (path === '/readyz') {
      const missing = this.#options.draining() ? 'the operator is stopping' : this.#options.notReady();
      return send(response, missing === undefined ? 200 : 503, missing ?? 'ok');
    }
    if (path === '/metrics') {
      const { registry } = this.#options.metrics;
      return send(response, 200, await registry.metrics(), registry.contentType);
    }
    if (path === POLICY_PATH) return this.#answer(request, response, (review) => this.#options.reviewPolicy(review));
    if (path.startsWith(`${WORKLOADS_PATH}/`)) {
      const route = decodeURIComponent(path.slice(WORKLOADS_PATH.length + 1));
      return this.#answer(request, response, (admission) => this.#judge(admission, route, response));
    }
    request.resume();
    return send(response, 404, 'no such path');
  }

  /** @returns undefined if the request can't be judged now; then it has been answered */
  async #judge(admission: AdmissionRequest, route: string, response: ServerResponse): Promise<Decision | undefined> {
    const { world, notReady, routeMayExist } = this.#options;
    let missing = notReady();
    if (missing === undefined && world.policies().route(route) === undefined && (await routeMayExist(route))) {
      missing = `policy ${route} is not in force here yet`;
    }
    if (missing === undefined) return review(admission, route, world);
    this.#options.metrics.admissionRequests.inc({
      operation: admission.operation,
      kind: admission.kind.kind,
      decision: 'unavailable',
    });
    send(response, 503, missing);
    return undefined;
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    decide: (request: AdmissionRequest) => Decision | undefined | Promise<Decision | undefined>,
  ): Promise<void> {
    const body = await this.#read(request, response);
    if (body === undefined) return;
    const start = performance.now();
    const admission = decodeReview(body);
    const decision = await decide(admission);
    if (decision === undefined) return;
    const { metrics, logger } = this.#options;
    for (const { check, error } of decision.errors) {
      metrics.checkErrors.inc({ check });
      logger.error('a check failed', {
        check,
        kind: decision.kind,
        namespace: admission.namespace,
        name: admission.name,
        error,
      });
    }
    const text = encodeReview(admission.uid, decision.response);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
    if (admission.dryRun === true) return;
    metrics.admissionRequests.inc({ operation: admission.operation, kind: decision.kind, decision: decision.decision });
    metrics.admissionDuration.observe((performance.now() - start) / 1000);
  }

  /** Reads a body within the bounds. @returns undefined if the request was turned away; then it has been answered */
  async #read(request: IncomingMessage, response: ServerResponse): Promise<string | undefined> {
    if (request.method !== 'POST') throw new BadRequest(405, 'only POST');
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim();
    if (type !== 'application/json') throw new BadRequest(415, 'the content type must be application/json');
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > LARGEST_BODY)
      return turnAway(request, response, 413, `a body may have ${LARGEST_BODY} bytes at most`);

    const body = await this.#collect(request);
    if (typeof body !== 'number') return body?.toString('utf8');
    return body === 413
      ? turnAway(request, response, 413, `a body may have ${LARGEST_BODY} bytes at most`)
      : turnAway(request, response, 503, 'too much at once, try again');
  }

  /**
   * Collects a body. Events, not an async iterator: that costs as much as the rest of a request.
   *
   * @returns the status to turn it away with if it is too large, or too much at once; undefined if the client hung up
   */
  #collect(request: IncomingMessage): Promise<Buffer | 413 | 503 | undefined> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let settled = false;
      const settle = (result: Buffer | 413 | 503 | undefined): void => {
        if (settled) return;
        settled = true;
        this.#inFlight -= size;
        resolve(result);
      };
      request.on('data', (chunk: Buffer) => {
        if (settled) return;
        size += chunk.length;
        this.#inFlight += chunk.length;
        if (size > LARGEST_BODY) settle(413);
        else if (this.#inFlight > MOST_IN_FLIGHT) settle(503);
        else chunks.push(chunk);
      });
      request.on('end', () => settle(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
      // The client hung up; nobody is there to be answered.
      request.on('error', () => settle(undefined));
      request.on('close', () => settle(undefined));
    });
  }
}

/** Answers without reading the rest, and closes the connection on which it would still come. */
function turnAway(request: IncomingMessage, response: ServerResponse, status: number, message: string): undefined {
  response.setHeader('connection', 'close');
  send(response, status, message);
  response.once('finish', () => request.destroy());
  return undefined;
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
