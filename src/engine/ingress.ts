/** What is kept of an Ingress (networking/v1), and which part of it is for a host. */
import { speaksFor } from './certificate.ts';
import type { IngressFacts, IngressRule } from './related.ts';

/** Annotations by which controllers take certificates from their cloud instead of from Secrets. */
const CERTIFICATE_ANNOTATIONS = [
  'alb.ingress.kubernetes.io/certificate-arn',
  'networking.gke.io/managed-certificates',
  'networking.gke.io/certmap',
  'ingress.gcp.kubernetes.io/pre-shared-cert',
  'appgw.ingress.kubernetes.io/appgw-ssl-certificate',
];
/** Annotations by which cert-manager makes the Secrets that an Ingress names (ingress-shim). */
const ISSUER_ANNOTATIONS = ['cert-manager.io/issuer', 'cert-manager.io/cluster-issuer', 'kubernetes.io/tls-acme'];

interface Backend {
  readonly service?: { readonly name?: string } | null;
}
interface Rule {
  readonly host?: string | null;
  readonly http?: { readonly paths?: readonly { readonly backend?: Backend | null }[] | null } | null;
}
interface Tls {
  readonly hosts?: readonly string[] | null;
  readonly secretName?: string | null;
}

/** @throws TypeError on an object of another shape */
export function ingressFacts({ metadata, spec }: any): IngressFacts {
  const annotations: Readonly<Record<string, string>> = metadata.annotations ?? {};
  const named = ({ service }: Backend): string[] => (service?.name ? [service.name] : []);
  const rules: IngressRule[] = ((spec.rules ?? []) as Rule[]).map(({ host, http }) => ({
    host: host || undefined,
    services: (http?.paths ?? []).flatMap(({ backend }) => named(backend ?? {})),
  }));
  if (spec.defaultBackend) rules.push({ host: undefined, services: named(spec.defaultBackend) });
  return {
    name: metadata.name,
    rules,
    tls: ((spec.tls ?? []) as Tls[]).map(({ hosts, secretName }) => ({
      hosts: hosts ?? [],
      secret: secretName || undefined,
    })),
    certificateFrom: CERTIFICATE_ANNOTATIONS.find((annotation) => Boolean(annotations[annotation])),
    issued: ISSUER_ANNOTATIONS.some((annotation) => Boolean(annotations[annotation])),
  };
}

/** The hosts for which an Ingress sends to any of these Services, each once; undefined for all that are not named. */
export function hostsServed({ rules }: IngressFacts, services: ReadonlySet<string>): (string | undefined)[] {
  const ours = rules.filter((rule) => rule.services.some((name) => services.has(name)));
  return [...new Set(ours.map(({ host }) => host))];
}

/** The TLS settings of an Ingress for a host; undefined if it has none for it. */
export function tlsFor({ tls }: IngressFacts, host: string | undefined): IngressFacts['tls'][number] | undefined {
  // What names the host comes before what is for all.
  const named = host === undefined ? undefined : tls.find(({ hosts }) => hosts.some((name) => speaksFor(name, host)));
  return named ?? (host === undefined ? tls[0] : tls.find(({ hosts }) => hosts.length === 0));
}
