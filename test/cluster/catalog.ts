/** The programs that the test bed runs: which version, built from what, downloaded from where. */
import { join } from 'node:path';
import { kubernetesFolders } from './kubernetes-versions.ts';
import { ModuleSource } from './module-source.ts';

export { SUPPORTED } from './kubernetes-versions.ts';

/** Every program that the test bed can provide. */
export const programNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
  'helm',
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'bridge',
  'loopback',
  'host-local',
  'coredns',
  'pause',
  'web',
] as const;
/** The name of a program of the test bed, as its file is called. */
export type ProgramName = (typeof programNames)[number];

/** A platform as Go and the download sites name it. */
export interface Platform {
  os: string;
  arch: string;
}

/** A file to download. */
export interface RemoteFile {
  url: string;
  /** A text with the SHA-256: the bare hash, or lines of `hash  file name`. */
  checksumUrl: string;
  /** Path of the program inside the archive; absent where the file is the program itself. */
  member?: string;
}

/** A pinned Go module below `binaries/` that provides one program or several. */
export interface Module {
  name: 'kubernetes' | 'etcd' | 'helm' | 'containerd' | 'cni' | 'coredns' | 'pods';
  /** The folder that Go takes for the module, absolute. */
  folder: string;
  /** Files that take the place of others, by the path of the other: of an older version, what differs from `folder`. */
  overlay: Readonly<Record<string, string>>;
  /** The pinned version, such as `v1.37.2`: go.mod is the only place where it is written. `own` where the source is ours. */
  version: string;
  /** The oldest Go that can build it, such as `1.26.8` (go.mod's `go` line). */
  go: string;
  /** Changes with every file of the module, so that a changed pin or a changed main.go is built anew. */
  fingerprint: string;
  /** The Go packages to build, by the name of the file that each becomes. */
  packages: Readonly<Record<string, string>>;
  /** Go variables to set at link time, so that the programs tell their version. */
  variables: Record<string, string>;
  programs: readonly ProgramName[];
  /** Where the official build of a program is; undefined: it is built in any case. */
  remote: ((program: ProgramName, platform: Platform) => RemoteFile) | undefined;
}

interface Definition {
  /** The folders of its {@link ModuleSource}, where it is not the one folder of its name. */
  folders?: () => [string, ...string[]];
  /** The required module whose version is the module's; absent where the source is ours. */
  requires?: string;
  packages: Readonly<Record<string, string>>;
  variables: (version: string) => Record<string, string>;
  programs: readonly ProgramName[];
  /** Absent where none is used: the program is built in any case. */
  release?: {
    /** The environment variable that names a mirror. */
    mirror: string;
    official: string;
    remote: (base: string, version: string, program: ProgramName, platform: Platform) => RemoteFile;
  };
}

const CONTAINERD = 'github.com/containerd/containerd/v2/cmd';
const CNI = 'github.com/containernetworking/plugins/plugins';

const definitions: Record<Module['name'], Definition> = {
  kubernetes: {
    folders: kubernetesFolders,
    requires: 'k8s.io/kubernetes',
    packages: { kubernetes: '.' },
    variables(version) {
      const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
      const at = 'k8s.io/component-base/version.';
      return { [`${at}gitVersion`]: version, [`${at}gitMajor`]: major, [`${at}gitMinor`]: minor };
    },
    programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
    release: {
      mirror: 'READINESS_KUBERNETES_URL',
      official: 'https://dl.k8s.io/release',
      remote(base, version, program, { os, arch }) {
        const url = `${base}/${version}/bin/${os}/${arch}/${program}`;
        return { url, checksumUrl: `${url}.sha256` };
      },
    },
  },
  etcd: {
    requires: 'go.etcd.io/etcd/server/v3',
    packages: { etcd: 'go.etcd.io/etcd/server/v3' },
    variables: () => ({}),
    programs: ['etcd'],
    release: {
      mirror: 'READINESS_ETCD_URL',
      official: 'https://github.com/etcd-io/etcd/releases/download',
      remote(base, version, _program, { os, arch }) {
        const folder = `etcd-${version}-${os}-${arch}`;
        return {
          url: `${base}/${version}/${folder}${os === 'linux' ? '.tar.gz' : '.zip'}`,
          checksumUrl: `${base}/${version}/SHA256SUMS`,
          member: `${folder}/etcd`,
        };
      },
    },
  },
  helm: {
    requires: 'helm.sh/helm/v4',
    packages: { helm: 'helm.sh/helm/v4/cmd/helm' },
    variables: (version) => ({ 'helm.sh/helm/v4/internal/version.version': version }),
    programs: ['helm'],
    release: {
      mirror: 'READINESS_HELM_URL',
      official: 'https://get.helm.sh',
      remote(base, version, _program, { os, arch }) {
        const url = `${base}/helm-${version}-${os}-${arch}.tar.gz`;
        return { url, checksumUrl: `${url}.sha256sum`, member: `${os}-${arch}/helm` };
      },
    },
  },
  containerd: {
    requires: 'github.com/containerd/containerd/v2',
    packages: {
      containerd: `${CONTAINERD}/containerd`,
      'containerd-shim-runc-v2': `${CONTAINERD}/containerd-shim-runc-v2`,
      ctr: `${CONTAINERD}/ctr`,
    },
    variables: (version) => ({ 'github.com/containerd/containerd/v2/version.Version': version }),
    programs: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  },
  cni: {
    requires: 'github.com/containernetworking/plugins',
    packages: {
      bridge: `${CNI}/main/bridge`,
      loopback: `${CNI}/main/loopback`,
      'host-local': `${CNI}/ipam/host-local`,
    },
    variables: () => ({}),
    programs: ['bridge', 'loopback', 'host-local'],
  },
  coredns: {
    requires: 'github.com/coredns/coredns',
    packages: { coredns: '.' },
    variables: () => ({}),
    programs: ['coredns'],
  },
  pods: {
    packages: { pause: './pause', web: './web' },
    variables: () => ({}),
    programs: ['pause', 'web'],
  },
};

/**
 * The pinned modules, read from their go.mod files; Kubernetes in the version of {@link kubernetesFolders}.
 *
 * @throws Error if a go.mod does not say the version or the Go version, or an unsupported Kubernetes is wanted
 */
export function modules(): Module[] {
  return (Object.keys(definitions) as Module['name'][]).map((name) => {
    const { folders, requires, release, variables, ...definition } = definitions[name];
    const source = new ModuleSource(folders?.() ?? [join(import.meta.dirname, 'binaries', name)]);
    const { folder, overlay, fingerprint, goMod } = source;
    const version = requires === undefined ? 'own' : goMod.versionOf(requires);
    const base = release && (process.env[release.mirror] || release.official).replace(/\/+$/, '');
    return {
      ...definition,
      name,
      folder,
      overlay,
      version,
      go: goMod.go,
      fingerprint,
      variables: variables(version),
      remote:
        release && base !== undefined
          ? (program, platform) => release.remote(base, version, program, platform)
          : undefined,
    };
  });
}

/** The platform of this process. */
export function thisPlatform(): Platform {
  const arch: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return { os: process.platform, arch: arch[process.arch] ?? process.arch };
}
