/** Free loopback ports for servers that want to be told theirs. */
import { createServer } from 'node:net';

/**
 * Ports are drawn from here: below the ranges that Linux and macOS take the local ends of connections from (32768 and
 * 49152), so that no passing connection holds the port of a server that is down for a moment, in the middle of a test.
 */
const LOWEST = 20_000;
const HIGHEST = 29_999;
const DRAWS = 200;

/**
 * A TCP port on 127.0.0.1 that is free now. Somebody else can take it before it is used: be ready to draw again.
 *
 * @throws Error if there is hardly a free port on this machine
 */
export async function freePort(): Promise<number> {
  for (let draw = 0; draw < DRAWS; draw++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} on 127.0.0.1 in ${DRAWS} draws`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
