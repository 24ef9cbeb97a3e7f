/**
 * What checks may know of the objects around a workload: a read-only look-up whose answers are found, absent or unknown.
 *
 * Each related kind is looked up in a namespace by a key, namely the thing by which it and the workload find each other: a
 * Secret by its name, an autoscaler by its target, a LimitRange by its namespace alone. Informers index by both, and an
 * object's change re-judges just the workloads that asked for it.
 */
import { horizontalPodAutoscalerFacts, scaledObjectFacts } from './autoscalers.ts';
import { certificateFrom, type Certificate } from './certificate.ts';
import { configCredentialsOf, type ConfigCredentials } from './config-credentials.ts';
import { groupOf } from './kinds.ts';
import { ingressFacts } from './ingress.ts';
import { grantsOf, subjectKeysOf, type Grant } from './permissions.ts';
import { changedAtOf, isManaged } from './secret.ts';
import type { LabelSelector, Labels } from './selectors.ts';

export interface SecretFacts {
  readonly name: string;
  readonly type: string;
  /** Names of its keys; undefined where only its metadata was sent: then they are to be looked up as SecretKeys. */
  readonly keys: readonly string[] | undefined;
  /** When its data changed last, milliseconds since 1970 (`changedAtOf`). */
  readonly changedAt: number | undefined;
  /** It says itself that a secrets manager makes it (`isManaged`). */
  readonly managed: boolean;
}

/** The names of the keys in a Secret. Values are never kept. */
export interface SecretKeysFacts {
  /** The Secret's. */
  readonly name: string;
  readonly keys: readonly string[];
}

export interface ConfigMapFacts {
  readonly name: string;
  /** Keys of data and binaryData. */
  readonly keys: readonly string[];
  /** Found when it came in. Values are not kept. */
  readonly credentials: ConfigCredentials;
}

export interface ServiceAccountFacts {
  readonly name: string;
  readonly imagePullSecrets: readonly string[];
  /** Its pods get its token mounted unless they say otherwise themselves. */
  readonly mountsToken: boolean;
}

export interface VolumeClaimFacts {
  readonly name: string;
}

export interface LimitRangeFacts {
  readonly name: string;
  /** Defaults that it gives to containers that set nothing themselves, by resource name. */
  readonly defaultLimits: Labels;
  readonly defaultRequests: Labels;
  /** What it lets no container, or no pod as a whole, go beyond. */
  readonly constraints: readonly LimitRangeConstraint[];
}

/** Quantities by resource name. */
export interface LimitRangeConstraint {
  readonly type: 'Container' | 'Pod';
  readonly min: Labels;
  readonly max: Labels;
  readonly maxLimitRequestRatio: Labels;
}

export interface ResourceQuotaFacts {
  readonly name: string;
  /** The most that all pods it concerns may have together, by resource name: `limits.cpu`. */
  readonly hard: Labels;
  /** It concerns pods of which all of these are true; none: every pod of the namespace. */
  readonly scopes: readonly QuotaScope[];
}

/** What a ResourceQuota asks of a pod, as a requirement of a selector whose key is the scope's name. */
export interface QuotaScope {
  /** `BestEffort`, `PriorityClass` */
  readonly name: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/** A resource of which an autoscaler wants to know what share of the request is used. */
export interface ResourceNeed {
  /** `cpu`, `memory` */
  readonly resource: string;
  /** Name of the container; undefined: the pod as a whole. */
  readonly container: string | undefined;
}

/** A HorizontalPodAutoscaler or a KEDA ScaledObject. */
export interface AutoscalerFacts {
  readonly name: string;
  /** What it scales (`scaleTargetKey`); undefined: nothing. */
  readonly target: string | undefined;
  /** The least that it keeps while there is work; 0 where KEDA begins with 1. */
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Without work it leaves nothing running. */
  readonly scalesToZero: boolean;
  /** Name of the HorizontalPodAutoscaler that KEDA makes of it; undefined: it makes none. */
  readonly makes: string | undefined;
  readonly needs: readonly ResourceNeed[];
}

export interface DisruptionBudgetFacts {
  readonly name: string;
  /** Absent, it selects no pod; empty, all of the namespace (policy/v1). */
  readonly selector: LabelSelector | undefined;
  /** A number, or a percentage of the replicas. At most one of the two is set. */
  readonly minAvailable: string | number | undefined;
  readonly maxUnavailable: string | number | undefined;
}

export interface NetworkPolicyFacts {
  readonly name: string;
  readonly selector: LabelSelector;
  /** `Ingress`, `Egress`: the traffic that it restricts. */
  readonly directions: readonly string[];
}

export interface ServicePort {
  readonly name: string | undefined;
  readonly port: number;
  /** Number or name of the port of the pods. */
  readonly target: string | number;
  readonly protocol: string;
}

export interface ServiceFacts {
  readonly name: string;
  /** Undefined: it selects no pod, since it has no selector or is a mere name for something outside. */
  readonly selector: LabelSelector | undefined;
  /** Its name stands for the addresses of the pods themselves; target ports say nothing. */
  readonly headless: boolean;
  readonly ports: readonly ServicePort[];
  readonly labels: Labels;
  /** Its annotation asks for its pods to be scraped. */
  readonly scraped: boolean;
}

/** A ServiceMonitor, which selects Services, or a PodMonitor, which selects pods. */
export interface MonitorFacts {
  readonly name: string;
  readonly namespace: string;
  /** The namespaces that it looks at; undefined: all of them. */
  readonly targets: readonly string[] | undefined;
  readonly selector: LabelSelector;
  /** Names of the ports that it scrapes; undefined: it also takes ports by number, or any. */
  readonly ports: readonly string[] | undefined;
}

/** A PrometheusRule. */
export interface AlertRuleFacts {
  readonly name: string;
  readonly namespace: string;
  /** It holds at least one alert, beside rules that only record. */
  readonly alerts: boolean;
  /** The application that its labels name. */
  readonly application: string | undefined;
}

/** Something that is going to make a Secret. */
export interface SecretMakerFacts {
  readonly name: string;
  /** Names of the Secrets that it makes. */
  readonly secrets: readonly string[];
}

/** A Role or ClusterRole. */
export interface RoleFacts {
  readonly name: string;
  readonly grants: readonly Grant[];
}

/** A RoleBinding or ClusterRoleBinding. */
export interface BindingFacts {
  readonly name: string;
  /** Its own; empty for a ClusterRoleBinding. */
  readonly namespace: string;
  readonly role: { readonly kind: 'Role' | 'ClusterRole'; readonly name: string };
  /** Those of its subjects that are ServiceAccounts or groups of them (`subjectsOf`). */
  readonly subjects: readonly string[];
}

/** The certificate in a Secret of type kubernetes.io/tls: `tls.crt` alone is looked at. */
export interface ServingCertificateFacts {
  /** The Secret's. */
  readonly name: string;
  /** Undefined: the Secret holds none that can be read. */
  readonly certificate: Certificate | undefined;
}

/** Hosts that an Ingress serves, and where it sends their requests. */
export interface IngressRule {
  /** Undefined: every host that no other rule is for. */
  readonly host: string | undefined;
  /** Names of Services. */
  readonly services: readonly string[];
}

export interface IngressFacts {
  readonly name: string;
  readonly rules: readonly IngressRule[];
  /** No hosts: all of them. No Secret: the controller has a certificate of its own. */
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secret: string | undefined }[];
  /** What says that its controller serves TLS without a Secret that it names: an annotation, or its class. */
  readonly tlsBy: string | undefined;
  /** Names of the annotations that hold something. */
  readonly annotations: readonly string[];
  /** cert-manager is told to make the Secrets that it names. */
  readonly issued: boolean;
}

export interface RelatedFacts {
  Secret: SecretFacts;
  SecretKeys: SecretKeysFacts;
  ConfigMap: ConfigMapFacts;
  ServiceAccount: ServiceAccountFacts;
  PersistentVolumeClaim: VolumeClaimFacts;
  LimitRange: LimitRangeFacts;
  ResourceQuota: ResourceQuotaFacts;
  HorizontalPodAutoscaler: AutoscalerFacts;
  ScaledObject: AutoscalerFacts;
  PodDisruptionBudget: DisruptionBudgetFacts;
  NetworkPolicy: NetworkPolicyFacts;
  Service: ServiceFacts;
  ServiceMonitor: MonitorFacts;
  PodMonitor: MonitorFacts;
  PrometheusRule: AlertRuleFacts;
  ExternalSecret: SecretMakerFacts;
  SealedSecret: SecretMakerFacts;
  Certificate: SecretMakerFacts;
  VaultStaticSecret: SecretMakerFacts;
  VaultDynamicSecret: SecretMakerFacts;
  VaultPKISecret: SecretMakerFacts;
  SecretProviderClass: SecretMakerFacts;
  ServingCertificate: ServingCertificateFacts;
  Ingress: IngressFacts;
  Role: RoleFacts;
  ClusterRole: RoleFacts;
  RoleBinding: BindingFacts;
  ClusterRoleBinding: BindingFacts;
}

export type RelatedKindName = keyof RelatedFacts;

/**
 * - `found`: all objects under the key, at least one.
 * - `absent`: there is none; `notServed` if the cluster does not serve the kind at all.
 * - `unknown`: could not be found out, with the cause in words for a person; `live` if reading that very object from the
 *   API server could tell.
 */
export type Answer<T> =
  | { readonly state: 'found'; readonly values: readonly T[] }
  | { readonly state: 'absent'; readonly notServed?: true }
  | { readonly state: 'unknown'; readonly cause: string; readonly live?: true };

export interface Related {
  /**
   * Looks up the objects of a kind that are to be found there (`RELATED_KINDS[kind].placesOf`).
   *
   * @param namespace - WHOLE_CLUSTER for kinds that are found without regard to a namespace
   */
  find<K extends RelatedKindName>(kind: K, namespace: string, key: string): Answer<RelatedFacts[K]>;
}

/** The key of kinds that are looked up by their namespace alone. */
export const WHOLE_NAMESPACE = '';
/** In place of a namespace, for objects that have none, or that concern workloads of any. */
export const WHOLE_CLUSTER = '';

/** Where a look-up finds an object. */
export interface Place {
  readonly namespace: string;
  readonly key: string;
}

interface Served {
  readonly group: string;
  /** Versions that hold the fields read, newest first: the first one that the cluster serves is watched. */
  readonly versions: readonly string[];
  readonly resource: string;
  /** Not part of Kubernetes: its absence from a cluster is ordinary. */
  readonly optional?: true;
  /** It is a part of what is kept of objects of this kind, and read as they are. */
  readonly partOf?: RelatedKindName;
  /** The workload names it (a reference), rather than it the workload; so its key is its name, by which it can be read. */
  readonly named?: true;
}

/** A kind that checks may read: where it is served, what is kept of it, and by which key it is found. */
export interface RelatedKind<K extends RelatedKindName = RelatedKindName> extends Served {
  readonly kind: K;
  /** What is kept of an object; everything else is dropped at the door. Throws TypeError on an object of another shape. */
  read(object: any): RelatedFacts[K];
  /** Where it is found. @param namespace - its own */
  placesOf(facts: RelatedFacts[K], namespace: string): readonly Place[];
}

/** An item of a LimitRange's `spec.limits`. */
interface LimitRangeItem {
  readonly type: string;
  readonly default?: Labels | null;
  readonly defaultRequest?: Labels | null;
  readonly max?: Labels | null;
  readonly min?: Labels | null;
  readonly maxLimitRequestRatio?: Labels | null;
}

/** A requirement of a ResourceQuota's `spec.scopeSelector`. */
interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: QuotaScope['operator'];
  readonly values?: readonly string[] | null;
}

/** For what is found in its own namespace alone. */
function under<F>(keyOf: (facts: F) => string) {
  return (facts: F, namespace: string): Place[] => [{ namespace, key: keyOf(facts) }];
}

const byName = under((facts: { readonly name: string }) => facts.name);
const byTarget = ({ target }: AutoscalerFacts, namespace: string): Place[] =>
  target === undefined ? [] : [{ namespace, key: target }];
const bySecret = ({ secrets }: SecretMakerFacts, namespace: string): Place[] =>
  secrets.map((key) => ({ namespace, key }));
const bySubject = ({ subjects }: BindingFacts): Place[] => subjects.map((key) => ({ namespace: WHOLE_CLUSTER, key }));
const byNamespace = under(() => WHOLE_NAMESPACE);

/** Whether Prometheus is to scrape something, by the convention of its own example configuration. */
export const SCRAPE_ANNOTATION = 'prometheus.io/scrape';

/** The keys under which monitors are found in the whole cluster: the namespace that they look at, or this for all. */
export const ANY_NAMESPACE = '';

const byTargetNamespace = ({ targets = [ANY_NAMESPACE] }: MonitorFacts): Place[] =>
  targets.map((key) => ({ namespace: WHOLE_CLUSTER, key }));

/** The keys under which PrometheusRules are found in the whole cluster. */
export const RULES_FOR = {
  namespace: (name: string): string => `namespace/${name}`,
  application: (name: string): string => `application/${name}`,
} as const;

/** The application that labels name (kubernetes.io/docs/concepts/overview/working-with-objects/common-labels). */
export function applicationOf(labels: Labels): string | undefined {
  return labels['app.kubernetes.io/name'] ?? labels['app'];
}

/** What is read of a ServiceMonitor or PodMonitor (monitoring.coreos.com/v1). */
function readMonitor(
  { metadata, spec }: any,
  endpoints: readonly { readonly port?: string | null }[] | null | undefined,
): MonitorFacts {
  const ports = (endpoints ?? []).map(({ port }) => port);
  const named = ports.filter((port) => typeof port === 'string');
  const { any, matchNames } = spec.namespaceSelector ?? {};
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    targets: any === true ? undefined : matchNames?.length ? [...matchNames] : [metadata.namespace],
    selector: spec.selector ?? {},
    ports: named.length === ports.length ? named : undefined,
  };
}

const readRole = (object: any): RoleFacts => ({ name: object.metadata.name, grants: grantsOf(object.rules) });
const readBinding = (object: any, namespace: string): BindingFacts => ({
  name: object.metadata.name,
  namespace,
  role: { kind: object.roleRef.kind === 'Role' ? 'Role' : 'ClusterRole', name: object.roleRef.name },
  subjects: subjectKeysOf(object.subjects),
});

/** The kinds of the Vault Secrets Operator, which write what they fetch into a Secret. */
const VAULT = {
  group: 'secrets.hashicorp.com',
  versions: ['v1beta1'],
  optional: true,
  read: (object: any): SecretMakerFacts => ({
    name: object.metadata.name,
    secrets: [object.spec.destination.name],
  }),
  placesOf: bySecret,
} as const;

export const RELATED_KINDS: { readonly [K in RelatedKindName]: RelatedKind<K> } = {
  Secret: {
    kind: 'Secret',
    group: '',
    versions: ['v1'],
    resource: 'secrets',
    named: true,
    read: (object) => ({
      name: object.metadata.name,
      type: object.type ?? 'Opaque',
      keys: secretKeysOf(object),
      changedAt: changedAtOf(object.metadata),
      managed: isManaged(object.metadata, object.type ?? 'Opaque'),
    }),
    placesOf: byName,
  },
  SecretKeys: {
    kind: 'SecretKeys',
    group: '',
    versions: ['v1'],
    resource: 'secrets',
    partOf: 'Secret',
    named: true,
    read: (object) => ({ name: object.metadata.name, keys: secretKeysOf(object) }),
    placesOf: byName,
  },
  ConfigMap: {
    kind: 'ConfigMap',
    group: '',
    versions: ['v1'],
    resource: 'configmaps',
    named: true,
    read: (object) => ({
      name: object.metadata.name,
      keys: [...Object.keys(object.data ?? {}), ...Object.keys(object.binaryData ?? {})],
      credentials: configCredentialsOf(object.data),
    }),
    placesOf: byName,
  },
  ServiceAccount: {
    kind: 'ServiceAccount',
    group: '',
    versions: ['v1'],
    resource: 'serviceaccounts',
    named: true,
    read: (object) => ({
      name: object.metadata.name,
      imagePullSecrets: (object.imagePullSecrets ?? []).map((reference: { name?: string }) => reference.name ?? ''),
      mountsToken: object.automountServiceAccountToken !== false,
    }),
    placesOf: byName,
  },
  PersistentVolumeClaim: {
    kind: 'PersistentVolumeClaim',
    group: '',
    versions: ['v1'],
    resource: 'persistentvolumeclaims',
    named: true,
    read: (object) => ({ name: object.metadata.name }),
    placesOf: byName,
  },
  LimitRange: {
    kind: 'LimitRange',
    group: '',
    versions: ['v1'],
    resource: 'limitranges',
    read: (object) => {
      const items: readonly LimitRangeItem[] = (object.spec.limits ?? []).filter(
        ({ type }: LimitRangeItem) => type === 'Container' || type === 'Pod',
      );
      const forContainers = items.filter(({ type }) => type === 'Container');
      // As the API server fills in a LimitRange (SetDefaults_LimitRangeItem): max is the default limit, a default limit
      // the default request, and min the default request, each unless something nearer is given.
      return {
        name: object.metadata.name,
        defaultLimits: Object.assign({}, ...forContainers.map((limit) => ({ ...limit.max, ...limit.default }))),
        defaultRequests: Object.assign(
          {},
          ...forContainers.map((limit) => ({
            ...limit.min,
            ...limit.max,
            ...limit.default,
            ...limit.defaultRequest,
          })),
        ),
        constraints: items.map(({ type, min, max, maxLimitRequestRatio }) => ({
          type: type as LimitRangeConstraint['type'],
          min: min ?? {},
          max: max ?? {},
          maxLimitRequestRatio: maxLimitRequestRatio ?? {},
        })),
      };
    },
    placesOf: byNamespace,
  },
  ResourceQuota: {
    kind: 'ResourceQuota',
    group: '',
    versions: ['v1'],
    resource: 'resourcequotas',
    read: ({ metadata, spec }) => ({
      name: metadata.name,
      hard: { ...spec?.hard },
      scopes: [
        ...(spec?.scopes ?? []).map((name: string) => ({ name, operator: 'Exists', values: [] })),
        ...(spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName, operator, values }: ScopeRequirement) => ({
          name: scopeName,
          operator,
          values: [...(values ?? [])],
        })),
      ],
    }),
    placesOf: byNamespace,
  },
  HorizontalPodAutoscaler: {
    kind: 'HorizontalPodAutoscaler',
    group: 'autoscaling',
    versions: ['v2', 'v1'],
    resource: 'horizontalpodautoscalers',
    read: horizontalPodAutoscalerFacts,
    placesOf: byTarget,
  },
  ScaledObject: {
    kind: 'ScaledObject',
    group: 'keda.sh',
    versions: ['v1alpha1'],
    resource: 'scaledobjects',
    optional: true,
    read: scaledObjectFacts,
    placesOf: byTarget,
  },
  PodDisruptionBudget: {
    kind: 'PodDisruptionBudget',
    group: 'policy',
    versions: ['v1'],
    resource: 'poddisruptionbudgets',
    read: ({ metadata, spec }) => ({
      name: metadata.name,
      selector: spec.selector ?? undefined,
      minAvailable: spec.minAvailable ?? undefined,
      maxUnavailable: spec.maxUnavailable ?? undefined,
    }),
    placesOf: byNamespace,
  },
  NetworkPolicy: {
    kind: 'NetworkPolicy',
    group: 'networking.k8s.io',
    versions: ['v1'],
    resource: 'networkpolicies',
    read: ({ metadata, spec }) => ({
      name: metadata.name,
      selector: spec.podSelector ?? {},
      // As the API server fills them in (SetDefaults_NetworkPolicy).
      directions: spec.policyTypes?.length
        ? [...spec.policyTypes]
        : ['Ingress', ...(spec.egress?.length ? ['Egress'] : [])],
    }),
    placesOf: byNamespace,
  },
  Service: {
    kind: 'Service',
    group: '',
    versions: ['v1'],
    resource: 'services',
    read: ({ metadata, spec }) => ({
      name: metadata.name,
      selector:
        spec.type === 'ExternalName' || Object.keys(spec.selector ?? {}).length === 0
          ? undefined
          : { matchLabels: spec.selector },
      headless: spec.clusterIP === 'None',
      ports: (spec.ports ?? []).map((port: { [field: string]: any }) => ({
        name: port['name'] ?? undefined,
        port: port['port'],
        target: port['targetPort'] ?? port['port'],
        protocol: port['protocol'] ?? 'TCP',
      })),
      labels: metadata.labels ?? {},
      scraped: metadata.annotations?.[SCRAPE_ANNOTATION] === 'true',
    }),
    placesOf: byNamespace,
  },
  ServiceMonitor: {
    kind: 'ServiceMonitor',
    group: 'monitoring.coreos.com',
    versions: ['v1'],
    resource: 'servicemonitors',
    optional: true,
    read: (object) => readMonitor(object, object.spec.endpoints),
    placesOf: byTargetNamespace,
  },
  PodMonitor: {
    kind: 'PodMonitor',
    group: 'monitoring.coreos.com',
    versions: ['v1'],
    resource: 'podmonitors',
    optional: true,
    read: (object) => readMonitor(object, object.spec.podMetricsEndpoints),
    placesOf: byTargetNamespace,
  },
  PrometheusRule: {
    kind: 'PrometheusRule',
    group: 'monitoring.coreos.com',
    versions: ['v1'],
    resource: 'prometheusrules',
    optional: true,
    read: ({ metadata, spec }) => ({
      name: metadata.name,
      namespace: metadata.namespace,
      alerts: (spec.groups ?? []).some((group: { rules?: { alert?: string }[] | null }) =>
        group.rules?.some(({ alert }) => typeof alert === 'string'),
      ),
      application: applicationOf(metadata.labels ?? {}),
    }),
    placesOf: ({ alerts, namespace, application }) =>
      [
        ...(alerts ? [RULES_FOR.namespace(namespace)] : []),
        ...(alerts && application !== undefined ? [RULES_FOR.application(application)] : []),
      ].map((key) => ({ namespace: WHOLE_CLUSTER, key })),
  },
  ExternalSecret: {
    kind: 'ExternalSecret',
    group: 'external-secrets.io',
    versions: ['v1', 'v1beta1'],
    resource: 'externalsecrets',
    optional: true,
    read: (object) => ({
      name: object.metadata.name,
      secrets: [object.spec?.target?.name ?? object.metadata.name],
    }),
    placesOf: bySecret,
  },
  SealedSecret: {
    kind: 'SealedSecret',
    group: 'bitnami.com',
    versions: ['v1alpha1'],
    resource: 'sealedsecrets',
    optional: true,
    read: (object) => ({
      name: object.metadata.name,
      secrets: [object.spec?.template?.metadata?.name ?? object.metadata.name],
    }),
    placesOf: bySecret,
  },
  Certificate: {
    kind: 'Certificate',
    group: 'cert-manager.io',
    versions: ['v1'],
    resource: 'certificates',
    optional: true,
    read: (object) => ({ name: object.metadata.name, secrets: [object.spec.secretName] }),
    placesOf: bySecret,
  },
  VaultStaticSecret: { kind: 'VaultStaticSecret', resource: 'vaultstaticsecrets', ...VAULT },
  VaultDynamicSecret: { kind: 'VaultDynamicSecret', resource: 'vaultdynamicsecrets', ...VAULT },
  VaultPKISecret: { kind: 'VaultPKISecret', resource: 'vaultpkisecrets', ...VAULT },
  SecretProviderClass: {
    kind: 'SecretProviderClass',
    group: 'secrets-store.csi.x-k8s.io',
    versions: ['v1'],
    resource: 'secretproviderclasses',
    optional: true,
    // Those that it makes once a pod mounts it.
    read: (object) => ({
      name: object.metadata.name,
      secrets: (object.spec?.secretObjects ?? []).map(({ secretName }: { secretName: string }) => secretName),
    }),
    placesOf: bySecret,
  },
  ServingCertificate: {
    kind: 'ServingCertificate',
    group: '',
    versions: ['v1'],
    resource: 'secrets',
    partOf: 'Secret',
    named: true,
    read: ({ metadata, data, stringData }) => ({
      name: metadata.name,
      certificate: certificateFrom(stringData?.['tls.crt'] ?? textOf(data?.['tls.crt'])),
    }),
    placesOf: byName,
  },
  Ingress: {
    kind: 'Ingress',
    group: 'networking.k8s.io',
    versions: ['v1'],
    resource: 'ingresses',
    read: ingressFacts,
    // By the Services to which it sends.
    placesOf: ({ rules }, namespace) =>
      [...new Set(rules.flatMap(({ services }) => services))].map((key) => ({ namespace, key })),
  },
  Role: {
    kind: 'Role',
    group: 'rbac.authorization.k8s.io',
    versions: ['v1'],
    resource: 'roles',
    named: true,
    read: readRole,
    placesOf: byName,
  },
  ClusterRole: {
    kind: 'ClusterRole',
    group: 'rbac.authorization.k8s.io',
    versions: ['v1'],
    resource: 'clusterroles',
    named: true,
    read: readRole,
    placesOf: ({ name }) => [{ namespace: WHOLE_CLUSTER, key: name }],
  },
  RoleBinding: {
    kind: 'RoleBinding',
    group: 'rbac.authorization.k8s.io',
    versions: ['v1'],
    resource: 'rolebindings',
    read: (object) => readBinding(object, object.metadata.namespace ?? ''),
    placesOf: bySubject,
  },
  ClusterRoleBinding: {
    kind: 'ClusterRoleBinding',
    group: 'rbac.authorization.k8s.io',
    versions: ['v1'],
    resource: 'clusterrolebindings',
    read: (object) => readBinding(object, ''),
    placesOf: bySubject,
  },
};

/** The kinds whose objects make Secrets; one of them counts as the Secret being there. */
export const SECRET_MAKERS = [
  'ExternalSecret',
  'SealedSecret',
  'Certificate',
  'VaultStaticSecret',
  'VaultDynamicSecret',
  'VaultPKISecret',
  'SecretProviderClass',
] as const satisfies RelatedKindName[];

/** @param secret - as it is stored, or as a manifest has it */
function secretKeysOf({ data, stringData }: { data?: object | null; stringData?: object | null }): string[] {
  return [...new Set([...Object.keys(data ?? {}), ...Object.keys(stringData ?? {})])];
}

/** Base64 as it stands in a Secret's data. */
function textOf(base64: unknown): string {
  return typeof base64 === 'string' ? atob(base64) : '';
}

/** What is kept of the objects of a kind: nothing, or that of the kind itself and of those that are a part of it. */
export function relatedKindsOf(apiVersion: string, kind: string): readonly RelatedKind[] {
  const group = groupOf(apiVersion);
  return (Object.values(RELATED_KINDS) as RelatedKind[]).filter(
    (related) => related.group === group && (related.partOf ?? related.kind) === kind,
  );
}
