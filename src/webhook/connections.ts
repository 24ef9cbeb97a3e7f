/**
 * Bounds the connections of the webhook. Nobody has to prove who he is before he connects, so a limit that turns newcomers
 * away would let anyone in the cluster lock the API server out by holding connections. Instead the newcomer is let in and
 * the connection goes that has waited longest: first among those on which no request was ever answered, then among the
 * idle ones. One whose request is being judged never goes.
 */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

interface Connection {
  readonly socket: Socket;
  /** Requests that are being judged. */
  judging: number;
  /** A request was answered on it. */
  isProven: boolean;
}

export class Connections {
  readonly #most: number;
  readonly #bySocket = new WeakMap<Socket, Connection>();
  /** By peer, until the TLS handshake is done. */
  readonly #byPeer = new Map<string, Connection>();
  /** Those that may go, longest waiting first. */
  readonly #unproven = new Set<Connection>();
  readonly #idle = new Set<Connection>();
  #open = 0;

  /** @param most - connections, those in their handshake included */
  constructor(server: Server, most: number) {
    this.#most = most;
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('secureConnection', (socket) => {
      const connection = this.#byPeer.get(peerOf(socket));
      if (connection !== undefined) this.#bySocket.set(socket, connection);
    });
  }

  get open(): number {
    return this.#open;
  }

  /** A request has come in whole and is judged from now on. @returns to be called when it is answered */
  judging(socket: Socket): () => void {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) return () => undefined;
    connection.judging += 1;
    this.#unproven.delete(connection);
    this.#idle.delete(connection);
    return () => {
      connection.judging -= 1;
      connection.isProven = true;
      if (connection.judging === 0 && !connection.socket.destroyed) this.#idle.add(connection);
    };
  }

  #opened(socket: Socket): void {
    const connection: Connection = { socket, judging: 0, isProven: false };
    const peer = peerOf(socket);
    this.#open += 1;
    this.#byPeer.set(peer, connection);
    this.#unproven.add(connection);
    socket.once('close', () => {
      this.#open -= 1;
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
      this.#unproven.delete(connection);
      this.#idle.delete(connection);
    });
    if (this.#open <= this.#most) return;
    const [longest = connection] = this.#unproven.size > 1 ? this.#unproven : this.#idle;
    this.#unproven.delete(longest);
    this.#idle.delete(longest);
    longest.socket.destroy();
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
