/** The stage of the fault tests: a real API server, two replicas of the operator with the chart's rights, a balancer. */
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { dirname, join } from 'node:path';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import type { Log } from '../cluster/log.ts';
import { installOperator, launchOperator, OPERATOR_IDENTITY, type Operator } from '../cluster/operator.ts';
import { freePort } from '../cluster/ports.ts';
import { withoutToken, withToken } from '../../src/webhook/path-token.ts';
import { until } from '../support/until.ts';
import { Admin, credentialsOf, Unexpected, type Answer, type Json } from './admin.ts';
import { Balancer } from './balancer.ts';
import { ask, ROUTE, type Target } from './load.ts';
import { FaultProxy } from './proxy.ts';
import { bad, CONFIGURATIONS, deployments, FREE, good, JUDGED, LABELS, policy, POLICIES, SECRET } from './samples.ts';

const CONFIGURATION = 'readiness-operator';
export const NAMESPACE = 'readiness-operator';
const CLOCK = join(import.meta.dirname, 'clock.ts');

/** As /proc/net/tcp has it. */
const ESTABLISHED = '01';
const NOT_ACCEPTED = '0';

/** How a replica is run this time. */
export interface RunAs {
  /** Under a clock that `setClock` shifts. */
  readonly clock?: true;
  /** With an inspector on this loopback port. */
  readonly inspect?: number;
}

/** One of the two replicas: a port, a way to the API server and, most of the time, a process. */
export class Replica {
  readonly name: string;
  readonly port: number;
  readonly proxy: FaultProxy;
  readonly #cluster: Cluster;
  readonly #webhook: string;
  #operator: Operator | undefined;
  #runs: RunAs = {};
  /** How the API server would call a path of it. */
  calledAs: Target['calledAs'] = (path) => path;

  constructor(cluster: Cluster, name: string, port: number, proxy: FaultProxy, webhook: string) {
    this.#cluster = cluster;
    this.name = name;
    this.port = port;
    this.proxy = proxy;
    this.#webhook = webhook;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.#operator !== undefined && this.#operator.process.exit === undefined;
  }

  /** Does it run in an ordinary way, without what only some rows need? */
  get ordinary(): boolean {
    return Object.keys(this.#runs).length === 0;
  }

  get pid(): number {
    return this.#operator?.process.pid ?? 0;
  }

  /** The end of its log. */
  get log(): string {
    return this.#operator === undefined ? '' : readFileSync(this.#operator.log, 'utf8').slice(-2500);
  }

  /** Starts the process and does not wait. */
  async launch(runs: RunAs = {}): Promise<void> {
    this.#runs = runs;
    this.setClock(0);
    const options = [
      ...(runs.clock === true ? [`--import=${CLOCK}`] : []),
      ...(runs.inspect === undefined ? [] : [`--inspect=127.0.0.1:${runs.inspect}`]),
    ];
    this.#operator = await launchOperator(this.#cluster, [`--replica=${this.name}`], {
      port: this.port,
      webhookUrl: this.#webhook,
      kubeconfig: this.proxy.kubeconfig,
      env: {
        READINESS_TEST_CLOCK: this.#clockFile,
        ...(options.length === 0
          ? {}
          : { NODE_OPTIONS: [...options, '--disable-warning=ExperimentalWarning'].join(' ') }),
      },
    });
  }

  /** Starts the process and waits until it is ready. @throws Error if it is not, with its log if it ended */
  async start(runs: RunAs = {}): Promise<void> {
    await this.launch(runs);
    await until(`replica ${this.name} to be ready`, async () => !this.running || (await this.ready()));
    if (!this.running) throw new Error(`replica ${this.name} did not become ready:\n${this.log}`);
  }

  /** Stops it in order. @returns how many milliseconds that took */
  async stop(): Promise<number> {
    const started = performance.now();
    await this.#operator?.stop();
    return performance.now() - started;
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#operator?.kill();
  }

  /** Shifts the clock of a replica that was started with one, in milliseconds. */
  setClock(ahead: number): void {
    writeFileSync(this.#clockFile, String(ahead));
  }

  async ready(): Promise<boolean> {
    return (await this.get('/readyz')).status === 200;
  }

  async metrics(): Promise<string> {
    return (await this.get('/metrics')).text;
  }

  async leads(): Promise<boolean> {
    return /^readiness_operator_leader 1$/m.test(await this.metrics());
  }

  /** Asks this very replica for its verdict on the creation of an object; undefined: it gave none. */
  async verdict(object: Json, route = 'production'): Promise<boolean | undefined> {
    return (await ask(this.url, object, this.calledAs(`/validate/workloads/${route}`))).allowed;
  }

  /** Resident memory in MiB. */
  rss(): number {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]) / 1024;
  }

  /** Connections that the process has accepted and not closed, as the kernel sees it: who is at the other end may hear later. */
  connections(): number {
    const local = `:${this.port.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
    return rows.filter((row) => {
      const [, address = '', , state, , , , , , inode] = row.trim().split(/\s+/);
      return address.endsWith(local) && state === ESTABLISHED && inode !== NOT_ACCEPTED;
    }).length;
  }

  get(path: string): Promise<Answer> {
    return getOnce(`${this.url}${path}`);
  }

  get #clockFile(): string {
    return join(this.#cluster.dir, `clock-${this.name}`);
  }
}

export class Stage implements Target {
  readonly cluster: Cluster;
  readonly admin: Admin;
  readonly balancer: Balancer;
  readonly webhook: string;
  readonly replicas: readonly Replica[];
  readonly #following = new AbortController();
  #caBundle = '';
  /** Paths that the webhook configuration sends requests to, without the token that they bear. */
  #routed: ReadonlySet<string> = new Set();
  #token: string | undefined;
  #probes = 0;

  private constructor(cluster: Cluster, admin: Admin, balancer: Balancer, webhook: string, replicas: Replica[]) {
    this.cluster = cluster;
    this.admin = admin;
    this.balancer = balancer;
    this.webhook = webhook;
    this.replicas = replicas;
    const onObject = (object: Json): void => {
      const clients = ((object['webhooks'] ?? []) as Json[]).map((entry) => entry['clientConfig'] as Json);
      const called = clients.map(({ url }) => withoutToken(new URL(url as string).pathname));
      this.#routed = new Set(called.map(({ path }) => path));
      this.#token = called[0]?.token;
      const [first] = clients;
      if (first !== undefined) this.#caBundle = Buffer.from(first['caBundle'] as string, 'base64').toString();
    };
    for (const replica of replicas) replica.calledAs = this.calledAs;
    void admin.follow(CONFIGURATIONS, CONFIGURATION, onObject, this.#following.signal);
  }

  /** Starts everything but the replicas. */
  static async open(log: Log): Promise<Stage> {
    const cluster = await startCluster({ log });
    try {
      await installOperator(cluster);
      const admin = new Admin(cluster.server, await credentialsOf(cluster.kubeconfig));
      const identity = await credentialsOf(await cluster.kubeconfigFor(OPERATOR_IDENTITY));
      const webhookPort = await freePort();
      const webhook = `https://127.0.0.1:${webhookPort}`;
      const replicas: Replica[] = [];
      for (const name of ['a', 'b']) {
        const proxy = await FaultProxy.start(name, cluster.server, identity, cluster.dir);
        replicas.push(new Replica(cluster, name, await freePort(), proxy, webhook));
      }
      const balancer = await Balancer.listen(webhookPort, replicas);
      const stage = new Stage(cluster, admin, balancer, webhook, replicas);
      for (const name of [JUDGED, FREE]) await stage.namespace(name, name === JUDGED ? LABELS : {});
      await admin.apply(`/api/v1/namespaces/${JUDGED}/secrets/${SECRET}`, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: SECRET },
        stringData: { key: 'a value' },
      });
      return stage;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  caBundle = (): string => this.#caBundle;

  routes = (path: string): boolean => this.#routed.has(path);

  calledAs = (path: string): string => withToken(this.#token, path);

  /** Is this the only one of all policies' routes that the configuration has? Others are of policies that just went. */
  routesAlone(path: string): boolean {
    return [...this.#routed].every((other) => other === path || !other.startsWith(dirname(path)));
  }

  /**
   * Brings everything to where a row starts from: two ordinary replicas, one policy, enforced.
   *
   * @param keep - replicas that run are kept, however they were started
   */
  async baseline({ keep = false } = {}): Promise<void> {
    for (const { proxy } of this.replicas) proxy.fault = {};
    await this.admin.apply(`${POLICIES}/production`, policy('production'));
    for (const { metadata } of (await this.admin.get(POLICIES))['items']) {
      if (metadata.name !== 'production') await this.admin.remove(`${POLICIES}/${metadata.name}`);
    }
    for (const replica of this.replicas) {
      if (replica.running && !replica.ordinary && !keep) await replica.kill();
      if (!replica.running) await replica.start();
    }
    await this.baselineReady();
  }

  /** Waits until both replicas are ready, the balancer knows, one leads, and the policy is enforced, and no other one. */
  async baselineReady(): Promise<void> {
    await this.enforced('production');
    await until('a good start', async () => {
      if (this.balancer.ready.length < 2) throw new Error(`ready are [${this.balancer.ready.join(', ')}]`);
      return this.routesAlone(ROUTE) && (await this.denies()) === true && (await this.hasLeader());
    });
  }

  async namespace(name: string, labels: Json): Promise<void> {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    await this.admin.apply(`/api/v1/namespaces/${name}`, object);
  }

  /** Waits until a policy's newest generation is enforced. @throws Error with its conditions if that does not come about */
  async enforced(name: string): Promise<void> {
    await until(`policy ${name} to be enforced`, async () => {
      const why = await this.isEnforced(name);
      if (why === true) return true;
      throw new Error(why);
    });
  }

  /** True if a policy's newest generation is enforced, else what its status says. */
  async isEnforced(name: string): Promise<true | string> {
    const { metadata, status } = await this.admin.get(`${POLICIES}/${name}`);
    const condition = status?.conditions?.find(({ type }: Json) => type === 'Enforced');
    const is = condition?.status === 'True' && condition.observedGeneration === metadata.generation;
    return is || JSON.stringify(status?.conditions ?? 'no status');
  }

  /** Does the API server refuse a Deployment that is not ready, with our words? */
  async denies(namespace = JUDGED): Promise<true | string> {
    const { status, text } = await this.admin.ask('POST', `${deployments(namespace)}?dryRun=All`, {
      body: bad('is-denied', namespace),
    });
    return (status === 403 && text.includes('is not ready for production')) || `${status} ${text.slice(0, 300)}`;
  }

  /** The replica that reconciles. @throws Unexpected if there is none, or more than one */
  async leader(): Promise<Replica> {
    const leads = await Promise.all(this.replicas.map(async (replica) => replica.running && (await replica.leads())));
    const leaders = this.replicas.filter((_, index) => leads[index] === true);
    if (leaders.length !== 1) throw new Unexpected(`there are ${leaders.length} leaders`);
    return leaders[0] as Replica;
  }

  async hasLeader(): Promise<boolean> {
    return this.leader().then(
      () => true,
      () => false,
    );
  }

  /** A probe that is true when the operator has reconciled something new: a policy's status and a workload's report. */
  newWork(): () => Promise<true | string> {
    const name = `probe-${++this.#probes}`;
    const report = `/apis/readiness-operator.dev/v1alpha1/namespaces/${JUDGED}/readinessreports/deployment-${name}`;
    let made = false;
    return async () => {
      if (!made) {
        await this.admin.apply(`${POLICIES}/${name}`, policy(name, {}, { nobody: name }));
        await this.admin.apply(`${deployments(JUDGED)}/${name}`, good(name));
        made = true;
      }
      const { metadata, status } = await this.admin.get(`${POLICIES}/${name}`);
      const ready = status?.conditions?.find(({ type }: Json) => type === 'Ready');
      if (ready?.observedGeneration !== metadata.generation) return 'the new policy has no status';
      const found = await this.admin.ask('GET', report);
      if (found.status !== 200) return `the new workload has no report: ${found.status}`;
      await this.admin.remove(`${deployments(JUDGED)}/${name}`);
      await this.admin.remove(`${POLICIES}/${name}`);
      return true;
    };
  }

  async close(): Promise<void> {
    this.#following.abort();
    this.balancer.close();
    for (const { proxy } of this.replicas) proxy.close();
    this.admin.close();
    await this.cluster.stop();
  }
}

function getOnce(url: string): Promise<Answer> {
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, agent: false, timeout: 2000 };
    const request = https.get(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on('error', (error) => resolve({ status: 0, text: error.message }));
    request.on('timeout', () => request.destroy(new Error('no answer')));
  });
}
