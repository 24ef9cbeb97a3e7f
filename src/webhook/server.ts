/** The HTTPS server: /validate/..., /mutate/..., /healthz, /readyz, /metrics. Bounded in bytes and time. */
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { NestedTooDeep } from '../engine/equal.ts';
import { remembering } from '../engine/remember.ts';
import type { Clock } from '../kube/clock.ts';
import type { ClusterEvent } from '../kube/events.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { PolicySet } from '../policy/routes.ts';
import { andFinally, andThen, type Awaitable } from './awaitable.ts';
import { Bodies, type Body, type Refusal } from './bodies.ts';
import { blindWorld } from './blind-world.ts';
import type { Callers } from './callers.ts';
import { answerClientErrors } from './client-errors.ts';
import { concernedWorld } from './concerned-world.ts';
import { Connections } from './connections.ts';
import { Gate } from '../kube/gate.ts';
import { Budgets } from './live-budget.ts';
import { withoutToken, type AskedPath } from './path-token.ts';
import { BadRequest, decodeReview, encodeReview, type AdmissionRequest } from './protocol.ts';
import { review, type Decision } from './review.ts';
import { reviewByNewest } from './second-look.ts';
import { contentOf, SharedDecisions } from './shared-decisions.ts';
import { stampException } from './stamp.ts';
import { CallerGone, Turns } from '../kube/turns.ts';
import type { World } from './world.ts';

/** An UPDATE carries its object twice, escaped: a manifest of 450 kB was seen to make 4 MB. Bytes. */
export const LARGEST_BODY = 16 * 1024 * 1024;
/** What is larger is parsed and judged in turns, and few of them at one time, which bounds memory; bytes. */
const LARGE = 256 * 1024;
const MOST_LARGE = 4;
/** The oldest TLS that is spoken. */
const TLS = { minVersion: 'TLSv1.2' } as const;
/** A DNS subdomain, as names of objects are (RFC 1123). What can be none is not worth a question to the API server. */
const POLICY_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** Rendering the metrics costs as much as many requests; who asks more often gets the same text. Milliseconds. */
const METRICS_TTL = 1000;
/** How long a server that closes waits for what is under way, in milliseconds. */
const CLOSING = 5000;

/** What the server takes at one time; beyond that it turns away at once, before memory grows. */
export interface Limits {
  /** Bodies that are held, in bytes. */
  readonly inFlight: number;
  /** Requests that are judged. Judging takes no time unless the API server is asked, which few requests need. */
  readonly judged: number;
  /** Open connections. Each API server keeps one for each request that it has under way. */
  readonly connections: number;
  /** For the handshake, for the headers and for the whole request, in milliseconds. */
  readonly requestTimeout: number;
  /** How often Node looks for what has timed out, in milliseconds. */
  readonly timeoutCheck: number;
  /** How long a connection may wait for its next request, in milliseconds. */
  readonly idle: number;
}

/**
 * The API server gives 5 s, so that a request which takes 10 s to come is no use to anyone. It keeps idle connections for
 * 90 s; we keep them longer, so that it never writes to one that we just closed.
 */
export const LIMITS: Limits = {
  inFlight: 64 * 1024 * 1024,
  judged: 256,
  connections: 256,
  requestTimeout: 10_000,
  timeoutCheck: 2000,
  idle: 120_000,
};

export const WORKLOADS_PATH = '/validate/workloads';
export const POLICY_PATH = '/validate/policies';
export const EXCEPTION_PATH = '/validate/exceptions';
export const NAMESPACE_PATH = '/validate/namespaces';
export const STAMP_PATH = '/mutate/exceptions';

export interface ServerOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly certificate: CertifiedKey;
  /** Absent: LIMITS. */
  readonly limits?: Limits;
  readonly world: World;
  readonly callers: Pick<Callers, 'authorities' | 'refuses' | 'knows'>;
  /** Undefined when requests can be judged, else what is still missing, in words. */
  readonly notReady: () => string | undefined;
  /** Why nobody should be sent here, although who comes is answered; undefined: nothing speaks against it. */
  readonly degraded: () => string | undefined;
  /** Told to stop: no longer ready, but requests are still judged, and each answer ends its connection. */
  readonly draining: () => boolean;
  /** The policies by which to decide requests by a route that we do not know; undefined: we must not answer yet. */
  readonly policiesFor: (route: string) => Promise<PolicySet | undefined>;
  readonly reviewPolicy: (request: AdmissionRequest) => Decision;
  /** Asked only when requests can be judged. */
  readonly reviewException: (request: AdmissionRequest) => Decision;
  readonly reviewNamespace: (request: AdmissionRequest) => Decision;
  /**
   * Told of each event of a request by a known caller that was no dry-run, after it has been answered.
   *
   * @param namespace - of the request
   */
  readonly onEvent: (event: ClusterEvent, namespace: string) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A request, and what was found out about where it comes from. */
interface Admission {
  readonly request: AdmissionRequest;
  /** The API server sent it, as far as can be told. Of anybody else nothing is recorded, and nothing is read for him. */
  readonly isKnown: boolean;
  /** IP address of the peer. */
  readonly address: string;
  /** From which the request was read. */
  readonly body: Buffer;
  /** In which it is judged. */
  readonly turns: Turns;
}

/** Decides a request. Undefined: it can't be decided now, and has been answered. */
type Decide = (admission: Admission) => Awaitable<Decision | undefined>;

/** A certificate and its private key; PEM texts. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

export class WebhookServer {
  readonly #options: ServerOptions;
  readonly #server: https.Server;
  readonly #connections: Connections;
  readonly #limits: Limits;
  readonly #bodies: Bodies;
  readonly #budgets: Budgets;
  readonly #blind: World;
  readonly #large = new Gate(MOST_LARGE);
  readonly #shared: SharedDecisions;
  #judged = 0;
  #received = 0;
  #metrics: { readonly until: number; readonly text: Promise<string> } | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
    const { inFlight, connections, requestTimeout, timeoutCheck, idle } = this.#limits;
    this.#bodies = new Bodies(LARGEST_BODY, inFlight);
    this.#budgets = new Budgets(options.world, options.clock);
    this.#blind = blindWorld(options.world);
    this.#shared = new SharedDecisions(options.clock);
    this.#server = https.createServer(
      {
        ...this.#secureContext(options.certificate),
        // Who shows no good one is turned away by us: probes and scrapes have none.
        requestCert: options.callers.authorities !== undefined,
        rejectUnauthorized: false,
        handshakeTimeout: requestTimeout,
        connectionsCheckingInterval: timeoutCheck,
      },
      (request, response) => this.#guard(request, response, () => this.#route(request, response)),
    );
    this.#connections = new Connections(this.#server, connections);
    this.#server.requestTimeout = requestTimeout;
    this.#server.headersTimeout = requestTimeout;
    this.#server.keepAliveTimeout = idle;
    answerClientErrors(this.#server, idle);
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

  /** Reviews that have come since the start, answered or not. */
  get received(): number {
    return this.#received;
  }

  /** Serves another certificate from now on; open connections stay. */
  setCertificate(certificate: CertifiedKey): void {
    this.#server.setSecureContext(this.#secureContext(certificate));
  }

  #secureContext(certificate: CertifiedKey): SecureContextOptions {
    const { authorities } = this.#options.callers;
    return { ...certificate, ...TLS, ...(authorities === undefined ? {} : { ca: authorities }) };
  }

  /** Takes no more connections, answers what is under way, and closes. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    const cancel = this.#options.clock.after(CLOSING, () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }

  /** The one place where what a request throws is answered, whether it throws at once or later. */
  #guard(request: IncomingMessage, response: ServerResponse, work: () => Awaitable<void>): void {
    const failed = (error: unknown): void => this.#failed(request, response, error);
    try {
      const working = work();
      if (working instanceof Promise) working.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #failed(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const { metrics, logger } = this.#options;
    if (thrown instanceof CallerGone) {
      metrics.admissionRequests.inc({ operation: '', kind: '', decision: 'dropped' });
      return;
    }
    const error = thrown instanceof NestedTooDeep ? new BadRequest(422, `the object ${thrown.message}`) : thrown;
    if (error instanceof BadRequest) {
      metrics.admissionRequests.inc({ operation: '', kind: '', decision: 'rejected' });
      if (request.complete) send(response, error.status, error.message);
      else sendAndClose(request, response, error.status, error.message);
      return;
    }
    metrics.admissionRequests.inc({ operation: '', kind: '', decision: 'failed' });
    logger.error('an admission request failed', { path: askedPath(request).path, error });
    send(response, 500, 'the operator failed on this request; its log tells why');
  }

  #route(request: IncomingMessage, response: ServerResponse): Awaitable<void> {
    const { path, token } = askedPath(request);
    if (this.#options.draining()) response.setHeader('connection', 'close');
    if (path === '/healthz') return send(response, 200, 'ok');
    if (path === '/readyz') {
      const missing = this.#options.draining()
        ? 'the operator is stopping'
        : (this.#options.notReady() ?? this.#options.degraded());
      return send(response, missing === undefined ? 200 : 503, missing ?? 'ok');
    }
    if (path === '/metrics') {
      const { contentType } = this.#options.metrics.registry;
      return this.#renderedMetrics().then((text) => send(response, 200, text, contentType));
    }
    const decide = this.#decider(path, response);
    if (decide !== undefined) return this.#answer(request, response, token, decide);
    request.resume();
    return send(response, 404, 'no such path');
  }

  /** @returns undefined if nothing is decided under this path */
  #decider(path: string, response: ServerResponse): Decide | undefined {
    const { reviewPolicy, reviewNamespace } = this.#options;
    if (path === POLICY_PATH) return ({ request }) => reviewPolicy(request);
    if (path === NAMESPACE_PATH) return ({ request }) => reviewNamespace(request);
    if (path === STAMP_PATH) return ({ request }) => stampException(request);
    if (path === EXCEPTION_PATH) return (admission) => this.#reviewException(admission, response);
    if (!path.startsWith(`${WORKLOADS_PATH}/`)) return undefined;
    const route = routeOf(path);
    return route === undefined ? undefined : (admission) => this.#judge(admission, route, response);
  }

  /** @returns undefined if the request can't be judged now; then it has been answered */
  #judge(admission: Admission, route: string, response: ServerResponse): Awaitable<Decision | undefined> {
    const { notReady, policiesFor } = this.#options;
    const { isKnown, address } = admission;
    const missing = notReady();
    if (missing !== undefined) return this.#unavailable(admission, missing, response);
    if (!isKnown) return this.#judgeBlind(admission, route, response);
    const world = this.#budgets.worldOf(address);
    if (world.policies().route(route) !== undefined) return this.#judgeIn(world, admission, route);
    return policiesFor(route).then((policies) =>
      policies === undefined
        ? this.#unavailable(admission, notInForce(route), response)
        : this.#judgeIn({ ...world, policies: () => policies }, admission, route),
    );
  }

  /** One decision for all routes by which the API server calls about a request. */
  #judgeIn(world: World, { request, body, turns }: Admission, route: string): Awaitable<Decision> {
    return andThen(concernedWorld(request, route, world), (asked) => {
      const decide = (): Awaitable<Decision> => reviewByNewest(request, route, asked, turns);
      const policies = asked.policies();
      const known = policies.route(route);
      // By a single route each request comes once. What is decided blindly is told to nobody else.
      if (known === undefined || policies.routes.length === 1 || asked !== world) return decide();
      return this.#shared.decision(contentOf(body, request.uid), known.name, policies, decide);
    });
  }

  /** By the request and the policies alone. */
  #judgeBlind(admission: Admission, route: string, response: ServerResponse): Awaitable<Decision | undefined> {
    const { request, turns } = admission;
    if (this.#blind.policies().route(route) === undefined) {
      return this.#unavailable(admission, notInForce(route), response);
    }
    // It is judged with its parent, which a stranger must not learn about.
    if (request.subResource === 'scale') {
      return this.#unavailable(
        admission,
        'a Scale is judged by the path that the webhook configuration names',
        response,
      );
    }
    return review(request, route, this.#blind, turns);
  }

  /** @returns undefined if the exception can't be judged now; then it has been answered */
  #reviewException(admission: Admission, response: ServerResponse): Decision | undefined {
    const missing = this.#options.notReady();
    return missing === undefined
      ? this.#options.reviewException(admission.request)
      : this.#unavailable(admission, missing, response);
  }

  #unavailable({ request, isKnown }: Admission, missing: string, response: ServerResponse): undefined {
    const { metrics } = this.#options;
    if (isKnown) {
      const { operation, kind } = request;
      metrics.admissionRequests.inc({ operation, kind: kind.kind, decision: 'unavailable' });
    } else metrics.unknownCallers.inc();
    send(response, 503, missing);
  }

  #answer(request: IncomingMessage, response: ServerResponse, token: string | undefined, decide: Decide): void {
    this.#received += 1;
    if (this.#options.callers.refuses(request.socket)) {
      this.#options.metrics.unknownCallers.inc();
      return sendAndClose(request, response, 403, 'a client certificate is required');
    }
    assertJsonPost(request);
    this.#bodies.read(request, (body) =>
      this.#guard(request, response, () =>
        typeof body === 'string'
          ? turnAway(request, response, body)
          : this.#answerBody(request, response, token, body, decide),
      ),
    );
  }

  #answerBody(
    request: IncomingMessage,
    response: ServerResponse,
    token: string | undefined,
    body: Body,
    decide: Decide,
  ): Awaitable<void> {
    if (this.#judged >= this.#limits.judged) {
      body.release();
      return turnAway(request, response, 'tooMuch');
    }
    this.#judged += 1;
    const connection = this.#connections.judging(request.socket);
    const address = request.socket.remoteAddress ?? '';
    const turns = new Turns(this.#options.clock, () => !response.destroyed);
    const decideOn = (asked: AdmissionRequest, start: number): Awaitable<void> =>
      andThen(this.#options.callers.knows(token), (isKnown) => {
        const admission: Admission = { request: asked, isKnown, address, body: body.bytes, turns };
        return andThen(decide(admission), (decision) => {
          if (decision !== undefined) this.#respond(admission, decision, response, start);
        });
      });
    const answer = (): Awaitable<void> => {
      const start = this.#options.clock.monotonic();
      if (body.bytes.length <= LARGE) return decideOn(decodeReview(body.bytes), start);
      return this.#large.pass(async () => {
        await turns.giveWay();
        const asked = decodeReview(body.bytes);
        await turns.giveWay();
        await decideOn(asked, start);
      });
    };
    return andFinally(answer, () => {
      this.#judged -= 1;
      this.#connections.answered(connection);
      body.release();
    });
  }

  /** @param start - when the request was there (monotonic clock) */
  #respond({ request, isKnown }: Admission, decision: Decision, response: ServerResponse, start: number): void {
    const text = encodeReview(request.uid, decision.response);
    const length = Buffer.byteLength(text);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
    // Of ASCII alone both make the same bytes, and this one makes them faster.
    response.end(text, length === text.length ? 'latin1' : 'utf8');
    if (isKnown) this.#record(request, decision, start);
    else this.#options.metrics.unknownCallers.inc();
  }

  /** Tells of a decision whoever wants to know. @param start - when the request was there (monotonic clock) */
  #record({ operation, namespace, name, dryRun }: AdmissionRequest, decision: Decision, start: number): void {
    const { clock, metrics, logger, onEvent } = this.#options;
    for (const { check, error } of decision.errors) {
      metrics.checkErrors.inc({ check });
      logger.error('a check failed', { check, kind: decision.kind, namespace, name, error });
    }
    if (dryRun === true) return;
    metrics.admissionRequests.inc({ operation, kind: decision.kind, decision: decision.decision });
    for (const policy of decision.bypassed ?? []) metrics.breakGlass.inc({ policy });
    metrics.admissionDuration.observe((clock.monotonic() - start) / 1000);
    for (const event of decision.events ?? []) onEvent(event, namespace ?? '');
  }

  #renderedMetrics(): Promise<string> {
    const now = this.#options.clock.monotonic();
    if (this.#metrics === undefined || this.#metrics.until < now) {
      this.#metrics = { until: now + METRICS_TTL, text: this.#options.metrics.registry.metrics() };
    }
    return this.#metrics.text;
  }
}

/** The path of a request, without its query and its token. */
function askedPath({ url = '' }: IncomingMessage): AskedPath {
  const query = url.indexOf('?');
  return withoutToken(query < 0 ? url : url.slice(0, query));
}

function notInForce(policy: string): string {
  return `policy ${policy} is not in force here yet`;
}

/**
 * The policy that a path names; undefined: what it names can be none. The API server comes by the same few paths.
 *
 * @throws BadRequest if the path is encoded wrongly
 */
const routeOf = remembering((path): string | undefined => {
  try {
    const name = decodeURIComponent(path.slice(WORKLOADS_PATH.length + 1));
    return POLICY_NAME.test(name) ? name : undefined;
  } catch {
    throw new BadRequest(400, 'the path is not percent-encoded as it should be');
  }
});

function assertJsonPost({ method, headers }: IncomingMessage): void {
  if (method !== 'POST') throw new BadRequest(405, 'only POST');
  const type = headers['content-type'] ?? '';
  if (type !== 'application/json' && type.split(';')[0]?.trim() !== 'application/json')
    throw new BadRequest(415, 'the content type must be application/json');
  if (Number(headers['content-length'] ?? 0) > LARGEST_BODY) throw new BadRequest(413, TOO_LARGE);
}

const TOO_LARGE = `a body may have ${LARGEST_BODY} bytes at most`;

/** Answers without reading the rest. */
function turnAway(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  if (refusal === 'gone') return;
  if (refusal === 'tooLarge') sendAndClose(request, response, 413, TOO_LARGE);
  else sendAndClose(request, response, 503, 'too much at once, try again');
}

/** Answers and closes the connection, on which the rest of the request may still come. */
function sendAndClose(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  response.setHeader('connection', 'close');
  send(response, status, message);
  response.once('finish', () => request.destroy());
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
