/**
 * A whole Kubernetes node without a container engine, an image registry or a change to the machine: the control plane of
 * cluster.ts, containerd, kubelet, kube-scheduler, kube-proxy and CoreDNS in namespaces of their own. Linux, as root.
 *
 * The node's first process holds all: when it ends, the kernel ends every process, mount, link and rule of the node. It
 * ends with the supervisor, and the supervisor with the process that started the node. Cgroups are removed at the end
 * (remains.ts). Nothing leaves the node's network: it has no default route.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { ensureBinaries, programNames } from './binaries.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { Component } from './component.ts';
import { kubectl } from './kubectl.ts';
import { silent, type Log } from './log.ts';
import { until } from '../support/until.ts';
import { writeImage } from './oci.ts';
import {
  CGROUP,
  cgroupRoots,
  INFO,
  lastNode,
  LINK,
  LOCK,
  LOCKED,
  nodeRuns,
  removeRemains,
  type Running,
} from './remains.ts';
import { isOnPath } from './shell.ts';
import { Supervisor } from './supervised.ts';

const execFileAsync = promisify(execFile);

/** The node's name. */
export const NODE_NAME = 'node-1';
/** A workload that says on port 8080 that it is ready (binaries/pods/web). */
export const WEB_IMAGE = 'readiness-operator.invalid/web:1.0.0';
const PAUSE_IMAGE = 'readiness-operator.invalid/pause:1.0.0';
/** What the machine must have, by the Debian package that brings it. */
const TOOLS = {
  nftables: ['nft'],
  runc: ['runc'],
  iproute2: ['ip'],
  'util-linux': ['unshare', 'nsenter', 'setpriv', 'flock'],
  mount: ['mount'],
};
/** Global settings that a kubelet wants: it is shown these, and the machine's stay as they are. */
const SYSCTLS = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** How to start a node; nothing has to be given. */
export interface NodeOptions {
  /** Where to tell of long steps. Nowhere unless told. */
  log?: Log;
  /** First three bytes of the network between machine and node; the node is `.1`, the machine `.2`. */
  network?: string;
  /** Addresses of services, a `/16`. */
  serviceNetwork?: string;
  /** Addresses of pods. */
  podNetwork?: string;
}

/** A node that runs, and its cluster. It ends with `stop`, or with the process that started it, however that ends. */
export interface KubernetesNode extends Cluster {
  /** Makes the images of an OCI archive known to the node. */
  loadImages(archive: string): Promise<void>;
  /** Runs a command in the node's namespaces and returns what it printed. */
  inside(command: string, ...args: string[]): Promise<string>;
}

/**
 * Starts a node and resolves when it is Ready and resolves the names of services.
 *
 * @throws Error if this is not Linux with root, tools are missing (with what installs them), another node runs, or an
 *   address is taken
 * @throws StartError if a component does not come up
 */
export async function startNode(options: NodeOptions = {}): Promise<KubernetesNode> {
  const { log = silent, network = '10.77.0', serviceNetwork = '10.96.0.0/16', podNetwork = '10.244.0.0/24' } = options;
  await checkMachine();
  const programs = await ensureBinaries(
    programNames.filter((name) => name !== 'helm'),
    { log },
  );
  if (nodeRuns()) throw occupied();
  await removeRemains();
  await checkAddresses([`${network}.0/24`, serviceNetwork, podNetwork]);
  const dir = await mkdtemp(join(tmpdir(), 'readiness-node-'));
  const supervisor = new Supervisor(dir, { removeFolder: true });
  try {
    supervisor.atEnd(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'remains.ts'),
    ]);
    const running: Running = { pid: supervisor.pid ?? 0, dir, kubeconfig: join(dir, 'admin.kubeconfig') };
    const first = await firstProcess(supervisor, programs.pause);
    await writeFile(INFO, JSON.stringify(running), { mode: 0o600 });
    const enter = ['nsenter', '-t', String(first), '-m', '-p', '-n', '-i', '-u', '--'];
    const inside = async (command: string, ...args: string[]) => {
      const env = { ...process.env, PATH: [dirname(programs.ctr), process.env['PATH']].join(delimiter) };
      const [program = '', ...all] = [...enter, command, ...args];
      return (await execFileAsync(program, all, { env, maxBuffer: 1e8 })).stdout;
    };
    await prepareMounts(dir, inside);
    await prepareGroups();
    await prepareNetwork(first, network, serviceNetwork, podNetwork, inside);
    const archives = await nodeImages(dir, programs);

    const env = {
      PATH: [dirname(programs.containerd), process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter),
      HOME: dir,
      TMPDIR: dir,
    };
    const component = (
      name: keyof typeof programs,
      place: readonly string[],
      args: readonly string[],
      serves: () => Promise<boolean>,
    ) => {
      const [command = '', ...all] = [...place, programs[name], ...args];
      return new Component(supervisor, name, { command, args: all, env, log: join(dir, `${name}.log`) }, serves, log);
    };
    const dying = ['setpriv', '--pdeathsig', 'KILL'] as const;
    const netOnly = [...dying, 'nsenter', `--net=/proc/${first}/ns/net`, '--'] as const;
    const whole = [...dying, ...enter, ...dying];
    const address = `${network}.1`;
    const works = (work: () => Promise<unknown>) => () =>
      work().then(
        () => true,
        () => false,
      );

    const containerd = component(
      'containerd',
      whole,
      ['-c', await containerdConfig(dir, dirname(programs.bridge), podNetwork)],
      works(() => inside(programs.ctr, '-n', 'k8s.io', 'version')),
    );
    const [cluster] = await Promise.all([
      startCluster({
        log,
        dir,
        host: { supervisor, address, serviceNetwork, enter: netOnly },
        ports: { etcd: 2379, apiServer: 6443, controllerManager: 10257 },
        flags: {
          apiServer: ['--endpoint-reconciler-type=lease', '--enable-admission-plugins=NodeRestriction'],
        },
      }),
      containerd.start(),
    ]);
    const loadImages = async (archive: string) => {
      await inside(programs.ctr, '-n', 'k8s.io', 'images', 'import', '--local', archive);
    };
    for (const archive of archives) await loadImages(archive);
    const as = (user: string, groups: string[] = []) => cluster.kubeconfigFor({ user, groups });
    const alive = async (url: string) => {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      if (!answer.ok) throw new Error(String(answer.status));
    };
    const schedulerConfig = await as('system:kube-scheduler');
    const kubeletConfig = await as(`system:node:${NODE_NAME}`, ['system:nodes']);
    const proxyConfig = await as('system:kube-proxy');
    const others = [
      component(
        'kube-scheduler',
        netOnly,
        [
          ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
            (f) => `--${f}=${schedulerConfig}`,
          ),
          '--leader-elect=false',
          `--cert-dir=${join(dir, 'pki')}`,
        ],
        async () => true,
      ),
      component(
        'kubelet',
        whole,
        [
          `--config=${await kubeletSettings(dir, serviceNetwork)}`,
          `--kubeconfig=${kubeletConfig}`,
          `--hostname-override=${NODE_NAME}`,
          `--node-ip=${address}`,
          `--cert-dir=${join(dir, 'kubelet-pki')}`,
        ],
        async () => (await nodeCondition(cluster)) === 'True',
      ),
      component(
        'kube-proxy',
        netOnly,
        [`--config=${await proxySettings(dir, proxyConfig, podNetwork)}`, `--hostname-override=${NODE_NAME}`],
        works(() => alive(`http://${address}:10256/healthz`)),
      ),
      component(
        'coredns',
        netOnly,
        ['-conf', await dnsSettings(dir, address, cluster.kubeconfig)],
        works(() => alive(`http://${address}:8181/ready`)),
      ),
    ];
    await Promise.all([...others.map((one) => one.start()), publishDns(cluster, address, serviceNetwork)]);
    return {
      ...cluster,
      stop: () => {
        for (const one of [containerd, ...others]) one.dismiss();
        return cluster.stop();
      },
      loadImages,
      inside,
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

/** Ends the node that runs, whoever started it. @returns false if none runs */
export async function stopNode(): Promise<boolean> {
  const last = lastNode();
  const ran = nodeRuns();
  if (ran && last && readFileSync(`/proc/${last.pid}/cmdline`, 'utf8').includes('supervisor.ts')) {
    process.kill(last.pid, 'SIGTERM');
    await until(`process ${last.pid} to end`, () => !isThere(`/proc/${last.pid}`));
  }
  await removeRemains();
  return ran;
}

/**
 * Why this machine can't have a node whatever is installed: another system, another user, or a kernel that denies
 * namespaces, links or cgroups, as in most containers. @returns undefined if it can
 */
export async function obstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a node needs Linux and root';
  const namespaces = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--mount-proc'];
  try {
    const mount = 'mount -t tmpfs tmpfs /run && echo 1 > /proc/sys/net/ipv4/ip_forward';
    await execFileAsync('unshare', [...namespaces, 'sh', '-c', mount]);
    const roots = cgroupRoots();
    if (roots.length === 0) throw new Error('no cgroups below /sys/fs/cgroup');
    for (const root of roots) rmdirSync(mkdtempSync(join(root, `${CGROUP}-`)));
  } catch (error) {
    return `the kernel does not let this process have namespaces and cgroups of its own: ${(error as Error).message.trim()}`;
  }
  return undefined;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function occupied(): Error {
  const last = lastNode();
  return new Error(
    `a node runs on this machine already${last ? ` (process ${last.pid}, KUBECONFIG=${last.kubeconfig})` : ''}, and there can be ` +
      'one at a time. End it with: npm run cluster -- down',
  );
}

async function checkMachine(): Promise<void> {
  const why = await obstacle();
  if (why !== undefined) throw new Error(why);
  const lacking = Object.entries(TOOLS).filter(([, tools]) =>
    tools.some((tool) => !isOnPath(tool, ['/usr/sbin', '/sbin'])),
  );
  if (lacking.length === 0) return;
  const packages = lacking.map(([name]) => name).join(' ');
  throw new Error(
    `a node needs ${lacking.flatMap(([, tools]) => tools).join(', ')}; on Debian and Ubuntu: ` +
      `apt-get install -y --no-install-recommends ${packages}`,
  );
}

/** @throws Error if the machine uses addresses of a network that the node is to have */
async function checkAddresses(networks: readonly string[]): Promise<void> {
  for (const network of networks) {
    const { stdout } = await execFileAsync('ip', ['-json', 'route', 'show', 'root', network]);
    const { stdout: above } = await execFileAsync('ip', ['-json', 'route', 'show', 'match', network]);
    const routes = [...JSON.parse(stdout || '[]'), ...JSON.parse(above || '[]')] as { dst: string }[];
    const taken = routes.find(({ dst }) => dst !== 'default');
    if (taken) throw new Error(`${network} is in use on this machine (route to ${taken.dst}); choose another network`);
  }
}

/** Starts the process that holds the namespaces, under the lock. @returns its process id */
async function firstProcess(supervisor: Supervisor, pause: string): Promise<number> {
  const namespaces = ['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'];
  const holder = await supervisor.run({
    command: 'setpriv',
    args: ['--pdeathsig', 'KILL', 'flock', '-n', '-E', String(LOCKED), '-F', LOCK, 'unshare', ...namespaces, pause],
    env: { PATH: process.env['PATH'] ?? '' },
    log: join(supervisor.folder, 'first.log'),
  });
  const own = readlinkSync('/proc/self/ns/net');
  const first = await until('the namespaces to come up', async () => {
    if (holder.exit) return 'ended';
    const child = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    const pid = Number(child.trim());
    if (pid === 0) return undefined;
    // Once it is what it is to be, its /proc is mounted too.
    const program = await readFile(`/proc/${pid}/comm`, 'utf8');
    return program.trim() === 'pause' && readlinkSync(`/proc/${pid}/ns/net`) !== own && pid;
  });
  if (first !== 'ended') return first;
  if (holder.exit?.code === LOCKED) throw occupied();
  throw new Error(`no namespaces: ${await readFile(join(supervisor.folder, 'first.log'), 'utf8')}`);
}

type Inside = (command: string, ...args: string[]) => Promise<string>;

async function prepareMounts(dir: string, inside: Inside): Promise<void> {
  for (const name of ['var-lib', 'var-log']) await mkdir(join(dir, name));
  await inside('mount', '--make-rprivate', '/');
  await inside('mount', '--make-rshared', '/');
  await inside('mount', '-t', 'tmpfs', 'tmpfs', '/run');
  await inside('mount', '--bind', join(dir, 'var-lib'), '/var/lib');
  await inside('mount', '--bind', join(dir, 'var-log'), '/var/log');
  await inside('hostname', NODE_NAME);
  for (const [name, value] of Object.entries(SYSCTLS)) {
    const file = join(dir, `sysctl.${name.replaceAll('/', '.')}`);
    await writeFile(file, `${value}\n`);
    await inside('mount', '--bind', file, `/proc/sys/${name}`);
  }
}

/** Makes the node's own cgroup in each hierarchy. */
async function prepareGroups(): Promise<void> {
  for (const root of cgroupRoots()) {
    const group = join(root, CGROUP);
    await mkdir(group, { recursive: true });
    if (isThere(join(root, 'cgroup.subtree_control'))) {
      const all = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim().split(' ');
      const wanted = all.filter((name) => ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb'].includes(name));
      for (const folder of wanted.length > 0 ? [root, group] : []) {
        await writeFile(join(folder, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '));
      }
    }
    await favourPods(group);
    // A cpuset of v1 is of no use before it has processors and memory.
    if (!isThere(join(group, 'cpuset.cpus')) || isThere(join(group, 'cgroup.controllers'))) continue;
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      await writeFile(join(group, name), await readFile(join(root, name), 'utf8'));
    }
  }
}

/**
 * Without this, all pods together get as much of a busy machine as one process outside, and their probes fail. At most
 * what a nice value of -13 would give one process.
 */
async function favourPods(group: string): Promise<void> {
  for (const [file, share] of [
    ['cpu.shares', '18432'],
    ['cpu.weight', '1800'],
  ] as const) {
    if (isThere(join(group, file))) await writeFile(join(group, file), share);
  }
}

async function prepareNetwork(
  first: number,
  network: string,
  serviceNetwork: string,
  podNetwork: string,
  inside: Inside,
): Promise<void> {
  const outside = (...args: string[]) => execFileAsync('ip', args);
  await outside('link', 'add', LINK, 'type', 'veth', 'peer', 'name', 'node0', 'netns', String(first));
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'addr', 'add', `${network}.1/24`, 'dev', 'node0');
  await inside('ip', 'link', 'set', 'node0', 'up');
  // kube-proxy rewrites the address of a service only after a route to it was found.
  await inside('ip', 'route', 'add', serviceNetwork, 'dev', 'node0');
  await inside('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  await outside('addr', 'add', `${network}.2/24`, 'dev', LINK);
  await outside('link', 'set', LINK, 'up');
  for (const target of [serviceNetwork, podNetwork]) await outside('route', 'add', target, 'via', `${network}.1`);
}

/** The images that every node has, as archives. */
async function nodeImages(dir: string, programs: Record<'pause' | 'web', string>): Promise<string[]> {
  const one = async (name: string, program: 'pause' | 'web') => {
    const archive = join(dir, `${program}.tar`);
    const entries = [{ path: program, mode: 0o755, content: await readFile(programs[program]) }];
    await writeImage(archive, name, entries, { Entrypoint: [`/${program}`], User: '65532:65532' });
    return archive;
  };
  return [await one(PAUSE_IMAGE, 'pause'), await one(WEB_IMAGE, 'web')];
}

async function containerdConfig(dir: string, plugins: string, podNetwork: string): Promise<string> {
  const conf = join(dir, 'cni');
  await mkdir(conf);
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      dataDir: '/run/cni',
      ranges: [[{ subnet: podNetwork }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  const list = { cniVersion: '1.0.0', name: 'readiness', plugins: [bridge] };
  await writeFile(join(conf, '10-readiness.conflist'), JSON.stringify(list));
  const file = join(dir, 'containerd.toml');
  // Root without CAP_SYS_RESOURCE, as in some virtual machines, can't give a process a lower oom_score_adj.
  await writeFile(
    file,
    `version = 3
disabled_plugins = ['io.containerd.internal.v1.opt', 'io.containerd.nri.v1.nri']
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${PAUSE_IMAGE}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${plugins}']
  conf_dir = '${conf}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
`,
  );
  return file;
}

async function settings(dir: string, name: string, value: unknown): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, stringify(value));
  return file;
}

function dnsAddress(serviceNetwork: string): string {
  return serviceNetwork.replace(/0\/.*/, '10');
}

function kubeletSettings(dir: string, serviceNetwork: string): Promise<string> {
  return settings(dir, 'kubelet.yaml', {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${CGROUP}`,
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(dir, 'pki', 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    clusterDNS: [dnsAddress(serviceNetwork)],
    clusterDomain: 'cluster.local',
    resolvConf: '',
    volumePluginDir: '/var/lib/kubelet/volumeplugins',
    failSwapOn: false,
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'nodefs.inodesFree': '1%',
      'imagefs.available': '1%',
    },
    nodeStatusUpdateFrequency: '5s',
    syncFrequency: '10s',
  });
}

function proxySettings(dir: string, kubeconfig: string, podNetwork: string): Promise<string> {
  return settings(dir, 'kube-proxy.yaml', {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: podNetwork,
    clientConnection: { kubeconfig },
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    nftables: { syncPeriod: '30s', minSyncPeriod: '200ms' },
  });
}

async function dnsSettings(dir: string, address: string, kubeconfig: string): Promise<string> {
  const file = join(dir, 'Corefile');
  await writeFile(
    file,
    `cluster.local:10053 {
  bind ${address}
  ready ${address}:8181
  errors
  kubernetes cluster.local {
    kubeconfig ${kubeconfig} readiness-test
  }
}
`,
  );
  return file;
}

/** The service by which pods reach CoreDNS, which is no pod. */
async function publishDns(cluster: Cluster, address: string, serviceNetwork: string): Promise<void> {
  const metadata = (name: string) => ({ name, namespace: 'kube-system' });
  const port = (name: string, protocol: string) => ({ name, protocol, port: 53, targetPort: 10053 });
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('kube-dns'),
      spec: { clusterIP: dnsAddress(serviceNetwork), ports: [port('dns', 'UDP'), port('dns-tcp', 'TCP')] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata('kube-dns-1'), labels: { 'kubernetes.io/service-name': 'kube-dns' } },
      addressType: 'IPv4',
      ports: [
        { name: 'dns', protocol: 'UDP', port: 10053 },
        { name: 'dns-tcp', protocol: 'TCP', port: 10053 },
      ],
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
    },
  ];
  await kubectl(cluster, ['create', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
}

async function nodeCondition(cluster: Cluster): Promise<string> {
  const path = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`;
  return (await kubectl(cluster, ['get', 'node', NODE_NAME, '-o', path], { allowFailure: true })).stdout;
}
