/** What the end-to-end tests share: the chart by helm, and a shop whose workloads run on the node under a policy. */
import { join } from 'node:path';
import { helm, kubectl, type CommandOptions } from '../cluster/kubectl.ts';
import { WEB_IMAGE } from '../cluster/node.ts';

export type Json = Record<string, any>;

export const kubeconfig = process.env['READINESS_TEST_KUBECONFIG'] ?? '';
export const CHART = join(import.meta.dirname, '../../charts/readiness-operator');
/** Of the operator; its release has the same name. */
export const NAMESPACE = 'readiness-operator';
/** Where the workloads are that the policy concerns. */
export const SHOP = 'shop';
/** Settings that name the image that the node has. */
export const IMAGE = ['--set', 'image.repository=readiness-operator.invalid/readiness-operator'];
/** Ends a command that hangs. What it waits for on the cluster's side ends sooner, and says why. */
const HANGS_MS = 270_000;
/** For helm and kubectl: says nothing about how long anything may take. */
export const PATIENT = '--timeout=240s';

/** Runs kubectl as the administrator. @returns its standard output @throws CommandError if it fails */
export const kube = async (args: readonly string[], options: CommandOptions = {}) =>
  (await kubectl({ kubeconfig }, args, { timeoutMs: HANGS_MS, ...options })).stdout;

/** Runs kubectl, with an object on its standard input if one is given, and returns what it said, however it ended. */
export const attempt = (args: readonly string[], input?: unknown) =>
  kubectl({ kubeconfig }, args, {
    allowFailure: true,
    timeoutMs: HANGS_MS,
    ...(input !== undefined && { input: JSON.stringify(input) }),
  });

export const apply = (object: unknown, ...more: string[]) => attempt(['apply', '-f', '-', ...more], object);

/** Runs helm and returns what it said, however it ended. */
export const runHelm = (...args: string[]) => helm({ kubeconfig }, args, { allowFailure: true, timeoutMs: HANGS_MS });

/** Installs or upgrades the chart. */
export const release = (verb: 'install' | 'upgrade', ...more: string[]) =>
  runHelm(verb, NAMESPACE, CHART, '-n', NAMESPACE, '--create-namespace', ...IMAGE, ...more);

export const uninstall = () => runHelm('uninstall', NAMESPACE, '-n', NAMESPACE, '--wait', PATIENT);

/** Makes the namespace that the policy concerns. */
export async function openShop(): Promise<void> {
  await kube(['create', 'namespace', SHOP]);
  await kube(['label', 'namespace', SHOP, 'environment=production']);
}

export const policy = {
  apiVersion: 'readiness-operator.dev/v1alpha1',
  kind: 'ReadinessPolicy',
  metadata: { name: 'production' },
  spec: { profile: 'production-v1', match: { namespaceSelector: { matchLabels: { environment: 'production' } } } },
};

/** A Deployment that meets everything; `change` edits its container. */
export function deployment(name: string, change: (container: Json) => void = () => {}, replicas = 2): Json {
  const container: Json = {
    name: 'app',
    image: WEB_IMAGE,
    ports: [{ name: 'http', containerPort: 8080 }],
    resources: {
      requests: { cpu: '10m', memory: '16Mi' },
      limits: { memory: '64Mi', 'ephemeral-storage': '64Mi' },
    },
    readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: '/live', port: 'http' }, failureThreshold: 6 },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  };
  change(container);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: SHOP },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [container],
        },
      },
    },
  };
}

/** A Deployment that is to be refused: it has no memory limit. */
export const bad = (name = 'bad') =>
  deployment(name, (container) => {
    delete container['resources'].limits;
  });

/** Is what is not ready refused, with our words? */
export const rejected = async () => {
  const result = await apply(bad(), '--dry-run=server');
  return result.code !== 0 && result.stderr.includes('is not ready for production');
};

export const pods = async (namespace: string, selector: string): Promise<Json[]> =>
  (JSON.parse(await kube(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json'])) as Json)['items'];
export const ready = (pod: Json) =>
  !pod['metadata'].deletionTimestamp &&
  pod['status'].conditions?.some((c: Json) => c['type'] === 'Ready' && c['status'] === 'True');
export const operators = () => pods(NAMESPACE, 'app.kubernetes.io/name=readiness-operator');
/** The operator's two pods, once both are ready. */
export const readyOperators = async () => {
  const all = await operators();
  return all.length === 2 && all.every(ready) ? all : undefined;
};
/** Waits until a Deployment of the shop is rolled out. */
export const rolledOut = (name: string) => kube(['-n', SHOP, 'rollout', 'status', `deploy/${name}`, PATIENT]);

/** All that an installation can leave in a cluster, as `kind/name`. */
export async function clusterWide(): Promise<string[]> {
  const kinds = [
    'customresourcedefinitions',
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'clusterroles',
    'clusterrolebindings',
    'namespaces',
  ];
  return (await kube(['get', kinds.join(','), '-o', 'name'])).split('\n').filter((name) => /readiness/.test(name));
}
