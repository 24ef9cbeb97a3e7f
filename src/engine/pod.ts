/**
 * The part of a pod template that checks read: its shape and, from the same source, its types. Field by field from the
 * Kubernetes API (core/v1 PodTemplateSpec); what no check reads is not named and may be anything.
 */
import { Type, type Static } from 'typebox';
import { ListOf, Maybe, StringMap, StringOrNumber } from './schema.ts';

const Integer = Type.Integer();
const Text = Type.String();
const Flag = Type.Boolean();

const KeyOfObject = Type.Object({ name: Maybe(Text), key: Maybe(Text), optional: Maybe(Flag) });
const ObjectName = Type.Object({ name: Maybe(Text), optional: Maybe(Flag) });
const LocalObject = Type.Object({ name: Maybe(Text) });
const KeyItems = ListOf(Type.Object({ key: Text }));

const EnvVar = Type.Object({
  name: Text,
  value: Maybe(Text),
  valueFrom: Maybe(Type.Object({ secretKeyRef: Maybe(KeyOfObject), configMapKeyRef: Maybe(KeyOfObject) })),
});

const EnvFrom = Type.Object({ secretRef: Maybe(ObjectName), configMapRef: Maybe(ObjectName) });

const HttpGet = Type.Object({
  host: Maybe(Text),
  path: Maybe(Text),
  port: Maybe(StringOrNumber),
  httpHeaders: ListOf(Type.Object({ name: Text, value: Maybe(Text) })),
});

const Exec = Maybe(Type.Object({ command: ListOf(Text) }));

const Probe = Type.Object({
  httpGet: Maybe(HttpGet),
  tcpSocket: Maybe(Type.Object({ host: Maybe(Text), port: Maybe(StringOrNumber) })),
  grpc: Maybe(Type.Object({ port: Maybe(Integer) })),
  exec: Exec,
  initialDelaySeconds: Maybe(Integer),
  periodSeconds: Maybe(Integer),
  timeoutSeconds: Maybe(Integer),
  failureThreshold: Maybe(Integer),
});

const Handler = Type.Object({
  httpGet: Maybe(HttpGet),
  tcpSocket: Maybe(Type.Object({ host: Maybe(Text) })),
  exec: Exec,
  sleep: Maybe(Type.Object({ seconds: Maybe(Integer) })),
});

const Profile = Maybe(Type.Object({ type: Maybe(Text) }));
const SeLinuxOptions = Maybe(Type.Object({ type: Maybe(Text), user: Maybe(Text), role: Maybe(Text) }));
const WindowsOptions = Maybe(Type.Object({ hostProcess: Maybe(Flag) }));

const SecurityContext = Type.Object({
  privileged: Maybe(Flag),
  allowPrivilegeEscalation: Maybe(Flag),
  readOnlyRootFilesystem: Maybe(Flag),
  runAsNonRoot: Maybe(Flag),
  runAsUser: Maybe(Integer),
  procMount: Maybe(Text),
  capabilities: Maybe(Type.Object({ add: ListOf(Text), drop: ListOf(Text) })),
  seccompProfile: Profile,
  appArmorProfile: Profile,
  seLinuxOptions: SeLinuxOptions,
  windowsOptions: WindowsOptions,
});

const PodSecurityContext = Type.Object({
  runAsNonRoot: Maybe(Flag),
  runAsUser: Maybe(Integer),
  seccompProfile: Profile,
  appArmorProfile: Profile,
  seLinuxOptions: SeLinuxOptions,
  windowsOptions: WindowsOptions,
  sysctls: ListOf(Type.Object({ name: Maybe(Text) })),
});

const Selector = Maybe(
  Type.Object({
    matchLabels: Maybe(StringMap),
    matchExpressions: ListOf(
      Type.Object({
        key: Text,
        operator: Type.Unsafe<'In' | 'NotIn' | 'Exists' | 'DoesNotExist'>({
          type: 'string',
          enum: ['In', 'NotIn', 'Exists', 'DoesNotExist'],
        }),
        values: ListOf(Text),
      }),
    ),
  }),
);

const AffinityTerm = Type.Object({
  topologyKey: Maybe(Text),
  labelSelector: Selector,
  namespaces: ListOf(Text),
  namespaceSelector: Selector,
});

const PodAffinity = Type.Object({
  requiredDuringSchedulingIgnoredDuringExecution: ListOf(AffinityTerm),
  preferredDuringSchedulingIgnoredDuringExecution: ListOf(Type.Object({ podAffinityTerm: Maybe(AffinityTerm) })),
});

const Quantities = Maybe(Type.Record(Text, StringOrNumber));
const Resources = Type.Object({ limits: Quantities, requests: Quantities });

const ContainerSpec = Type.Object({
  name: Text,
  image: Maybe(Text),
  command: ListOf(Text),
  args: ListOf(Text),
  env: ListOf(EnvVar),
  envFrom: ListOf(EnvFrom),
  ports: ListOf(
    Type.Object({
      name: Maybe(Text),
      containerPort: Maybe(Integer),
      hostPort: Maybe(Integer),
      protocol: Maybe(Text),
    }),
  ),
  resources: Maybe(Resources),
  livenessProbe: Maybe(Probe),
  readinessProbe: Maybe(Probe),
  startupProbe: Maybe(Probe),
  lifecycle: Maybe(Type.Object({ postStart: Maybe(Handler), preStop: Maybe(Handler) })),
  securityContext: Maybe(SecurityContext),
  restartPolicy: Maybe(Text),
});

const SecretRef = Maybe(Type.Object({ secretRef: Maybe(LocalObject) }));

const Volume = Type.Object({
  name: Text,
  secret: Maybe(Type.Object({ secretName: Maybe(Text), optional: Maybe(Flag), items: KeyItems })),
  configMap: Maybe(Type.Object({ name: Maybe(Text), optional: Maybe(Flag), items: KeyItems })),
  projected: Maybe(
    Type.Object({
      sources: ListOf(
        Type.Object({
          secret: Maybe(Type.Object({ name: Maybe(Text), optional: Maybe(Flag), items: KeyItems })),
          configMap: Maybe(Type.Object({ name: Maybe(Text), optional: Maybe(Flag), items: KeyItems })),
        }),
      ),
    }),
  ),
  csi: Maybe(Type.Object({ nodePublishSecretRef: Maybe(LocalObject), volumeAttributes: Maybe(StringMap) })),
  azureFile: Maybe(Type.Object({ secretName: Maybe(Text) })),
  cephfs: SecretRef,
  cinder: SecretRef,
  flexVolume: Maybe(Type.Object({ secretRef: Maybe(LocalObject), options: Maybe(StringMap) })),
  iscsi: SecretRef,
  rbd: SecretRef,
  scaleIO: SecretRef,
  storageos: SecretRef,
  image: Maybe(Type.Object({ reference: Maybe(Text) })),
  persistentVolumeClaim: Maybe(Type.Object({ claimName: Maybe(Text) })),
});

export const PodSpecSchema = Type.Object({
  restartPolicy: Maybe(Text),
  containers: ListOf(ContainerSpec),
  initContainers: ListOf(ContainerSpec),
  volumes: ListOf(Volume),
  imagePullSecrets: ListOf(LocalObject),
  serviceAccountName: Maybe(Text),
  serviceAccount: Maybe(Text),
  automountServiceAccountToken: Maybe(Flag),
  resources: Maybe(Resources),
  hostNetwork: Maybe(Flag),
  hostPID: Maybe(Flag),
  hostIPC: Maybe(Flag),
  hostUsers: Maybe(Flag),
  os: Maybe(Type.Object({ name: Maybe(Text) })),
  securityContext: Maybe(PodSecurityContext),
  terminationGracePeriodSeconds: Maybe(Integer),
  topologySpreadConstraints: ListOf(Type.Object({ topologyKey: Maybe(Text), labelSelector: Selector })),
  affinity: Maybe(Type.Object({ podAffinity: Maybe(PodAffinity), podAntiAffinity: Maybe(PodAffinity) })),
  activeDeadlineSeconds: Maybe(Integer),
  priorityClassName: Maybe(Text),
});

export const TemplateMetadataSchema = Type.Object({ labels: Maybe(StringMap), annotations: Maybe(StringMap) });

/** A pod template; for a plain Pod its own metadata and spec. */
export const PodTemplateSchema = Type.Object({ metadata: Maybe(TemplateMetadataSchema), spec: PodSpecSchema });

export type PodSpec = Static<typeof PodSpecSchema>;
export type PodTemplate = Static<typeof PodTemplateSchema>;
export type ContainerSpec = Static<typeof ContainerSpec>;
export type HttpGet = Static<typeof HttpGet>;
export type Probe = Static<typeof Probe>;
export type Volume = Static<typeof Volume>;
export type ResourceRequirements = Static<typeof Resources>;

/** Is a pod one for Windows nodes, for which the API server refuses fields that only Linux knows? */
export function isWindows({ os }: PodSpec): boolean {
  return os?.name === 'windows';
}
