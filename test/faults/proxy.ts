/**
 * A proxy before the real API server that breaks what it is told to: slow answers, refusals, watches that end in every
 * way a network has. One stands before each replica, with that replica's identity.
 */
import http from 'node:http';
import https from 'node:https';
import type net from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Authority } from '../cluster/pki.ts';
import { writeKubeconfig } from '../cluster/kubeconfig.ts';
import type { Credentials } from './admin.ts';

/** How a watch ends: as the server ends it; by a closed connection; by a reset; in the middle of a line; not at all. */
export type Cut = 'end' | 'close' | 'reset' | 'half' | 'silent';

/** What goes wrong for every request. */
export interface Fault {
  /** Milliseconds that each answer comes late. */
  readonly delay?: number;
  /** Refuse with 429 Too Many Requests. */
  readonly refuse?: true;
}

interface Watch {
  readonly response: http.ServerResponse;
  readonly upstream: http.ClientRequest;
  /** The rest of the stream goes nowhere, and nobody is told. */
  deaf: boolean;
}

export class FaultProxy {
  /** Path of a kubeconfig that leads through this proxy. */
  readonly kubeconfig: string;
  fault: Fault = {};
  /** Requests that came in since the start. */
  requests = 0;
  readonly #server: https.Server;
  readonly #agent: https.Agent;
  readonly #target: URL;
  readonly #watches = new Set<Watch>();
  /** TCP connections by the operator's port. */
  readonly #sockets = new Map<number | undefined, net.Socket>();

  private constructor(server: https.Server, target: string, { ca, cert, key }: Credentials, kubeconfig: string) {
    this.kubeconfig = kubeconfig;
    this.#server = server;
    this.#target = new URL(target);
    this.#agent = new https.Agent({ ca, cert, key, keepAlive: true });
    server.on('connection', (socket: net.Socket) => {
      const { remotePort } = socket;
      this.#sockets.set(remotePort, socket);
      socket.on('close', () => this.#sockets.delete(remotePort));
    });
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  /**
   * Starts a proxy.
   *
   * @param target - the API server's URL
   * @param identity - what the proxy shows the API server: whoever comes through it is that user
   * @param folder - where its kubeconfig is written
   */
  static async start(name: string, target: string, identity: Credentials, folder: string): Promise<FaultProxy> {
    const authority = await Authority.create(`proxy-${name}-ca`);
    const { certificate, key } = await authority.server(`proxy-${name}`, ['127.0.0.1']);
    const server = https.createServer({ cert: certificate, key, keepAliveTimeout: 120_000, requestTimeout: 0 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const kubeconfig = join(folder, `proxy-${name}.kubeconfig`);
    const nobody = await authority.client({ user: 'nobody' });
    await writeKubeconfig(kubeconfig, `https://127.0.0.1:${port}`, authority.certificate, nobody);
    return new FaultProxy(server, target, identity, kubeconfig);
  }

  /** Watches that are open and not deaf. */
  get watches(): number {
    return [...this.#watches].filter(({ deaf }) => !deaf).length;
  }

  /** Cuts all open watches; those that are deaf too, unless they are to be just that. @returns how many */
  cut(how: Cut): number {
    const open = [...this.#watches].filter(({ deaf }) => how !== 'silent' || !deaf);
    for (const watch of open) {
      const { response, upstream } = watch;
      if (how === 'silent') {
        watch.deaf = true;
        continue;
      }
      this.#watches.delete(watch);
      if (!response.headersSent) response.destroy();
      else if (how === 'end') response.end();
      else if (how === 'close') response.socket?.end();
      else if (how === 'reset') this.#reset(response);
      else response.write('{"type":"MODIFIED","object":{"kind"', () => this.#reset(response));
      upstream.destroy();
    }
    return open.length;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }

  /** A TLS socket can't be reset, only the one below it. */
  #reset({ socket }: http.ServerResponse): void {
    this.#sockets.get(socket?.remotePort)?.resetAndDestroy();
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.requests += 1;
    const { delay = 0, refuse } = this.fault;
    if (refuse === true) {
      request.resume();
      const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'TooManyRequests', code: 429 };
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' });
      response.end(JSON.stringify({ ...status, message: 'too many requests, please try again later' }));
      return;
    }
    const { hostname, port } = this.#target;
    const { host: _, ...headers } = request.headers;
    const upstream = https.request({
      hostname,
      port,
      path: request.url,
      method: request.method,
      headers,
      agent: this.#agent,
    });
    const watch: Watch = { response, upstream, deaf: false };
    const isWatch = /[?&]watch=true/.test(request.url ?? '');
    if (isWatch) this.#watches.add(watch);
    response.on('error', () => {});
    response.on('close', () => {
      this.#watches.delete(watch);
      upstream.destroy();
    });
    upstream.on('error', () => {
      if (!watch.deaf) response.destroy();
    });
    upstream.on('response', (answer) => {
      setTimeout(() => {
        if (response.destroyed || response.writableEnded) return;
        if (!watch.deaf) {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.flushHeaders();
        }
        answer.on('data', (chunk: Buffer) => {
          if (!watch.deaf && !response.writableEnded) response.write(chunk);
        });
        answer.on('end', () => {
          if (!watch.deaf) response.end();
        });
        answer.on('error', () => {
          if (!watch.deaf) response.destroy();
        });
      }, delay);
    });
    request.pipe(upstream);
  }
}
