/** What becomes of a connection on which no request could be read. */
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** Node's codes for what it could not read, and the answers; for any other: 400. */
const ANSWERS: ReadonlyMap<string | undefined, string> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', '413 Payload Too Large'],
]);

/**
 * Answers as Node does by itself, but for a connection that was opened and not used when the time for a request is over:
 * that one stays, as long as an idle one does. Go's HTTP client, hence the API server, opens a connection for a request and
 * keeps it in reserve if another got free first. It would take our 408 for the answer to the next request that it sends,
 * and would not send that again, were the connection closed in that moment.
 *
 * @param idle - how long an unused connection stays from then on, in milliseconds
 */
export function answerClientErrors(server: Server, idle: number): void {
  server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
    const socket = stream as TLSSocket;
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) {
      // Node forgets a connection that it has reported, until something comes.
      socket.setTimeout(idle);
      return;
    }
    if (socket.writable) {
      socket.write(`HTTP/1.1 ${ANSWERS.get(error.code) ?? '400 Bad Request'}\r\nConnection: close\r\n\r\n`);
    }
    socket.destroy(error);
  });
}
