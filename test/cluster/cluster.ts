/** A real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager, without root or containers. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../support/until.ts';
import { ensureBinaries } from './binaries.ts';
import { Component, StartError } from './component.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { silent, type Log } from './log.ts';
import { Authority, serviceAccountKeys, type Certificate, type Identity } from './pki.ts';
import { freePort } from './ports.ts';
import { Supervisor, type RunOptions, type Supervised } from './supervised.ts';

export { Component, StartError } from './component.ts';
export type { Identity } from './pki.ts';
export type { RunOptions, Supervised } from './supervised.ts';

/** How often a component is started on another port because somebody took the one it was given. */
const PORT_DRAWS = 5;
/** How long one question to a component may take, in milliseconds. */
const ASK_MS = 2_000;
const LOOPBACK = '127.0.0.1';
const SERVICE_NETWORK = '10.96.0.0/16';

/** How to start a cluster; nothing has to be given. */
export interface ClusterOptions {
  /**
   * Folder for all state and logs: made if it is not there, must be empty, and stays when the cluster ends. Unless told, a
   * temporary folder, which goes with the cluster.
   */
  dir?: string;
  /** Where to tell of long steps, and of components that end by themselves. Nowhere unless told. */
  log?: Log;
  /** Loopback ports; free ones unless told. */
  ports?: { etcd?: number; apiServer?: number; controllerManager?: number };
  /** More flags for the components, after those of the test bed (a later flag wins). */
  flags?: { etcd?: readonly string[]; apiServer?: readonly string[]; controllerManager?: readonly string[] };
  /** Where to run, if not on loopback with a supervisor of its own; `dir` is the supervisor's folder then. */
  host?: Host;
}

/** A network that the components run in. */
export interface Host {
  readonly supervisor: Supervisor;
  /** The address that they listen on, reached from this process too. */
  readonly address: string;
  /** Addresses of services, such as `10.96.0.0/16`. */
  readonly serviceNetwork: string;
  /** Command that runs the command after it there. */
  readonly enter: readonly [string, ...string[]];
}

/** A cluster that runs. It ends with `stop`, or with the process that started it, however that ends. */
export interface Cluster {
  /** Folder with the state, the kubeconfig files and a log of each component. */
  readonly dir: string;
  /** The API server's URL, `https://127.0.0.1:port`. */
  readonly server: string;
  /** The certificate (PEM) that the API server's is checked against. */
  readonly authority: string;
  /** Path of the administrator's kubeconfig (group `system:masters`, to which everything is allowed). */
  readonly kubeconfig: string;
  readonly etcd: Component;
  readonly apiServer: Component;
  readonly controllerManager: Component;
  /** Writes a kubeconfig with a client certificate of that user and returns its path; the same one for the same identity. */
  kubeconfigFor(identity: Identity): Promise<string>;
  /**
   * Runs one more program that cannot outlive the cluster, such as the operator.
   *
   * @throws Error if it cannot be started
   */
  run(options: RunOptions): Promise<Supervised>;
  /** Ends all and resolves when no process is left (and no folder, if it was a temporary one). */
  stop(): Promise<void>;
  /**
   * Lets the cluster live on after this process.
   *
   * @returns the process id that a SIGTERM ends it by, with all that belongs to it
   */
  detach(): number;
}

/**
 * Starts a cluster and resolves when it is ready for use: the API server says so, the namespace `default` is there and
 * the controller-manager has made its service account. The programs are had from {@link ensureBinaries}.
 *
 * @throws StartError if a component does not come up, with the end of its log
 * @throws Error if a program cannot be had, or `dir` is not empty
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { log = silent } = options;
  const binaries = await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager'], { log });
  if (options.host) return await start(options.host.supervisor, binaries, options, log);
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'readiness-cluster-')) : resolve(options.dir);
  if (options.dir !== undefined) {
    await mkdir(dir, { recursive: true });
    if ((await readdir(dir)).length > 0) throw new Error(`${dir} must be empty: a cluster starts from nothing`);
  }
  const supervisor = new Supervisor(dir, { removeFolder: options.dir === undefined });
  try {
    return await start(supervisor, binaries, options, log);
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

async function start(
  supervisor: Supervisor,
  binaries: Record<'etcd' | 'kube-apiserver' | 'kube-controller-manager', string>,
  options: ClusterOptions,
  log: Log,
): Promise<Cluster> {
  const dir = supervisor.folder;
  const { ports = {}, flags = {}, host } = options;
  const address = host?.address ?? LOOPBACK;
  const serviceNetwork = host?.serviceNetwork ?? SERVICE_NETWORK;
  // Only what a program needs: a proxy of the harness would come between the API server and a webhook.
  const env = { PATH: process.env['PATH'] ?? '', HOME: dir, TMPDIR: dir };
  const launch = (name: keyof typeof binaries, port: number | undefined, plan: (port: number) => Plan) =>
    onFreePort(port, (chosen) => {
      const { args, serves } = plan(chosen);
      const [command, ...all] = [...(host?.enter ?? []), binaries[name], ...args];
      const run = { command, args: all, env, log: join(dir, `${name}.log`) };
      return new Component(supervisor, name, run, serves, log);
    });

  const pki = await createPki(dir, address, serviceNetwork);
  const etcd = await launch('etcd', ports.etcd, (port) => etcdPlan(pki, dir, address, port, flags.etcd));
  const apiServer = await launch('kube-apiserver', ports.apiServer, (port) =>
    apiServerPlan(pki, address, serviceNetwork, etcd.port, port, flags.apiServer),
  );
  const server = `https://${address}:${apiServer.port}`;
  const kubeconfig = join(dir, 'admin.kubeconfig');
  await writeKubeconfig(kubeconfig, server, pki.authority.certificate, pki.admin);
  await writeKubeconfig(pki.files.managerKubeconfig, server, pki.authority.certificate, pki.manager);
  // Not before the API server is ready: it would end.
  const controllerManager = await launch('kube-controller-manager', ports.controllerManager, (port) =>
    controllerManagerPlan(pki, address, port, flags.controllerManager),
  );
  await settled(server, pki);

  const components = [etcd.component, apiServer.component, controllerManager.component];
  const kubeconfigs = new Map<string, Promise<string>>();
  return {
    dir,
    server,
    authority: pki.authority.certificate,
    kubeconfig,
    etcd: etcd.component,
    apiServer: apiServer.component,
    controllerManager: controllerManager.component,
    kubeconfigFor(identity) {
      const id = createHash('sha256')
        .update(JSON.stringify([identity.user, identity.groups ?? []]))
        .digest('hex')
        .slice(0, 12);
      const file = join(dir, `user-${id}.kubeconfig`);
      const known = kubeconfigs.get(id);
      if (known) return known;
      const written = pki.authority
        .client(identity)
        .then((client) => writeKubeconfig(file, server, pki.authority.certificate, client))
        .then(() => file);
      kubeconfigs.set(id, written);
      return written;
    },
    run: (run) => supervisor.run(run),
    stop: () => {
      for (const component of components) component.dismiss();
      return supervisor.stop();
    },
    detach: () => supervisor.detach(),
  };
}

/** How a component is run on a given port, and how to tell that it serves. */
interface Plan {
  args: string[];
  serves: () => Promise<boolean>;
}

/** Starts a component on the wanted port, or on free ones until nobody is faster. */
async function onFreePort(
  wanted: number | undefined,
  make: (port: number) => Component,
): Promise<{ component: Component; port: number }> {
  for (let draw = 1; ; draw++) {
    const port = wanted ?? (await freePort());
    const component = make(port);
    try {
      await component.start();
      return { component, port };
    } catch (error) {
      if (!(error instanceof StartError && error.portTaken) || wanted !== undefined || draw === PORT_DRAWS) throw error;
    }
  }
}

/** What the components prove themselves with, and the files it is in. */
interface Pki {
  authority: Authority;
  admin: Certificate;
  manager: Certificate;
  files: Record<PkiFile, string>;
  dir: string;
}

type PkiFile =
  | 'authority'
  | 'authorityKey'
  | 'server'
  | 'serverKey'
  | 'admin'
  | 'adminKey'
  | 'etcdClient'
  | 'etcdClientKey'
  | 'proxyAuthority'
  | 'proxy'
  | 'proxyKey'
  | 'tokenKey'
  | 'tokenPublicKey'
  | 'managerKubeconfig';

async function createPki(root: string, address: string, serviceNetwork: string): Promise<Pki> {
  const dir = join(root, 'pki');
  await mkdir(dir, { mode: 0o700 });
  // Two, since whom the second one vouches for may speak for anybody.
  const authority = await Authority.create('readiness-test-ca');
  const proxyAuthority = await Authority.create('readiness-test-front-proxy-ca');
  const names = [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  const [server, etcdClient, proxy, admin, manager] = await Promise.all([
    authority.server('kube-apiserver', [...names, LOOPBACK, address, serviceNetwork.replace(/0\/.*/, '1')]),
    authority.client({ user: 'kube-apiserver-etcd-client' }),
    proxyAuthority.client({ user: 'front-proxy' }),
    authority.client({ user: 'admin', groups: ['system:masters'] }),
    authority.client({ user: 'system:kube-controller-manager' }),
  ]);
  const tokens = serviceAccountKeys();
  const write = async (name: string, text: string) => {
    const file = join(dir, name);
    await writeFile(file, text, { mode: 0o600 });
    return file;
  };
  const files = {
    authority: await write('ca.crt', authority.certificate),
    authorityKey: await write('ca.key', authority.key),
    server: await write('server.crt', server.certificate),
    serverKey: await write('server.key', server.key),
    admin: await write('admin.crt', admin.certificate),
    adminKey: await write('admin.key', admin.key),
    etcdClient: await write('etcd-client.crt', etcdClient.certificate),
    etcdClientKey: await write('etcd-client.key', etcdClient.key),
    proxyAuthority: await write('front-proxy-ca.crt', proxyAuthority.certificate),
    proxy: await write('front-proxy.crt', proxy.certificate),
    proxyKey: await write('front-proxy.key', proxy.key),
    tokenKey: await write('service-account.key', tokens.privateKey),
    tokenPublicKey: await write('service-account.pub', tokens.publicKey),
    managerKubeconfig: join(dir, 'kube-controller-manager.kubeconfig'),
  };
  return { authority, admin, manager, files, dir };
}

function etcdPlan(pki: Pki, dir: string, address: string, port: number, more: readonly string[] = []): Plan {
  const { files } = pki;
  const url = `https://${address}:${port}`;
  return {
    args: [
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      // With certificates, the etcd that answers is this one, even if another cluster was faster to take the port.
      `--cert-file=${files.server}`,
      `--key-file=${files.serverKey}`,
      `--trusted-ca-file=${files.authority}`,
      '--client-cert-auth',
      // It would call etcd with the server's certificate, which is none for clients.
      '--enable-grpc-gateway=false',
      // A member without peers: any port will do.
      '--listen-peer-urls=http://127.0.0.1:0',
      // What a power cut could lose is lost with the folder anyway. A killed etcd loses nothing by it.
      '--unsafe-no-fsync',
      '--log-level=warn',
      ...more,
    ],
    serves: async () => (await ask(`${url}/readyz`, pki)).status === 200,
  };
}

function apiServerPlan(
  pki: Pki,
  address: string,
  serviceNetwork: string,
  etcdPort: number,
  port: number,
  more: readonly string[] = [],
): Plan {
  const { files } = pki;
  return {
    args: [
      `--etcd-servers=https://${address}:${etcdPort}`,
      `--etcd-cafile=${files.authority}`,
      `--etcd-certfile=${files.etcdClient}`,
      `--etcd-keyfile=${files.etcdClientKey}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${port}`,
      // The service `kubernetes` would get a loopback address as its endpoint, which the API server itself forbids.
      '--endpoint-reconciler-type=none',
      `--service-cluster-ip-range=${serviceNetwork}`,
      `--cert-dir=${pki.dir}`,
      `--tls-cert-file=${files.server}`,
      `--tls-private-key-file=${files.serverKey}`,
      `--client-ca-file=${files.authority}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${files.tokenPublicKey}`,
      `--service-account-signing-key-file=${files.tokenKey}`,
      '--authorization-mode=Node,RBAC',
      // A kubelet asks back what this user may, for logs and exec.
      `--kubelet-client-certificate=${files.admin}`,
      `--kubelet-client-key=${files.adminKey}`,
      // A node's name resolves nowhere.
      '--kubelet-preferred-address-types=InternalIP',
      // Nothing is aggregated here, but without these the controller-manager waits for them in vain and fills its log.
      `--requestheader-client-ca-file=${files.proxyAuthority}`,
      '--requestheader-allowed-names=front-proxy',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${files.proxy}`,
      `--proxy-client-key-file=${files.proxyKey}`,
      // As installers of clusters set it: what a pod may is for admission to say.
      '--allow-privileged=true',
      '--profiling=false',
      // After a SIGTERM, watches are ended after a second; by default they hold up the end for a minute.
      '--shutdown-watch-termination-grace-period=1s',
      ...more,
    ],
    serves: async () => (await ask(`https://${address}:${port}/readyz`, pki)).status === 200,
  };
}

function controllerManagerPlan(pki: Pki, address: string, port: number, more: readonly string[] = []): Plan {
  const { files } = pki;
  return {
    args: [
      `--kubeconfig=${files.managerKubeconfig}`,
      `--authentication-kubeconfig=${files.managerKubeconfig}`,
      `--authorization-kubeconfig=${files.managerKubeconfig}`,
      // Each controller as a user of its own, as clusters have it: what a webhook sees of them depends on it.
      '--use-service-account-credentials',
      '--leader-elect=false',
      // By default its forty controllers wait in line for 20 requests a second, and a cluster needs 4 s more to come up.
      '--kube-api-qps=500',
      '--kube-api-burst=1000',
      `--bind-address=${address}`,
      `--secure-port=${port}`,
      `--tls-cert-file=${files.server}`,
      `--tls-private-key-file=${files.serverKey}`,
      `--cert-dir=${pki.dir}`,
      `--root-ca-file=${files.authority}`,
      `--service-account-private-key-file=${files.tokenKey}`,
      `--cluster-signing-cert-file=${files.authority}`,
      `--cluster-signing-key-file=${files.authorityKey}`,
      // Elsewhere it would look into, and complain about, a folder of the machine.
      `--flex-volume-plugin-dir=${join(pki.dir, 'flex')}`,
      '--profiling=false',
      ...more,
    ],
    serves: async () => (await ask(`https://${address}:${port}/healthz`, pki)).status === 200,
  };
}

/** Waits for what the components make after they serve, without which no pod can be created. */
async function settled(server: string, pki: Pki): Promise<void> {
  for (const path of ['/api/v1/namespaces/default', '/api/v1/namespaces/default/serviceaccounts/default']) {
    await until(`the cluster to have ${path}`, async () => {
      const { status, text } = await ask(server + path, pki);
      if (status === 200) return true;
      throw new Error(`${status} ${text}`);
    });
  }
}

/** A GET as administrator of a server with a certificate of this cluster; status 0 with the reason if there is no answer. */
function ask(url: string, { authority, admin }: Pki): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ status: 0, text: error.message });
    const identity = { ca: authority.certificate, cert: admin.certificate, key: admin.key };
    const request = https.get(url, { ...identity, agent: false, timeout: ASK_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', failed);
    });
    request.on('error', failed).on('timeout', () => request.destroy(new Error('no answer')));
  });
}
