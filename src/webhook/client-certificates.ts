/** Client certificates, for API servers that are set up to show one (`--client-ca-file`). */
import type { TLSSocket } from 'node:tls';

/** Whose certificates are good. */
export class ClientTrust {
  /** PEM certificates of the authorities that sign them. */
  readonly authorities: string;
  readonly #names: ReadonlySet<string>;

  /** @param names - common names, one of which such a certificate must bear; empty: any that these authorities signed */
  constructor(authorities: string, names: readonly string[]) {
    this.authorities = authorities;
    this.#names = new Set(names);
  }

  /** Did the peer of a connection prove that it holds a good certificate? */
  vouchesFor(socket: TLSSocket): boolean {
    if (!socket.authorized) return false;
    if (this.#names.size === 0) return true;
    const commonName = socket.getPeerCertificate().subject?.CN;
    return typeof commonName === 'string' && this.#names.has(commonName);
  }
}
