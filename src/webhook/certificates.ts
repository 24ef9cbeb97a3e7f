/**
 * The webhook's own certificate authority and serving certificate, kept in one Secret that all replicas share. CA and
 * leaf are checked and renewed apart; what is there and good is used as it is.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { hasStatus, pathOf, type KubeClient } from '../kube/client.ts';
import type { Certificate } from './server.ts';

export interface CertificateOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly secretName: string;
  /** DNS names and IP addresses under which the API server calls the webhook. */
  readonly hosts: readonly string[];
}

/** What the Secret holds, as PEM texts. */
export interface ServingCertificate extends Certificate {
  /** CA certificates that the API server is to trust: the one that signed the leaf, and any older one still in use. */
  readonly caBundle: string;
  /** When the leaf expires; milliseconds since 1970. */
  readonly expires: number;
}

const DAY = 24 * 3600 * 1000;
const LIFETIME = { ca: 3650 * DAY, leaf: 90 * DAY };
/** Renewed when less than this is left. */
const RENEW_BEFORE = { ca: 365 * DAY, leaf: 30 * DAY };
/** Begins in the past, for clocks that are behind. */
const BACKDATED = 3600 * 1000;
const SECRETS = { group: '', version: 'v1', resource: 'secrets' };

interface SecretObject {
  readonly metadata: { readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Brings a serving certificate: the one in the Secret if it is good, else a new one that is stored there first.
 *
 * Several replicas may do so at once: the API server lets one of them write, the others take what it wrote.
 *
 * @throws ApiError if the Secret can be neither read nor written
 */
export async function ensureCertificate(options: CertificateOptions, now: number): Promise<ServingCertificate> {
  for (let attempt = 0; ; attempt++) {
    const present = await readSecret(options);
    const stored = textsOf(present);
    const usable = stored === undefined ? undefined : usableOf(stored, options.hosts, now);
    if (usable?.leaf !== undefined) return usable.leaf;
    try {
      const texts = await renew(usable?.ca, options.hosts, now);
      await writeSecret(options, present, texts);
      const made = usableOf(texts, options.hosts, now)?.leaf;
      if (made === undefined) throw new Error('a certificate that was just made is not usable; is the clock right?');
      return made;
    } catch (error) {
      // Another replica was faster: look at what it wrote.
      if (!hasStatus(error, 409) || attempt >= 5) throw error;
    }
  }
}

/** Milliseconds until a certificate should be looked at again. */
export function lookAgainIn({ expires }: ServingCertificate, now: number): number {
  return Math.min(Math.max(expires - RENEW_BEFORE.leaf - now, 60_000), DAY);
}

/** The Secret's entries, decoded. */
interface Texts {
  readonly 'ca.crt': string;
  readonly 'ca.key': string;
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
}

function textsOf(secret: SecretObject | undefined): Texts | undefined {
  const text = (key: keyof Texts): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  if (secret?.data === undefined) return undefined;
  return { 'ca.crt': text('ca.crt'), 'ca.key': text('ca.key'), 'tls.crt': text('tls.crt'), 'tls.key': text('tls.key') };
}

interface Usable {
  readonly ca: { readonly cert: string; readonly key: string } | undefined;
  readonly leaf: ServingCertificate | undefined;
}

/** What of stored texts is good for a while yet. */
function usableOf(texts: Texts, hosts: readonly string[], now: number): Usable {
  try {
    const ca = new X509Certificate(texts['ca.crt']);
    if (!lasts(ca, now, RENEW_BEFORE.ca) || !ca.checkPrivateKey(createPrivateKey(texts['ca.key']))) {
      return { ca: undefined, leaf: undefined };
    }
    return { ca: { cert: texts['ca.crt'], key: texts['ca.key'] }, leaf: usableLeaf(texts, ca, hosts, now) };
  } catch {
    // Not PEM, or not what it should be: as good as absent.
    return { ca: undefined, leaf: undefined };
  }
}

function usableLeaf(
  texts: Texts,
  ca: X509Certificate,
  hosts: readonly string[],
  now: number,
): ServingCertificate | undefined {
  try {
    const leaf = new X509Certificate(texts['tls.crt']);
    const good =
      lasts(leaf, now, RENEW_BEFORE.leaf) &&
      leaf.verify(ca.publicKey) &&
      leaf.checkPrivateKey(createPrivateKey(texts['tls.key'])) &&
      hosts.every((host) => leaf.checkHost(host) !== undefined || leaf.checkIP(host) !== undefined);
    if (!good) return undefined;
    return {
      cert: texts['tls.crt'],
      key: texts['tls.key'],
      caBundle: texts['ca.crt'],
      expires: Date.parse(leaf.validTo),
    };
  } catch {
    return undefined;
  }
}

function lasts(certificate: X509Certificate, now: number, least: number): boolean {
  return Date.parse(certificate.validFrom) <= now && Date.parse(certificate.validTo) - now > least;
}

async function readSecret({ client, namespace, secretName }: CertificateOptions): Promise<SecretObject | undefined> {
  try {
    return await client.request<SecretObject>('GET', pathOf(SECRETS, namespace, secretName));
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

async function writeSecret(
  { client, namespace, secretName }: CertificateOptions,
  present: SecretObject | undefined,
  texts: Texts,
): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: secretName,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'readiness-operator' },
      ...(present === undefined ? {} : { resourceVersion: present.metadata.resourceVersion }),
    },
    data,
  };
  if (present === undefined) await client.request('POST', pathOf(SECRETS, namespace), { body });
  else await client.request('PUT', pathOf(SECRETS, namespace, secretName), { body });
}

/** Makes what is missing: a leaf, and a CA where there is no good one. */
async function renew(ca: Usable['ca'], hosts: readonly string[], now: number): Promise<Texts> {
  // Loaded only here: most starts find a good certificate and never need it.
  const { issueAuthority, issueLeaf } = await import('./issue.ts');
  const notBefore = new Date(now - BACKDATED);
  const authority = ca ?? (await issueAuthority('readiness-operator', notBefore, new Date(now + LIFETIME.ca)));
  const leaf = await issueLeaf(authority, hosts, notBefore, new Date(now + LIFETIME.leaf));
  return { 'ca.crt': authority.cert, 'ca.key': authority.key, 'tls.crt': leaf.cert, 'tls.key': leaf.key };
}
