/** The operator as a local process of a test cluster, under the very permissions that the chart gives it. */
import { join } from 'node:path';
import https from 'node:https';
import { IMAGE_CONFIG } from '../../scripts/image.ts';
import { until } from '../support/until.ts';
import type { Cluster, Supervised } from './cluster.ts';
import { configurationsNoted } from './configurations.ts';
import { keepLog } from './kept-log.ts';
import { kubectl, type Target } from './kubectl.ts';
import { freePort } from './ports.ts';

/** How the image starts Node, and in which environment. */
export const NODE_SETTINGS = IMAGE_CONFIG.Entrypoint.slice(1, -1);
export const IMAGE_ENVIRONMENT: Record<string, string> = Object.fromEntries(
  IMAGE_CONFIG.Env.map((entry) => entry.split('=')),
);

const ROOT = join(import.meta.dirname, '..', '..');
const NAMESPACE = 'readiness-operator';

export interface Operator {
  /** `https://127.0.0.1:port` */
  readonly url: string;
  /** File with its log. */
  readonly log: string;
  readonly process: Supervised;
  /** Stops it in order. */
  stop(): Promise<void>;
  /** Kills it as `kill -9` does. */
  kill(): Promise<void>;
}

/** Installs CRDs, namespace and permissions with kubectl: `manifests/install.yaml` without what needs a kubelet. */
export async function installOperator(cluster: Cluster): Promise<string> {
  const skipped = ['Deployment', 'Service'];
  const { stdout: all } = await kubectl(cluster, [
    'create',
    '--dry-run=client',
    '-o',
    'json',
    '-f',
    join(ROOT, 'manifests/install.yaml'),
  ]);
  // kubectl prints one JSON document after another.
  const objects = all
    .split(/\n(?=\{)/)
    .map((text) => JSON.parse(text) as { kind: string })
    .filter(({ kind }) => !skipped.includes(kind));
  const { stdout } = await kubectl(cluster, ['apply', '--server-side', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  });
  await kubectl(cluster, [
    'wait',
    '--for=condition=Established',
    'crd/readinesspolicies.readiness-operator.dev',
    'crd/readinessexceptions.readiness-operator.dev',
    'crd/readinessreports.readiness-operator.dev',
  ]);
  return stdout;
}

/** How one of several replicas is run; what is not given is as for a single one. */
export interface OperatorOptions {
  /** A free one unless told. */
  readonly port?: number;
  /** Where the API server is to call, if that is not the operator itself. */
  readonly webhookUrl?: string;
  /** Another way to the API server than the straight one. */
  readonly kubeconfig?: string;
  /** Another program than the bundle. */
  readonly program?: string;
  /** More environment variables. */
  readonly env?: Record<string, string>;
}

/** Who the operator is: the ServiceAccount of the chart. */
export const OPERATOR_IDENTITY = {
  user: `system:serviceaccount:${NAMESPACE}:readiness-operator`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${NAMESPACE}`, 'system:authenticated'],
};

/** Starts the bundle and waits until it is ready. @throws Error with the file of its log if it ends, or is never ready */
export async function startOperator(
  cluster: Cluster,
  more: readonly string[] = [],
  options: OperatorOptions = {},
): Promise<Operator> {
  const operator = await launchOperator(cluster, more, options);
  const ended = (): boolean => operator.process.exit !== undefined;
  const ready = async (): Promise<boolean> => (await statusOf(`${operator.url}/readyz`)) === 200;
  await until('the operator to be ready', async () => ended() || (await ready())).catch((error: unknown) => {
    throw new Error(`${String(error)}; its log is ${keepLog(operator.log)}`, { cause: error });
  });
  if (ended()) throw new Error(`the operator ended while it started; its log is ${keepLog(operator.log)}`);
  return operator;
}

/** Starts the bundle, with the settings of Node and of the environment that the image has, and does not wait. */
export async function launchOperator(
  cluster: Cluster,
  more: readonly string[] = [],
  options: OperatorOptions = {},
): Promise<Operator> {
  const port = options.port ?? (await freePort());
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = options.kubeconfig ?? (await cluster.kubeconfigFor(OPERATOR_IDENTITY));
  const log = join(cluster.dir, `operator-${port}.log`);
  const process_ = await cluster.run({
    command: process.execPath,
    args: [
      ...NODE_SETTINGS,
      options.program ?? join(ROOT, 'bin/readiness-operator.js'),
      'serve',
      `--kubeconfig=${kubeconfig}`,
      `--listen=127.0.0.1:${port}`,
      `--webhook-url=${options.webhookUrl ?? url}`,
      '--owner-cluster-role=readiness-operator',
      '--log-format=text',
      ...more,
    ],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: cluster.dir,
      ...IMAGE_ENVIRONMENT,
      ...options.env,
    },
    log,
  });
  return {
    url,
    log,
    process: process_,
    kill: async () => {
      process_.signal('SIGKILL');
      await process_.exited;
    },
    stop: async () => {
      process_.signal('SIGTERM');
      await process_.exited;
    },
  };
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = https.get(url, { rejectUnauthorized: false, agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', () => resolve(0));
    request.on('timeout', () => request.destroy());
  });
}

/** Kills the processes of operators as `kill -9` does, however they were started. */
export async function killAll(operators: readonly Pick<Operator, 'process'>[]): Promise<void> {
  for (const { process } of operators) process.signal('SIGKILL');
  await Promise.all(operators.map(({ process }) => process.exited));
}

/** Waits until somebody may do something: the authorizer follows roles and their bindings by a watch of its own. */
export async function permitted(
  cluster: Target,
  namespace: string,
  user: string,
  verb: string,
  resource: string,
): Promise<void> {
  const question = ['-n', namespace, 'auth', 'can-i', verb, resource, `--as=${user}`];
  await until(`${user} to be allowed to ${verb} ${resource} in ${namespace}`, async () => {
    return (await kubectl(cluster, question, { allowFailure: true })).code === 0;
  });
}

/** Waits until the newest generation of a policy is in force and enforced, and the API server has taken note. */
export async function enforced(cluster: Target, policy: string): Promise<void> {
  await saidToBeEnforced(cluster, policy);
  await configurationsNoted(cluster);
}

/** Waits until the status of a policy says that its newest generation is in force and enforced. */
export async function saidToBeEnforced(cluster: Target, policy: string): Promise<void> {
  await until(`policy ${policy} to be enforced`, async () => {
    const { stdout } = await kubectl(cluster, ['get', 'rpol', policy, '-o', 'json']);
    const { metadata, status } = JSON.parse(stdout) as {
      metadata: { generation: number };
      status?: { conditions?: { type: string; status: string; observedGeneration: number }[] };
    };
    const says = (wanted: string): boolean =>
      status?.conditions?.some(
        (one) => one.type === wanted && one.status === 'True' && one.observedGeneration === metadata.generation,
      ) === true;
    if (says('Ready') && says('Enforced')) return true;
    throw new Error(JSON.stringify(status));
  });
}
