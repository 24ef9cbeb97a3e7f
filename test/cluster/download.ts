/** Official builds: is a site within reach, what must a file hash to, and the file itself. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RemoteFile } from './catalog.ts';

/** A machine without a network must find out within seconds: the limit for the first answer of a site, in milliseconds. */
const PROBE_MS = 3_000;
/** A download that brings nothing for this long, in milliseconds, has failed. */
const STALL_MS = 30_000;

/** The file cannot be had from there now; another source may do. */
export class Unavailable extends Error {}
/** The file came, and is not the one that was published. Nothing may use it, and nobody may overlook it. */
export class CorruptDownload extends Error {}

/**
 * The SHA-256 that a file must have, in lower-case hexadecimal.
 *
 * @throws Unavailable if the site does not answer within 3 s, does not have the file, or answers with something else
 */
export async function publishedChecksum(file: RemoteFile): Promise<string> {
  const text = await withProxy(async () => {
    const signal = AbortSignal.timeout(PROBE_MS);
    try {
      const response = await fetch(file.checksumUrl, { signal });
      if (!response.ok) throw new Unavailable(`${file.checksumUrl} answers ${response.status}`);
      return await response.text();
    } catch (error) {
      throw unavailable(file.checksumUrl, error, signal);
    }
  });
  const name = file.url.slice(file.url.lastIndexOf('/') + 1);
  for (const line of text.split('\n')) {
    const [hash = '', of = name] = line.trim().split(/\s+\*?/);
    // The name in a list may have a folder before it.
    if (/^[0-9a-f]{64}$/i.test(hash) && of.endsWith(name)) return hash.toLowerCase();
  }
  throw new Unavailable(`${file.checksumUrl} has no checksum of ${name}`);
}

/**
 * Downloads a file to `target` and checks it. The file at `target` is to be trusted only if this returns.
 *
 * @param report is told how far it is, such as `31 of 98 MB`
 * @throws Unavailable if the site does not deliver, CorruptDownload if what it delivers has another checksum
 */
export async function download(
  file: RemoteFile,
  checksum: string,
  target: string,
  report: (detail: string) => void,
): Promise<void> {
  const hash = createHash('sha256');
  await withProxy(async () => {
    const stalled = new AbortController();
    const timer = setTimeout(() => stalled.abort(new Error(`nothing came for ${STALL_MS / 1000} s`)), STALL_MS);
    try {
      const response = await fetch(file.url, { signal: stalled.signal });
      if (!response.ok || !response.body) throw new Unavailable(`${file.url} answers ${response.status}`);
      const total = Number(response.headers.get('content-length') ?? 0);
      let bytes = 0;
      const meter = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          timer.refresh();
          hash.update(chunk);
          bytes += chunk.length;
          report(`${megabytes(bytes)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`);
          done(null, chunk);
        },
      });
      await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(target, { mode: 0o755 }));
    } catch (error) {
      throw unavailable(file.url, error, stalled.signal);
    } finally {
      clearTimeout(timer);
    }
  });
  const actual = hash.digest('hex');
  if (actual !== checksum) {
    throw new CorruptDownload(
      `${file.url} was refused: its SHA-256 is ${actual}, but ${file.checksumUrl} says ${checksum}. ` +
        'Try again; to build the programs from source instead, set READINESS_DOWNLOAD=off.',
    );
  }
}

let proxied = 0;
let restore: (() => void) | undefined;

/**
 * Runs `work` with the proxy of HTTPS_PROXY and its like, which Node's fetch does not look at by itself. The setting is
 * the process's, so it is undone after the last user: a proxy has no business between a test and its API server.
 */
async function withProxy<T>(work: () => Promise<T>): Promise<T> {
  // Absent before Node 24.14.
  if (proxied++ === 0 && typeof http.setGlobalProxyFromEnv === 'function') restore = http.setGlobalProxyFromEnv();
  try {
    return await work();
  } finally {
    if (--proxied === 0) restore?.();
  }
}

function unavailable(url: string, error: unknown, signal: AbortSignal): Unavailable {
  if (error instanceof Unavailable) return error;
  const reason: unknown = signal.aborted ? signal.reason : error;
  const cause = reason instanceof Error && reason.cause instanceof Error ? reason.cause : reason;
  return new Unavailable(`${url} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
