/** A TCP proxy that breaks connections in the ways that networks do: cut, silent, slow. */
import net from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

interface Pair {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** Bytes go nowhere any more, in both directions, and neither side is told. */
  silent: boolean;
}

export class TcpProxy {
  readonly port: number;
  /** Milliseconds that bytes of each direction come late. */
  delay = 0;
  /** Connections accepted since the start. */
  accepted = 0;
  readonly #server: net.Server;
  readonly #pairs = new Set<Pair>();

  private constructor(server: net.Server, target: URL) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    server.on('connection', (client) => this.#connect(client, target));
  }

  /** Starts a proxy before a server on loopback. */
  static async start(target: string): Promise<TcpProxy> {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, new URL(target));
  }

  /** Breaks all connections, with a reset. New ones are accepted. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** From now on nothing passes on the connections that there are, and nobody is told. New ones are accepted and work. */
  silence(): void {
    for (const pair of this.#pairs) pair.silent = true;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #connect(client: net.Socket, target: URL): void {
    this.accepted += 1;
    const server = net.connect(Number(target.port), target.hostname);
    const pair: Pair = { client, server, silent: false };
    this.#pairs.add(pair);
    const pass = (from: net.Socket, to: net.Socket): void => {
      from.on('data', (chunk) => {
        const send = (): void => {
          if (!pair.silent && to.writable) to.write(chunk);
        };
        if (this.delay === 0) send();
        else setTimeout(send, this.delay);
      });
      from.on('end', () => {
        if (!pair.silent) to.end();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (pair.silent && from === server) return;
        this.#pairs.delete(pair);
        to.destroy();
      });
    };
    pass(client, server);
    pass(server, client);
  }
}
