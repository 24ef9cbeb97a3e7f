/**
 * A TCP balancer on loopback, as a Service or a cloud's load balancer is one: it looks at /readyz each second, sends new
 * connections to those that are ready, in turn, and leaves open ones where they are.
 */
import https from 'node:https';
import net from 'node:net';
import { once } from 'node:events';

const POLL_MS = 1000;

interface Backend {
  readonly name: string;
  readonly port: number;
  ready: boolean;
  readonly links: Set<Link>;
  /** Connections that it broke while the client waited for its answer. */
  broken: number;
}

interface Link {
  readonly client: net.Socket;
  /** The client spoke last, or has just connected in order to: it waits for an answer. */
  waiting: boolean;
}

export class Balancer {
  readonly #backends: Backend[];
  readonly #server: net.Server;
  readonly #poll: NodeJS.Timeout;
  #turn = 0;

  private constructor(backends: readonly { readonly name: string; readonly port: number }[]) {
    this.#backends = backends.map(({ name, port }) => ({ name, port, ready: false, links: new Set(), broken: 0 }));
    this.#server = net.createServer((client) => this.#accept(client));
    this.#poll = setInterval(() => void this.look(), POLL_MS);
  }

  static async listen(
    port: number,
    backends: readonly { readonly name: string; readonly port: number }[],
  ): Promise<Balancer> {
    const balancer = new Balancer(backends);
    balancer.#server.listen(port, '127.0.0.1', 4096);
    await once(balancer.#server, 'listening');
    return balancer;
  }

  /** Looks at all backends now, not only at the next second. */
  async look(): Promise<void> {
    await Promise.all(
      this.#backends.map(async (backend) => {
        backend.ready = await isReady(backend.port);
      }),
    );
  }

  /** Names of the backends that get new connections. */
  get ready(): string[] {
    return this.#backends.filter(({ ready }) => ready).map(({ name }) => name);
  }

  /** How many connections a backend has broken, since the start, with a request in its hands. */
  brokenBy(name: string): number {
    return this.#backends.find((backend) => backend.name === name)?.broken ?? 0;
  }

  close(): void {
    clearInterval(this.#poll);
    this.#server.close();
    for (const { links } of this.#backends) for (const { client } of links) client.destroy();
  }

  #accept(client: net.Socket): void {
    client.on('error', () => {});
    const ready = this.#backends.filter((backend) => backend.ready);
    const first = this.#turn++;
    void this.#connect(
      client,
      ready.map((_, index) => ready[(first + index) % ready.length] as Backend),
    );
  }

  /** Connects to the first backend that takes the connection; if none does, the client sees a reset. */
  async #connect(client: net.Socket, candidates: readonly Backend[]): Promise<void> {
    for (const backend of candidates) {
      const upstream = net.connect({ port: backend.port, host: '127.0.0.1', noDelay: true });
      try {
        await once(upstream, 'connect');
      } catch {
        continue;
      }
      if (client.destroyed) upstream.destroy();
      else join(client, upstream, backend);
      return;
    }
    client.resetAndDestroy();
  }
}

/** A connection that is younger than this, in milliseconds, may have had no answer yet. */
const YOUNG = 1000;
/** For so long the client may still be sending after the backend has ended, because it has not heard of that; milliseconds. */
const CROSSING = 100;

function join(client: net.Socket, upstream: net.Socket, backend: Backend): void {
  const link: Link = { client, waiting: true };
  const openedAt = performance.now();
  let state: 'open' | 'ended' | 'settled' = 'open';
  const count = (): void => {
    state = 'settled';
    backend.broken += 1;
  };
  backend.links.add(link);
  client.setNoDelay(true);
  client.on('data', () => {
    // A request that crossed the end on its way: nobody is there to read it.
    if (state === 'ended') count();
    link.waiting = true;
  });
  upstream.on('data', () => (link.waiting = false));
  client.pipe(upstream);
  upstream.pipe(client);
  // Whichever comes first: with the end that the kernel of a killed process sends, the client goes before the upstream closes.
  const over = (): void => {
    if (state !== 'open') return;
    state = 'ended';
    // The tickets of TLS come after the first request and look like its answer.
    if (link.waiting || performance.now() - openedAt < YOUNG) count();
  };
  upstream.on('end', over);
  upstream.on('error', () => {
    over();
    client.resetAndDestroy();
  });
  const left = (): void => {
    state = 'settled';
    backend.links.delete(link);
    upstream.destroySoon();
  };
  client.on('error', left);
  client.on('close', left);
  upstream.on('close', () => {
    over();
    // It has been told of the end; the pipe into nothing has stopped reading from it.
    client.resume();
    setTimeout(() => client.destroy(), CROSSING);
  });
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = https.get(
      { port, host: '127.0.0.1', path: '/readyz', rejectUnauthorized: false, agent: false, timeout: POLL_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on('error', () => resolve(false));
    request.on('timeout', () => request.destroy());
  });
}
