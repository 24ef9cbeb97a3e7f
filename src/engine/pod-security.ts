/**
 * The Pod Security Standards (kubernetes.io/docs/concepts/security/pod-security-standards), control by control, by the
 * names that stand there; the allowed values are those of k8s.io/pod-security-admission v0.37, which enforces them.
 */
import { unmetAt, type Outcome } from './check.ts';
import type { Path } from './path.ts';
import type { ContainerSpec, PodSpec, Probe } from './pod.ts';
import type { Container, Workload } from './workload.ts';

/** What a control looks at: the pod, and the containers that are judged. */
export interface ControlInput {
  readonly workload: Workload;
  readonly containers: readonly Container[];
}

type Control = (input: ControlInput) => Iterable<Outcome>;

/** Controls of the Baseline profile, by the standard's names. */
export const BASELINE: Readonly<Record<string, Control>> = {
  HostProcess: ({ workload, containers }) =>
    everywhere(workload, containers, ({ windowsOptions }) =>
      windowsOptions?.hostProcess === true
        ? { below: ['windowsOptions', 'hostProcess'], message: 'runs as a process of the node' }
        : undefined,
    ),
  *'Host Namespaces'({ workload: { pod, podPath } }) {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
      if (pod[field] === true) {
        yield {
          type: 'unmet',
          path: [...podPath, field],
          message: "shares the node's namespace",
          remediation: `remove ${field}`,
        };
      }
    }
  },
  'Privileged Containers': ({ containers }) =>
    inContainers(containers, ({ securityContext }) =>
      securityContext?.privileged === true
        ? { below: ['securityContext', 'privileged'], message: 'is privileged: it can do all that the node can' }
        : undefined,
    ),
  *Capabilities({ containers }) {
    for (const container of containers) {
      for (const [index, name] of (container.spec.securityContext?.capabilities?.add ?? []).entries()) {
        if (!BASELINE_CAPABILITIES.has(name)) {
          yield unmetAt(container, ['securityContext', 'capabilities', 'add', index], `adds the capability ${name}`);
        }
      }
    }
  },
  *'HostPath Volumes'({ workload }) {
    for (const [index, volume] of (workload.pod.volumes ?? []).entries()) {
      if ('hostPath' in volume && volume.hostPath) {
        yield {
          type: 'unmet',
          path: [...workload.podPath, 'volumes', index, 'hostPath'],
          message: `the volume ${volume.name} is a folder of the node`,
          remediation: 'use another kind of volume',
        };
      }
    }
  },
  *'Host Ports'({ containers }) {
    for (const container of containers) {
      for (const [index, { hostPort }] of (container.spec.ports ?? []).entries()) {
        if (hostPort) yield unmetAt(container, ['ports', index, 'hostPort'], `takes port ${hostPort} of the node`);
      }
    }
  },
  *'Host Probes / Lifecycle Hooks'({ containers }) {
    for (const container of containers) {
      for (const path of HANDLERS) {
        const [holder, hook] = path;
        const handler: Handler = holder === 'lifecycle' ? container.spec.lifecycle?.[hook] : container.spec[holder];
        if (!handler) continue;
        for (const action of ['httpGet', 'tcpSocket'] as const) {
          const host = handler[action]?.host;
          if (host)
            yield unmetAt(container, [...path, action, 'host'], `connects from the node to ${host.slice(0, 100)}`);
        }
      }
    }
  },
  *AppArmor({ workload, containers }) {
    yield* everywhere(workload, containers, ({ appArmorProfile }) =>
      OVERRIDES_OF_APPARMOR.has(appArmorProfile?.type ?? 'RuntimeDefault')
        ? undefined
        : { below: ['appArmorProfile', 'type'], message: `is ${String(appArmorProfile?.type)}` },
    );
    for (const [key, value] of Object.entries(workload.template.metadata?.annotations ?? {})) {
      if (!key.startsWith(APPARMOR_ANNOTATION)) continue;
      if (value === '' || value === 'runtime/default' || value.startsWith('localhost/')) continue;
      yield {
        type: 'unmet',
        path: [...workload.kind.template, 'metadata', 'annotations', key],
        message: `is ${value.slice(0, 100)}`,
      };
    }
  },
  SELinux: ({ workload, containers }) =>
    SELINUX_FIELDS.flatMap((field) =>
      everywhere(workload, containers, ({ seLinuxOptions }) => {
        const value = seLinuxOptions?.[field] ?? '';
        if (value === '' || (field === 'type' && SELINUX_TYPES.has(value))) return undefined;
        return { below: ['seLinuxOptions', field], message: `is ${value.slice(0, 100)}` };
      }),
    ),
  '/proc Mount Type': ({ workload: { pod }, containers }) =>
    // In a user namespace of its own, a pod may see what is masked otherwise.
    pod.hostUsers === false ? [] : inContainers(containers, unmaskedProc),
  Seccomp: ({ workload, containers }) =>
    everywhere(workload, containers, ({ seccompProfile }) =>
      seccompProfile?.type === 'Unconfined'
        ? { below: ['seccompProfile', 'type'], message: 'is Unconfined: system calls are not filtered' }
        : undefined,
    ),
  *Sysctls({ workload: { pod, podPath } }) {
    for (const [index, { name }] of (pod.securityContext?.sysctls ?? []).entries()) {
      if (name && !SAFE_SYSCTLS.has(name)) {
        yield {
          type: 'unmet',
          path: [...podPath, 'securityContext', 'sysctls', index, 'name'],
          message: `${name.slice(0, 100)} is not one of the safe sysctls`,
          remediation: 'remove it',
        };
      }
    }
  },
};

/** Controls of the Restricted profile beyond Baseline, by the standard's names. */
export const RESTRICTED: Readonly<Record<string, Control>> = {
  *'Volume Types'({ workload }) {
    for (const [index, volume] of (workload.pod.volumes ?? []).entries()) {
      const kind = Object.entries(volume).find(([key, value]) => key !== 'name' && value !== null)?.[0];
      if (kind === undefined || VOLUME_TYPES.has(kind)) continue;
      yield {
        type: 'unmet',
        path: [...workload.podPath, 'volumes', index, kind],
        message: `the volume ${volume.name} is of type ${kind}`,
        remediation:
          'use a PersistentVolumeClaim, csi, emptyDir, projected, configMap, secret, downwardAPI, ephemeral or image',
      };
    }
  },
  'Privilege Escalation': ({ workload, containers }) =>
    isWindows(workload)
      ? []
      : inContainers(containers, ({ securityContext }) =>
          securityContext?.allowPrivilegeEscalation === false
            ? undefined
            : {
                below: ['securityContext', 'allowPrivilegeEscalation'],
                message: 'may gain more privileges than its parent process',
                remediation: 'set allowPrivilegeEscalation: false',
              },
        ),
  *'Running as Non-root'({ workload, containers }) {
    const { pod, podPath } = workload;
    if (pod.hostUsers === false) return;
    const ofPod = pod.securityContext?.runAsNonRoot;
    if (ofPod === false) yield mayBeRoot([...podPath, 'securityContext', 'runAsNonRoot']);
    for (const container of containers) {
      const own = container.spec.securityContext?.runAsNonRoot;
      const path = [...container.path, 'securityContext', 'runAsNonRoot'];
      if (own === false || ((own === undefined || own === null) && (ofPod === undefined || ofPod === null))) {
        yield { ...mayBeRoot(path), container: container.name };
      }
    }
  },
  'Running as Non-root user': ({ workload, containers }) =>
    workload.pod.hostUsers === false
      ? []
      : everywhere(workload, containers, ({ runAsUser }) =>
          runAsUser === 0
            ? { below: ['runAsUser'], message: 'is 0: it runs as root', remediation: 'name a user above 0' }
            : undefined,
        ),
  *Seccomp({ workload, containers }) {
    if (isWindows(workload)) return;
    const ofPod = workload.pod.securityContext?.seccompProfile?.type ?? undefined;
    for (const container of containers) {
      const type = container.spec.securityContext?.seccompProfile?.type ?? ofPod;
      if (type === 'RuntimeDefault' || type === 'Localhost') continue;
      // Unconfined is Baseline's finding.
      if (type !== undefined) continue;
      yield unmetAt(
        container,
        ['securityContext', 'seccompProfile'],
        'no seccomp profile',
        'set seccompProfile: {type: RuntimeDefault} in the securityContext of the pod',
      );
    }
  },
  *Capabilities({ workload, containers }) {
    if (isWindows(workload)) return;
    for (const container of containers) {
      const capabilities = container.spec.securityContext?.capabilities;
      if (capabilities?.drop?.includes('ALL') !== true) {
        yield unmetAt(
          container,
          ['securityContext', 'capabilities'],
          'keeps capabilities',
          'set capabilities: {drop: [ALL]}',
        );
      }
      for (const [index, name] of (capabilities?.add ?? []).entries()) {
        // What Baseline forbids is its finding.
        if (name === 'NET_BIND_SERVICE' || !BASELINE_CAPABILITIES.has(name)) continue;
        yield unmetAt(container, ['securityContext', 'capabilities', 'add', index], `adds the capability ${name}`);
      }
    }
  },
  '/proc Mount Type': ({ workload: { pod }, containers }) =>
    pod.hostUsers === false ? inContainers(containers, unmaskedProc) : [],
};

/** What a control finds at a container or a securityContext. */
interface Fault {
  readonly below: Path;
  readonly message: string;
  readonly remediation?: string;
}

const NO_OUTCOMES: readonly Outcome[] = [];

function inContainers(
  containers: readonly Container[],
  judge: (spec: ContainerSpec) => Fault | undefined,
): readonly Outcome[] {
  let outcomes: Outcome[] | undefined;
  for (const container of containers) {
    const fault = judge(container.spec);
    if (fault !== undefined) (outcomes ??= []).push(unmetAt(container, fault.below, fault.message, fault.remediation));
  }
  return outcomes ?? NO_OUTCOMES;
}

type Contexts = NonNullable<PodSpec['securityContext']> & NonNullable<ContainerSpec['securityContext']>;

/** Judges the securityContext of the pod and of each container, where there is one. */
function everywhere(
  { pod, podPath }: Workload,
  containers: readonly Container[],
  judge: (context: Partial<Contexts>) => Fault | undefined,
): readonly Outcome[] {
  const fault = pod.securityContext ? judge(pod.securityContext) : undefined;
  const below = inContainers(containers, ({ securityContext }) => {
    const own = securityContext ? judge(securityContext) : undefined;
    return own === undefined ? undefined : { ...own, below: ['securityContext', ...own.below] };
  });
  if (fault === undefined) return below;
  const ofPod: Outcome = {
    type: 'unmet',
    path: [...podPath, 'securityContext', ...fault.below],
    message: fault.message,
    ...(fault.remediation === undefined ? {} : { remediation: fault.remediation }),
  };
  return [ofPod, ...below];
}

function mayBeRoot(path: Path): Outcome {
  return { type: 'unmet', path, message: 'it may run as root', remediation: 'set runAsNonRoot: true' };
}

function unmaskedProc({ securityContext }: ContainerSpec): Fault | undefined {
  const mount = securityContext?.procMount ?? 'Default';
  return mount === 'Default'
    ? undefined
    : { below: ['securityContext', 'procMount'], message: `is ${mount}: /proc is not masked` };
}

function isWindows({ pod }: Workload): boolean {
  return pod.os?.name === 'windows';
}

type Handler = Pick<Probe, 'httpGet' | 'tcpSocket'> | null | undefined;
/** Every probe and lifecycle hook of a container. */
const HANDLERS = [
  ['livenessProbe'],
  ['readinessProbe'],
  ['startupProbe'],
  ['lifecycle', 'postStart'],
  ['lifecycle', 'preStop'],
] as const;

const BASELINE_CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';
const OVERRIDES_OF_APPARMOR = new Set(['RuntimeDefault', 'Localhost']);
const SELINUX_FIELDS = ['type', 'user', 'role'] as const;
const SELINUX_TYPES = new Set(['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
  'net.ipv4.tcp_slow_start_after_idle',
  'net.ipv4.tcp_notsent_lowat',
]);
const VOLUME_TYPES = new Set([
  'configMap',
  'downwardAPI',
  'emptyDir',
  'projected',
  'secret',
  'csi',
  'persistentVolumeClaim',
  'ephemeral',
  'image',
]);

/** Controls by name, as a policy wants them judged. */
export type Controls = readonly (readonly [name: string, control: Control])[];

/** All controls of a profile less those that are allowed. */
export function controlsOf(profile: Readonly<Record<string, Control>>, allow: readonly string[] = []): Controls {
  return Object.entries(profile).filter(([name]) => !allow.includes(name));
}

/** Runs controls. */
export function* judgeControls(controls: Controls, input: ControlInput): Iterable<Outcome> {
  for (const [name, control] of controls) {
    for (const outcome of control(input)) {
      yield outcome.type === 'unmet' ? { ...outcome, message: `${name}: ${outcome.message}` } : outcome;
    }
  }
}
