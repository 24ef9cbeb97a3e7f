/** What is kept of a Secret's metadata: when its data changed, and whether a secrets manager makes it. Never a value. */
import { groupOf } from './kinds.ts';

/** Says of a Secret, in words for people, where its data comes from. */
export const SECRET_SOURCE_ANNOTATION = 'readiness-operator.dev/secret-source';

/**
 * The API groups of secrets managers whose objects own the Secrets that they make: External Secrets, Sealed Secrets,
 * cert-manager, Vault Secrets Operator, Secrets Store CSI driver, 1Password, Infisical, Doppler, SOPS.
 */
const OWNER_GROUPS = new Set([
  'external-secrets.io',
  'generators.external-secrets.io',
  'bitnami.com',
  'cert-manager.io',
  'secrets.hashicorp.com',
  'secrets-store.csi.x-k8s.io',
  'onepassword.com',
  'secrets.infisical.com',
  'secrets.doppler.com',
  'isindir.github.com',
]);

/**
 * Annotations and labels that secrets managers put on the Secrets that they make. The only ones that are looked at, and not
 * even they are kept: others can hold anything (kubectl's last-applied-configuration repeats the values).
 */
const SOURCE_MARKS = [
  SECRET_SOURCE_ANNOTATION,
  'cert-manager.io/certificate-name',
  'reconcile.external-secrets.io/managed',
  'secrets-store.csi.k8s.io/managed',
  'avp.kubernetes.io/path',
  'operator.1password.io/item-path',
  'vault.security.banzaicloud.io/vault-addr',
];

/** Kubernetes makes Secrets of this type itself. */
const TOKEN_TYPE = 'kubernetes.io/service-account-token';

/** The parts of a Secret's metadata that are looked at. */
export interface SecretMetadata {
  readonly name: string;
  readonly creationTimestamp?: string | null;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly ownerReferences?: readonly { readonly apiVersion: string }[] | null;
  readonly managedFields?:
    readonly { readonly time?: string; readonly fieldsV1?: Readonly<Record<string, object>> }[] | null;
}

/**
 * When a Secret's data changed last, at the latest: the newest time of a field manager that owns data, else its creation.
 * Any change by that manager renews it, so the data may be older.
 *
 * @returns milliseconds since 1970; undefined of what was never in a cluster
 */
export function changedAtOf({ managedFields, creationTimestamp }: SecretMetadata): number | undefined {
  const times = (managedFields ?? [])
    .filter(({ fieldsV1 }) => fieldsV1?.['f:data'] !== undefined)
    .map(({ time }) => Date.parse(time ?? ''))
    .filter((time) => !Number.isNaN(time));
  if (times.length > 0) return Math.max(...times);
  const created = Date.parse(creationTimestamp ?? '');
  return Number.isNaN(created) ? undefined : created;
}

/** Does a Secret say itself that a secrets manager, or Kubernetes, makes it? */
export function isManaged({ annotations, labels, ownerReferences }: SecretMetadata, type: string): boolean {
  return (
    type === TOKEN_TYPE ||
    (ownerReferences ?? []).some(({ apiVersion }) => OWNER_GROUPS.has(groupOf(apiVersion))) ||
    SOURCE_MARKS.some((mark) => Boolean(annotations?.[mark]) || Boolean(labels?.[mark]))
  );
}
