/** Certificates to vary, as a Secret would hold them. */
import { bundleOf, authoritiesOf, read, type Content, type Texts } from '../../src/webhook/certificate-content.ts';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';
import type { CertifiedKey } from '../../src/webhook/server.ts';

export const HOSTS = ['readiness-operator.readiness-operator.svc', '127.0.0.1'];
export const DAY = 24 * 3600 * 1000;
/** A moment on a full second, because certificates know nothing smaller. */
export const NOW = Date.parse('2026-06-01T12:00:00Z');

/** Days from NOW, both. */
export function authority(from = -10, to = 3000): Promise<CertifiedKey> {
  return issueAuthority('test', new Date(NOW + from * DAY), new Date(NOW + to * DAY));
}

export function leafOf(by: CertifiedKey, from = -10, to = 60, hosts = HOSTS): Promise<CertifiedKey> {
  return issueLeaf(by, hosts, new Date(NOW + from * DAY), new Date(NOW + to * DAY));
}

/** @param authorities - of `ca.crt`; the key of the first is in `ca.key` */
export function textsOf(leaf: CertifiedKey | undefined, authorities: readonly CertifiedKey[], caKey = true): Texts {
  return {
    'tls.crt': leaf?.cert ?? '',
    'tls.key': leaf?.key ?? '',
    'ca.crt': bundleOf(authorities.flatMap(({ cert }) => authoritiesOf(cert))),
    'ca.key': caKey ? (authorities[0]?.key ?? '') : '',
  };
}

export function contentOf(...args: Parameters<typeof textsOf>): Content {
  return read(textsOf(...args));
}
