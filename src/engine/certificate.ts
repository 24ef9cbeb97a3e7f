/** What is kept of a serving certificate: for whom it speaks and how long. Its key is never looked at. */
import { X509Certificate } from 'node:crypto';

export interface Certificate {
  /** DNS names of its subjectAltName, in small letters. Other names do not count (RFC 6125, 6.4.4, as browsers read it). */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** A certificate of more names than this is read as if it had only the first ones. */
const MOST_HOSTS = 1000;
/** An entry of the text that Node makes of a subjectAltName: `DNS:a.example.com`; in quotes what could be misread. */
const NAME = /(?:, )?([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^,"]*)/gy;

/**
 * Reads the first certificate of a chain, which is the server's own.
 *
 * @param pem - PEM text
 * @returns undefined if there is none that can be read
 */
export function certificateFrom(pem: string): Certificate | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    return undefined;
  }
  const names = Array.from((certificate.subjectAltName ?? '').matchAll(NAME), ([, type, text = '']) => ({
    type,
    text,
  }));
  return {
    hosts: names
      .filter(({ type }) => type === 'DNS')
      .slice(0, MOST_HOSTS)
      .map(({ text }) => (text.startsWith('"') ? (JSON.parse(text) as string) : text).toLowerCase()),
    notAfter: Date.parse(certificate.validTo),
  };
}

/**
 * Does a name of a certificate speak for a host (RFC 6125, 6.4.3)? A `*` stands for one whole label, the leftmost, and
 * nothing else. A host that is itself such a pattern, as an Ingress may have, needs the very same.
 */
export function speaksFor(name: string, host: string): boolean {
  const [pattern, wanted] = [canonical(name), canonical(host)];
  if (pattern === wanted) return true;
  if (!pattern.startsWith('*.') || wanted.startsWith('*.')) return false;
  const dot = wanted.indexOf('.');
  return dot > 0 && wanted.slice(dot) === pattern.slice(1);
}

function canonical(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}
