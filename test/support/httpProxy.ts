/** A plain HTTP proxy before a test cluster's API server that counts requests, and changes or answers some itself. */
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/kube/clock.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { redirectKubeconfig } from '../cluster/kubeconfig.ts';
import { credentialsOf } from '../faults/admin.ts';

/** Answers a request itself and says so, or leaves it to the API server. */
export type Intercept = (request: http.IncomingMessage, response: http.ServerResponse) => boolean;

export class HttpProxy {
  /** Method and URL path of each request, in the order in which they came. */
  readonly requests: string[] = [];
  /** Asked first; nothing is intercepted unless told. */
  intercept: Intercept = () => false;
  /** Seconds after which the API server is to end a watch, whatever was asked for; undefined: as asked. */
  watchSeconds: number | undefined;
  readonly #server: http.Server;
  readonly #agent: https.Agent;

  readonly #kubeconfig: string;

  private constructor(kubeconfig: string, server: http.Server, agent: https.Agent) {
    this.#kubeconfig = kubeconfig;
    this.#server = server;
    this.#agent = agent;
  }

  /** Starts a proxy. @param headers - added to each request, such as `impersonate-user` */
  static async start(kubeconfig: string, headers: http.OutgoingHttpHeaders = {}): Promise<HttpProxy> {
    const { server: target, ca, cert, key } = await credentialsOf(kubeconfig);
    const agent = new https.Agent({ ca, cert, key });
    const server = http.createServer((request, response) => {
      const { url = '' } = request;
      proxy.requests.push(`${request.method} ${url}`);
      if (proxy.intercept(request, response)) return;
      const { host: _, ...asked } = request.headers;
      const path =
        proxy.watchSeconds === undefined
          ? url
          : url.replace(/timeoutSeconds=\d+/, `timeoutSeconds=${proxy.watchSeconds}`);
      const options = { agent, method: request.method, headers: { ...asked, ...headers } };
      const upstream = https.request(target + path, options, (answer) => {
        // At once: a watch is open before anything happens.
        response.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders();
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      response.on('close', () => upstream.destroy());
      request.pipe(upstream);
    });
    const proxy = new HttpProxy(kubeconfig, server, agent);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A client that goes by this proxy. */
  async client(clock: Clock): Promise<KubeClient> {
    const folder = await mkdtemp(join(tmpdir(), 'readiness-proxy-'));
    try {
      const file = join(folder, 'kubeconfig');
      await redirectKubeconfig(this.#kubeconfig, this.url, file);
      return await KubeClient.load(clock, file);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  /** How many requests opened a watch. */
  get watches(): number {
    return this.requests.filter(isWatch).length;
  }

  /** How many requests asked for (a page of) a list, or anything else that is no watch. */
  get reads(): number {
    return this.requests.length - this.watches;
  }

  /** Breaks the connections that there are. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  stop(): void {
    this.cut();
    this.#server.close();
    this.#agent.destroy();
  }
}

export function isWatch(url = ''): boolean {
  return url.includes('watch=true');
}
