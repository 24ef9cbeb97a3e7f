/**
 * The Pod Security Standards (kubernetes.io/docs/concepts/security/pod-security-standards), control by control, by the
 * names that stand there; the allowed values are those of k8s.io/pod-security-admission v0.37, which enforces them.
 */
import type { Report } from './check.ts';
import { pathBelow, type Path } from './path.ts';
import { isWindows, type ContainerSpec, type PodSpec, type Probe } from './pod.ts';
import { PROBE_FIELDS } from './probes.ts';
import type { Container, Workload } from './workload.ts';

/** What a control looks at: the pod, the containers that are judged, and the securityContexts of both. */
interface ControlInput {
  readonly workload: Workload;
  readonly containers: readonly Container[];
  /** The pod's own first. Those that are left out are not there: most controls have nothing to say then. */
  readonly contexts: readonly Context[];
}

interface Context {
  readonly context: Partial<NonNullable<PodSpec['securityContext']> & NonNullable<ContainerSpec['securityContext']>>;
  readonly path: Path;
  /** Undefined: the pod's. */
  readonly container: Container | undefined;
}

/** Takes what a control finds. @param container - whose it is; undefined: the pod's */
type Find = (container: Container | undefined, path: Path, message: string, remediation?: string) => void;

type Control = (input: ControlInput, find: Find) => void;

/** Controls of the Baseline profile, by the standard's names. */
export const BASELINE: Readonly<Record<string, Control>> = {
  HostProcess({ contexts }, find) {
    for (const { context, path, container } of contexts) {
      if (context.windowsOptions?.hostProcess !== true) continue;
      find(container, pathBelow(path, ['windowsOptions', 'hostProcess']), 'runs as a process of the node');
    }
  },
  'Host Namespaces'({ workload: { pod, podPath } }, find) {
    for (const field of NAMESPACE_FIELDS) {
      if (pod[field] !== true) continue;
      find(undefined, pathBelow(podPath, [field]), "shares the node's namespace", `remove ${field}`);
    }
  },
  'Privileged Containers'({ contexts }, find) {
    for (const { context, path, container } of contexts) {
      if (container === undefined || context.privileged !== true) continue;
      find(container, pathBelow(path, ['privileged']), 'is privileged: it can do all that the node can');
    }
  },
  Capabilities({ contexts }, find) {
    for (const { context, path, container } of contexts) {
      if (container === undefined) continue;
      context.capabilities?.add?.forEach((name, index) => {
        if (BASELINE_CAPABILITIES.has(name)) return;
        find(container, pathBelow(path, ['capabilities', 'add', index]), `adds the capability ${name}`);
      });
    }
  },
  'HostPath Volumes'({ workload: { pod, podPath } }, find) {
    pod.volumes?.forEach((volume, index) => {
      if (!('hostPath' in volume) || !volume.hostPath) return;
      const message = `the volume ${volume.name} is a folder of the node`;
      find(undefined, pathBelow(podPath, ['volumes', index, 'hostPath']), message, 'use another kind of volume');
    });
  },
  'Host Ports'({ containers }, find) {
    for (const container of containers) {
      container.spec.ports?.forEach(({ hostPort }, index) => {
        if (!hostPort) return;
        const path = pathBelow(container.path, ['ports', index, 'hostPort']);
        find(container, path, `takes port ${hostPort} of the node`);
      });
    }
  },
  'Host Probes / Lifecycle Hooks'({ containers }, find) {
    for (const container of containers) {
      const { spec } = container;
      for (const field of PROBE_FIELDS) judgeHandler(container, [field], spec[field], find);
      if (!spec.lifecycle) continue;
      for (const hook of HOOKS) judgeHandler(container, ['lifecycle', hook], spec.lifecycle[hook], find);
    }
  },
  AppArmor({ workload, contexts }, find) {
    for (const { context, path, container } of contexts) {
      const type = context.appArmorProfile?.type ?? 'RuntimeDefault';
      if (OVERRIDES_OF_APPARMOR.has(type)) continue;
      find(container, pathBelow(path, ['appArmorProfile', 'type']), `is ${type}`);
    }
    for (const [key, value] of Object.entries(workload.template.metadata?.annotations ?? {})) {
      if (!key.startsWith(APPARMOR_ANNOTATION)) continue;
      if (value === '' || value === 'runtime/default' || value.startsWith('localhost/')) continue;
      const path = pathBelow(workload.kind.template, ['metadata', 'annotations', key]);
      find(undefined, path, `is ${value.slice(0, 100)}`);
    }
  },
  SELinux({ contexts }, find) {
    for (const field of SELINUX_FIELDS) {
      for (const { context, path, container } of contexts) {
        const value = context.seLinuxOptions?.[field] ?? '';
        if (value === '' || (field === 'type' && SELINUX_TYPES.has(value))) continue;
        find(container, pathBelow(path, ['seLinuxOptions', field]), `is ${value.slice(0, 100)}`);
      }
    }
  },
  '/proc Mount Type'({ workload: { pod }, contexts }, find) {
    // In a user namespace of its own, a pod may see what is masked otherwise.
    if (pod.hostUsers !== false) judgeProcMounts(contexts, find);
  },
  Seccomp({ contexts }, find) {
    for (const { context, path, container } of contexts) {
      if (context.seccompProfile?.type !== 'Unconfined') continue;
      find(container, pathBelow(path, ['seccompProfile', 'type']), 'is Unconfined: system calls are not filtered');
    }
  },
  Sysctls({ workload: { pod, podPath } }, find) {
    pod.securityContext?.sysctls?.forEach(({ name }, index) => {
      if (!name || SAFE_SYSCTLS.has(name)) return;
      const path = pathBelow(podPath, ['securityContext', 'sysctls', index, 'name']);
      find(undefined, path, `${name.slice(0, 100)} is not one of the safe sysctls`, 'remove it');
    });
  },
};

/** Controls of the Restricted profile beyond Baseline, by the standard's names. */
export const RESTRICTED: Readonly<Record<string, Control>> = {
  'Volume Types'({ workload: { pod, podPath } }, find) {
    pod.volumes?.forEach((volume, index) => {
      const kind = Object.entries(volume).find(([key, value]) => key !== 'name' && value !== null)?.[0];
      if (kind === undefined || VOLUME_TYPES.has(kind)) return;
      find(
        undefined,
        pathBelow(podPath, ['volumes', index, kind]),
        `the volume ${volume.name} is of type ${kind}`,
        'use a PersistentVolumeClaim, csi, emptyDir, projected, configMap, secret, downwardAPI, ephemeral or image',
      );
    });
  },
  'Privilege Escalation'({ workload, containers }, find) {
    if (isWindows(workload.pod)) return;
    for (const container of containers) {
      if (container.spec.securityContext?.allowPrivilegeEscalation === false) continue;
      find(
        container,
        pathBelow(container.path, ['securityContext', 'allowPrivilegeEscalation']),
        'may gain more privileges than its parent process',
        'set allowPrivilegeEscalation: false',
      );
    }
  },
  'Running as Non-root'({ workload: { pod, podPath }, containers }, find) {
    if (pod.hostUsers === false) return;
    const ofPod = pod.securityContext?.runAsNonRoot ?? undefined;
    const [message, remediation] = ['it may run as root', 'set runAsNonRoot: true'];
    if (ofPod === false) find(undefined, pathBelow(podPath, NON_ROOT), message, remediation);
    for (const container of containers) {
      const own = container.spec.securityContext?.runAsNonRoot ?? undefined;
      if (own === true || (own === undefined && ofPod !== undefined)) continue;
      find(container, pathBelow(container.path, NON_ROOT), message, remediation);
    }
  },
  'Running as Non-root user'({ workload: { pod }, contexts }, find) {
    if (pod.hostUsers === false) return;
    for (const { context, path, container } of contexts) {
      if (context.runAsUser !== 0) continue;
      find(container, pathBelow(path, ['runAsUser']), 'is 0: it runs as root', 'name a user above 0');
    }
  },
  Seccomp({ workload, containers }, find) {
    // Unconfined is Baseline's finding.
    if (isWindows(workload.pod) || workload.pod.securityContext?.seccompProfile?.type) return;
    for (const container of containers) {
      if (container.spec.securityContext?.seccompProfile?.type) continue;
      find(
        container,
        pathBelow(container.path, ['securityContext', 'seccompProfile']),
        'no seccomp profile',
        'set seccompProfile: {type: RuntimeDefault} in the securityContext of the pod',
      );
    }
  },
  Capabilities({ workload, containers }, find) {
    if (isWindows(workload.pod)) return;
    for (const container of containers) {
      const capabilities = container.spec.securityContext?.capabilities;
      const path = pathBelow(container.path, ['securityContext', 'capabilities']);
      if (capabilities?.drop?.includes('ALL') !== true) {
        find(container, path, 'keeps capabilities', 'set capabilities: {drop: [ALL]}');
      }
      capabilities?.add?.forEach((name, index) => {
        // What Baseline forbids is its finding.
        if (name === 'NET_BIND_SERVICE' || !BASELINE_CAPABILITIES.has(name)) return;
        find(container, pathBelow(path, ['add', index]), `adds the capability ${name}`);
      });
    }
  },
  '/proc Mount Type'({ workload: { pod }, contexts }, find) {
    if (pod.hostUsers === false) judgeProcMounts(contexts, find);
  },
};

function judgeHandler(container: Container, at: Path, handler: Handler, find: Find): void {
  if (!handler) return;
  for (const action of ACTIONS) {
    const host = handler[action]?.host;
    if (!host) continue;
    const path = pathBelow(container.path, [...at, action, 'host']);
    find(container, path, `connects from the node to ${host.slice(0, 100)}`);
  }
}

function judgeProcMounts(contexts: readonly Context[], find: Find): void {
  for (const { context, path, container } of contexts) {
    const mount = context.procMount ?? 'Default';
    if (container === undefined || mount === 'Default') continue;
    find(container, pathBelow(path, ['procMount']), `is ${mount}: /proc is not masked`);
  }
}

type Handler = Pick<Probe, 'httpGet' | 'tcpSocket'> | null | undefined;
const NON_ROOT: Path = ['securityContext', 'runAsNonRoot'];
const HOOKS = ['postStart', 'preStop'] as const;
const ACTIONS = ['httpGet', 'tcpSocket'] as const;
const NAMESPACE_FIELDS = ['hostNetwork', 'hostPID', 'hostIPC'] as const;

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

/** Runs controls: what they find is told with their names. */
export function judgeControls(
  controls: Controls,
  { workload, containers }: Omit<ControlInput, 'contexts'>,
  report: Report,
): void {
  const input = { workload, containers, contexts: contextsOf(workload, containers) };
  let name = '';
  let said = '';
  let message = '';
  const find: Find = (container, path, what, remediation) => {
    // Mostly the same for all containers: put together once.
    if (what !== said) [said, message] = [what, `${name}: ${what}`];
    report({ type: 'unmet', path, message, remediation, container: container?.name });
  };
  for (const [controlName, control] of controls) {
    [name, said] = [controlName, ''];
    control(input, find);
  }
}

function contextsOf({ pod, podPath }: Workload, containers: readonly Container[]): Context[] {
  const contexts: Context[] = [];
  if (pod.securityContext) {
    contexts.push({ context: pod.securityContext, path: [...podPath, 'securityContext'], container: undefined });
  }
  for (const container of containers) {
    const { securityContext } = container.spec;
    if (!securityContext) continue;
    contexts.push({ context: securityContext, path: [...container.path, 'securityContext'], container });
  }
  return contexts;
}
