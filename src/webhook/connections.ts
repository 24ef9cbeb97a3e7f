/**
 * Bounds the connections of the webhook. Nobody has to prove who he is before he connects, so a limit that turns newcomers
 * away would let anyone in the cluster lock the API server out by holding connections. Instead the newcomer is let in and
 * the connection goes that has waited longest: first among those on which no request was ever answered, then among the
 * idle ones. One whose request is being judged never goes.
 */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export interface Connection {
  readonly socket: Socket;
  /** Requests that are being judged. */
  judging: number;
  /** A request was answered on it. */
  isProven: boolean;
  /** When it was opened or last answered on, in a count of such moments. */
  waitsSince: number;
}

export class Connections {
  readonly #most: number;
  readonly #open = new Set<Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  /** By peer, until the TLS handshake is done. */
  readonly #byPeer = new Map<string, Connection>();
  #moment = 0;

  /** @param most - connections, those in their handshake included */
  constructor(server: Server, most: number) {
    this.#most = most;
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('secureConnection', (socket) => {
      const connection = this.#byPeer.get(peerOf(socket));
      if (connection !== undefined) this.#bySocket.set(socket, connection);
    });
  }

  /** A request has come in whole and is judged from now on. @returns what `answered` is to be told */
  judging(socket: Socket): Connection | undefined {
    const connection = this.#bySocket.get(socket);
    if (connection !== undefined) connection.judging += 1;
    return connection;
  }

  answered(connection: Connection | undefined): void {
    if (connection === undefined) return;
    connection.judging -= 1;
    connection.isProven = true;
    connection.waitsSince = ++this.#moment;
  }

  #opened(socket: Socket): void {
    const connection: Connection = { socket, judging: 0, isProven: false, waitsSince: ++this.#moment };
    const peer = peerOf(socket);
    this.#open.add(connection);
    this.#byPeer.set(peer, connection);
    socket.once('close', () => {
      this.#open.delete(connection);
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
    });
    if (this.#open.size > this.#most) this.#longestWaiting(connection).socket.destroy();
  }

  /** Looked for only when there are too many: a request must not pay for keeping an order. */
  #longestWaiting(newcomer: Connection): Connection {
    let unproven: Connection | undefined;
    let idle: Connection | undefined;
    for (const connection of this.#open) {
      if (connection.judging > 0 || connection.socket.destroyed || connection === newcomer) continue;
      if (connection.isProven) idle = longerWaiting(idle, connection);
      else unproven = longerWaiting(unproven, connection);
    }
    return unproven ?? idle ?? newcomer;
  }
}

function longerWaiting(a: Connection | undefined, b: Connection): Connection {
  return a !== undefined && a.waitsSince < b.waitsSince ? a : b;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
