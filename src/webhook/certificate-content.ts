/** What a Secret with a serving certificate holds, read and checked. Pure: no I/O, no clock of its own. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** Entries of such a Secret, decoded; the names are those of the type kubernetes.io/tls and of cert-manager. PEM texts. */
export interface Texts {
  /** The serving certificate, then any intermediate ones. */
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
  /** All certificate authorities to trust, the newest first. */
  readonly 'ca.crt': string;
  /** The key of the authority that signs; only in Secrets that the operator made. */
  readonly 'ca.key': string;
}

/** A certificate authority that is to be trusted. */
export interface Authority {
  /** Tells one certificate from any other: SHA-256 of its DER form. */
  readonly id: string;
  /** PEM. */
  readonly cert: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A serving certificate with its key. */
export interface Leaf {
  readonly id: string;
  /** PEM, intermediate certificates included. */
  readonly cert: string;
  readonly key: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Is it good for a DNS name or IP address? */
  readonly covers: (host: string) => boolean;
  /** Is it, or an intermediate certificate, signed by this authority? */
  readonly isFrom: (authority: Authority) => boolean;
}

/** What of a Secret can be used. */
export interface Content {
  readonly texts: Texts;
  readonly leaf: Leaf | undefined;
  /** Why there is no leaf, naming the entry; undefined if there is one. Never holds a value. */
  readonly flaw: string | undefined;
  readonly authorities: readonly Authority[];
  /** The authority that can sign: the key in `ca.key` is its own. */
  readonly signing: { readonly authority: Authority; readonly key: string } | undefined;
}

/** The parts of a Secret that are looked at. */
export interface SecretObject {
  readonly metadata: {
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>> | null;
}

/** Marks the Secrets that the operator made, and that it alone may write to. */
export const OWN_LABEL = { key: 'app.kubernetes.io/managed-by', value: 'readiness-operator' };
/** The annotation that asks for a rotation: Leaf, CA or Distrust. */
export const ROTATE_ANNOTATION = 'readiness-operator.dev/rotate';
/** cert-manager annotates the Secrets that it writes: https://cert-manager.io/docs/reference/annotations/ */
const CERT_MANAGER_ANNOTATION = 'cert-manager.io/certificate-name';

/** Did the operator make this Secret, and does nobody else write to it? */
export function isOwn({ metadata: { labels, annotations } }: SecretObject): boolean {
  return labels?.[OWN_LABEL.key] === OWN_LABEL.value && annotations?.[CERT_MANAGER_ANNOTATION] === undefined;
}

/** Reads a Secret. What can't be used counts as absent. */
export function contentOf(secret: SecretObject): Content {
  const text = (key: keyof Texts): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
  return read({
    'tls.crt': text('tls.crt'),
    'tls.key': text('tls.key'),
    'ca.crt': text('ca.crt'),
    'ca.key': text('ca.key'),
  });
}

/** The entries of a Secret's `data`. */
export function dataOf(texts: Texts): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
}

/** Reads the entries of a Secret. */
export function read(texts: Texts): Content {
  const given = authoritiesOf(texts['ca.crt']);
  const { leaf, flaw } = leafOf(texts);
  // Without ca.crt a self-signed certificate vouches for itself; any other is from an authority that everybody trusts.
  const authorities = given.length > 0 || leaf === undefined ? given : selfSigned(texts['tls.crt']);
  return { texts, leaf, flaw, authorities, signing: signingOf(texts['ca.key'], authorities) };
}

/** Makes one text of authorities, in their order. */
export function bundleOf(authorities: readonly Authority[]): string {
  return authorities.map(({ cert }) => cert).join('');
}

/** Reads a text of PEM certificates; what is no certificate is left out. */
export function authoritiesOf(pem: string): Authority[] {
  const seen = new Set<string>();
  return certificatesIn(pem).flatMap((certificate) => {
    const authority = authorityOf(certificate);
    if (seen.has(authority.id)) return [];
    seen.add(authority.id);
    return [authority];
  });
}

function leafOf(texts: Texts): { readonly leaf: Leaf | undefined; readonly flaw: string | undefined } {
  const unusable = (flaw: string): { leaf: undefined; flaw: string } => ({ leaf: undefined, flaw });
  for (const key of ['tls.crt', 'tls.key'] as const) if (texts[key] === '') return unusable(`${key} is missing`);
  const [first, ...intermediate] = certificatesIn(texts['tls.crt']);
  if (first === undefined) return unusable('tls.crt is no PEM certificate');
  let key;
  try {
    key = createPrivateKey(texts['tls.key']);
  } catch {
    return unusable('tls.key is no private key in PEM without a passphrase');
  }
  if (!first.checkPrivateKey(key)) return unusable('tls.key does not belong to tls.crt');
  const chain = [first, ...intermediate];
  const leaf: Leaf = {
    id: first.fingerprint256,
    cert: texts['tls.crt'],
    key: texts['tls.key'],
    ...spanOf(first),
    covers: (host) => (isIP(host) === 0 ? first.checkHost(host) : first.checkIP(host)) !== undefined,
    isFrom: ({ id, cert }) => {
      const authority = new X509Certificate(cert);
      return chain.some(
        (link) => link.fingerprint256 === id || (link.checkIssued(authority) && link.verify(authority.publicKey)),
      );
    },
  };
  return { leaf, flaw: undefined };
}

function selfSigned(pem: string): Authority[] {
  return certificatesIn(pem)
    .filter((certificate) => certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey))
    .map(authorityOf);
}

function signingOf(pem: string, authorities: readonly Authority[]): Content['signing'] {
  try {
    const key = createPrivateKey(pem);
    const authority = authorities.find(({ cert }) => new X509Certificate(cert).checkPrivateKey(key));
    return authority === undefined ? undefined : { authority, key: pem };
  } catch {
    return undefined;
  }
}

function certificatesIn(pem: string): X509Certificate[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)].flatMap(([text]) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      return [];
    }
  });
}

function authorityOf(certificate: X509Certificate): Authority {
  return { id: certificate.fingerprint256, cert: certificate.toString(), ...spanOf(certificate) };
}

function spanOf({ validFrom, validTo }: X509Certificate): { readonly notBefore: number; readonly notAfter: number } {
  return { notBefore: Date.parse(validFrom), notAfter: Date.parse(validTo) };
}
