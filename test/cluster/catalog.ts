/** The programs that the test bed runs: which version, built from what, downloaded from where. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
  name: 'kubernetes' | 'etcd' | 'helm';
  /** The folder with go.mod and go.sum, absolute. */
  folder: string;
  /** The pinned version, such as `v1.37.2`: go.mod is the only place where it is written. */
  version: string;
  /** The oldest Go that can build it, such as `1.26.8` (go.mod's `go` line). */
  go: string;
  /** Changes with every file of the folder, so that a changed pin or a changed main.go is built anew. */
  fingerprint: string;
  /** The Go package to build. */
  package: string;
  /** Go variables to set at link time, so that the programs tell their version. */
  variables: Record<string, string>;
  programs: readonly ProgramName[];
  /** Where the official build of a program is. */
  remote: (program: ProgramName, platform: Platform) => RemoteFile;
}

interface Definition {
  /** The required module whose version is the module's. */
  requires: string;
  package: string;
  variables: (version: string) => Record<string, string>;
  programs: readonly ProgramName[];
  /** The environment variable that names a mirror. */
  mirror: string;
  official: string;
  remote: (base: string, version: string, program: ProgramName, platform: Platform) => RemoteFile;
}

const definitions: Record<Module['name'], Definition> = {
  kubernetes: {
    requires: 'k8s.io/kubernetes',
    package: '.',
    variables(version) {
      const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
      const at = 'k8s.io/component-base/version.';
      return { [`${at}gitVersion`]: version, [`${at}gitMajor`]: major, [`${at}gitMinor`]: minor };
    },
    programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
    mirror: 'READINESS_KUBERNETES_URL',
    official: 'https://dl.k8s.io/release',
    remote(base, version, program, { os, arch }) {
      const url = `${base}/${version}/bin/${os}/${arch}/${program}`;
      return { url, checksumUrl: `${url}.sha256` };
    },
  },
  etcd: {
    requires: 'go.etcd.io/etcd/server/v3',
    package: 'go.etcd.io/etcd/server/v3',
    variables: () => ({}),
    programs: ['etcd'],
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
  helm: {
    requires: 'helm.sh/helm/v4',
    package: 'helm.sh/helm/v4/cmd/helm',
    variables: (version) => ({ 'helm.sh/helm/v4/internal/version.version': version }),
    programs: ['helm'],
    mirror: 'READINESS_HELM_URL',
    official: 'https://get.helm.sh',
    remote(base, version, _program, { os, arch }) {
      const url = `${base}/helm-${version}-${os}-${arch}.tar.gz`;
      return { url, checksumUrl: `${url}.sha256sum`, member: `${os}-${arch}/helm` };
    },
  },
};

/**
 * The three pinned modules, read from their go.mod files.
 *
 * @throws Error if a go.mod does not say the version or the Go version
 */
export function modules(): Module[] {
  return (Object.keys(definitions) as Module['name'][]).map((name) => {
    const { requires, mirror, official, variables, remote, ...definition } = definitions[name];
    const folder = join(import.meta.dirname, 'binaries', name);
    const goMod = readFileSync(join(folder, 'go.mod'), 'utf8');
    const find = (what: string, pattern: RegExp): string => {
      const found = pattern.exec(goMod)?.[1];
      if (found === undefined) throw new Error(`${join(folder, 'go.mod')}: no ${what} in it`);
      return found;
    };
    const literal = requires.replaceAll('.', '\\.');
    const version = find(`version of ${requires}`, new RegExp(`^(?:require)?\\s*${literal} (v\\S+)`, 'm'));
    const base = (process.env[mirror] || official).replace(/\/+$/, '');
    return {
      ...definition,
      name,
      folder,
      version,
      go: find('go line', /^go (\S+)/m),
      fingerprint: fingerprint(folder),
      variables: variables(version),
      remote: (program, platform) => remote(base, version, program, platform),
    };
  });
}

/** The platform of this process. */
export function thisPlatform(): Platform {
  const arch: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return { os: process.platform, arch: arch[process.arch] ?? process.arch };
}

function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).toSorted()) hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 8);
}
