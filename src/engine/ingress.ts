/** What is kept of an Ingress (networking/v1), and which part of it is for a host. */
import { speaksFor } from './certificate.ts';
import type { IngressFacts, IngressRule } from './related.ts';

const isWritten = (value: string): boolean => value !== '';
const isTrue = (value: string): boolean => value === 'true';

/** Annotations by which controllers serve TLS without a Secret that the Ingress names, and the values with which they do. */
const TLS_ANNOTATIONS: ReadonlyMap<string, (value: string) => boolean> = new Map(
  Object.entries({
    'alb.ingress.kubernetes.io/certificate-arn': isWritten,
    // It finds a certificate by the host.
    'alb.ingress.kubernetes.io/listen-ports': (value: string) => value.includes('"HTTPS"'),
    'networking.gke.io/managed-certificates': isWritten,
    'networking.gke.io/certmap': isWritten,
    'ingress.gcp.kubernetes.io/pre-shared-cert': isWritten,
    'appgw.ingress.kubernetes.io/appgw-ssl-certificate': isWritten,
    'kubernetes.azure.com/tls-cert-keyvault-uri': isWritten,
    'traefik.ingress.kubernetes.io/router.tls': isTrue,
    'traefik.ingress.kubernetes.io/router.tls.certresolver': isWritten,
    'route.openshift.io/termination': (value: string) => ['edge', 'passthrough', 'reencrypt'].includes(value),
    // The pods themselves answer with TLS.
    'nginx.ingress.kubernetes.io/ssl-passthrough': isTrue,
    'haproxy.org/ssl-passthrough': isTrue,
    'haproxy-ingress.github.io/ssl-passthrough': isTrue,
    'ingress.kubernetes.io/ssl-passthrough': isTrue,
  }),
);
/** Classes whose controllers serve nothing without TLS. */
const TLS_CLASSES = new Set(['tailscale']);
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
    tlsBy: tlsBy(annotations, spec.ingressClassName),
    annotations: Object.keys(annotations).filter((name) => annotations[name] !== ''),
    issued: ISSUER_ANNOTATIONS.some((annotation) => Boolean(annotations[annotation])),
  };
}

function tlsBy(annotations: Readonly<Record<string, string>>, className: unknown): string | undefined {
  if (typeof className === 'string' && TLS_CLASSES.has(className)) return `ingressClassName ${className}`;
  return Object.keys(annotations).find((name) => TLS_ANNOTATIONS.get(name)?.(annotations[name] ?? ''));
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
