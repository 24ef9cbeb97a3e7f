/** Keys and certificates of a test cluster. Nothing here is fit for anything that outlives a test run. */
// First, since @peculiar/x509 looks for it while it loads.
import 'reflect-metadata';
import { generateKeyPairSync, KeyObject, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** How long a certificate is good for, in milliseconds: longer than any test bed stays up. */
const VALID_MS = 30 * DAY_MS;
/** Certificates begin to be valid this much in the past, in milliseconds, so that no clock reads "not yet". */
const BACKDATED_MS = 3_600_000;

/** A certificate with its key, both PEM (the key PKCS #8). */
export interface Certificate {
  certificate: string;
  key: string;
}

/** A user as Kubernetes reads one from a client certificate. */
export interface Identity {
  /** The user name (the certificate's common name). */
  user: string;
  /** The groups (its organisations); none unless told. `system:authenticated` comes by itself. */
  groups?: readonly string[];
}

/** A certificate authority, P-256. */
export class Authority {
  /** The authority's certificate, PEM. */
  readonly certificate: string;
  /** The authority's key, PEM (PKCS #8). */
  readonly key: string;
  readonly #subject: string;
  readonly #signingKey: CryptoKey;
  readonly #keyId: x509.AuthorityKeyIdentifierExtension;

  private constructor(
    own: Certificate,
    subject: string,
    signingKey: CryptoKey,
    keyId: x509.AuthorityKeyIdentifierExtension,
  ) {
    this.certificate = own.certificate;
    this.key = own.key;
    this.#subject = subject;
    this.#signingKey = signingKey;
    this.#keyId = keyId;
  }

  /** Makes an authority with a fresh key; `name` is its common name. */
  static async create(name: string): Promise<Authority> {
    const keys = await newKeys();
    const made = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [name] }],
      keys,
      signingAlgorithm: ALGORITHM,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const keyId = await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey);
    return new Authority({ certificate: made.toString('pem'), key: pem(keys) }, made.subject, keys.privateKey, keyId);
  }

  /**
   * Issues a certificate for a server.
   *
   * @param name its common name
   * @param hosts the DNS names and IP addresses that it is reached by
   */
  server(name: string, hosts: readonly string[]): Promise<Certificate> {
    const names = hosts.map((value) => ({
      type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const),
      value,
    }));
    return this.#issue([{ CN: [name] }], x509.ExtendedKeyUsage.serverAuth, [
      new x509.SubjectAlternativeNameExtension(names),
    ]);
  }

  /** Issues a client certificate by which the API server knows a user. */
  client({ user, groups = [] }: Identity): Promise<Certificate> {
    return this.#issue(
      [...groups.map((group) => ({ O: [group] })), { CN: [user] }],
      x509.ExtendedKeyUsage.clientAuth,
      [],
    );
  }

  async #issue(subject: x509.JsonName, usage: x509.ExtendedKeyUsage, more: x509.Extension[]): Promise<Certificate> {
    const keys = await newKeys();
    const made = await x509.X509CertificateGenerator.create({
      subject,
      issuer: this.#subject,
      publicKey: keys.publicKey,
      signingKey: this.#signingKey,
      signingAlgorithm: ALGORITHM,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        this.#keyId,
        ...more,
      ],
    });
    return { certificate: made.toString('pem'), key: pem(keys) };
  }
}

/** A key pair that signs service account tokens and checks them, both halves PEM. */
export function serviceAccountKeys(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pem(keys: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATED_MS), notAfter: new Date(now + VALID_MS) };
}
