/** The wiring of `serve`: from the configuration to a running operator, and back to a stopped one. */
import { isIP } from 'node:net';
import { CHECKS } from './checks/index.ts';
import type { Config } from './config.ts';
import { Audit } from './controller/audit.ts';
import { Policies, POLICIES } from './controller/policies.ts';
import { PolicyStatusReconciler } from './controller/policy-status-reconciler.ts';
import type { WebhookAddress } from './controller/webhook-configuration.ts';
import { WebhookConfigurationReconciler } from './controller/webhook-configuration-reconciler.ts';
import { Workloads } from './controller/workloads.ts';
import { WORKLOAD_KINDS } from './engine/kinds.ts';
import type { Labels } from './engine/selectors.ts';
import { hasStatus, KubeClient, pathOf } from './kube/client.ts';
import { Informer } from './kube/informer.ts';
import { InformedRelated } from './kube/related.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { PolicyCompiler } from './policy/compile.ts';
import { exemptionsOf } from './policy/exemptions.ts';
import {
  ensureCertificate,
  lookAgainIn,
  type CertificateOptions,
  type ServingCertificate,
} from './webhook/certificates.ts';
import { ApiServerReads } from './webhook/live.ts';
import { reviewPolicy } from './webhook/policy-review.ts';
import { POLICY_PATH, WebhookServer, WORKLOADS_PATH } from './webhook/server.ts';
import type { World } from './webhook/world.ts';

/** Milliseconds between two looks at the ages of watches. */
const WATCH_METRICS_INTERVAL = 5000;
/** How long to wait before trying again what must succeed for the operator to start, in milliseconds. */
const START_RETRY = 1000;

/** Runs the operator until `signal` aborts; then stops it in order. @throws what makes it impossible to start at all */
export async function serve(config: Config, signal: AbortSignal): Promise<void> {
  const logger = createLogger(config.log);
  const metrics = createMetrics();
  const client = KubeClient.load(config.kubeconfig);
  const compiler = new PolicyCompiler(CHECKS);
  const kinds = WORKLOAD_KINDS;
  const exemptions = exemptionsOf([config.namespace, ...config.excludedNamespaces], config.excludedUsers);
  const now = (): number => Date.now();
  const onError = (error: unknown, what: string): void => {
    if (!hasStatus(error, 404)) logger.warn('asking the API server', { what, error });
  };
  let missing: string | undefined = 'the operator is starting';

  const related = new InformedRelated({
    client,
    onChange: (kind, dependency) => audit.relatedChanged(kind, dependency),
    onState: (kind, { state, ...rest }) => logger.info('related objects', { kind, state, ...rest }),
    onError: (kind, error, what) => logger.warn('reading related objects', { kind, what, error }),
  });
  const workloads = new Workloads({
    client,
    kinds,
    onChange: (key) => audit.changed(key),
    onError: (kind, error, what) => logger.warn('reading workloads', { kind, what, error }),
  });
  const namespaces = new Informer<Labels>({
    client,
    group: '',
    versions: ['v1'],
    resource: 'namespaces',
    keep: ({ metadata }: { metadata: { labels?: Labels } }) => metadata.labels ?? {},
    onChange: (name) => audit.namespaceChanged(name),
    onError: (error, what) => logger.warn('reading namespaces', { what, error }),
  });
  const policies = new Policies({
    client,
    logger,
    compiler,
    prepare: async (asked, reads) => {
      await Promise.all([workloads.ensure(asked), related.ensure(reads), namespaces.settled]);
    },
    onChange: () => {
      configuration.changed();
      if (missing === undefined) audit.policiesChanged();
    },
    onStatus: (name) => status.changed(name),
  });
  const audit = new Audit({
    client,
    logger,
    metrics,
    workloads,
    related,
    exemptions,
    policies: () => policies.set,
    namespaceLabels: (name) => namespaces.get(name),
    onTally: (name) => status.changed(name),
    now,
  });
  /** Generations of policies that the webhook configuration in the cluster routes to us. */
  let routed: ReadonlyMap<string, number> = new Map();
  const status = new PolicyStatusReconciler({
    client,
    logger,
    metrics,
    state: (name) => policies.state(name),
    tally: (name) => audit.tally(name),
    facts: () => ({
      routed,
      kinds,
      exemptNamespaces: [...exemptions.namespaces].filter((name) => namespaces.get(name) !== undefined).toSorted(),
    }),
    now,
  });
  let certificate: ServingCertificate | undefined;
  const configuration = new WebhookConfigurationReconciler({
    client,
    logger,
    name: config.webhookConfiguration,
    ownerClusterRole: config.ownerClusterRole,
    desired: () =>
      certificate === undefined || missing !== undefined
        ? undefined
        : {
            routes: policies.set.routes,
            kinds,
            exemptions,
            address: config.address,
            caBundle: certificate.caBundle,
            paths: { workloads: WORKLOADS_PATH, policies: POLICY_PATH },
          },
    onApplied: (routes) => {
      routed = new Map(routes.flatMap((route) => route.policies).map(({ name, generation }) => [name, generation]));
      for (const name of policies.names()) status.changed(name);
    },
  });
  const world: World = {
    now,
    kinds,
    exemptions,
    policies: () => policies.set,
    related,
    namespaceLabels: (name) => namespaces.get(name),
    parent: (kind, namespace, name) => workloads.object(`${kind.kind}/${namespace}/${name}`),
    live: new ApiServerReads(client, onError),
  };

  // The certificate and the caches do not wait for each other: the time to the first answer is that of the slower one.
  namespaces.start();
  policies.start();
  const certificateOptions: CertificateOptions = {
    client,
    namespace: config.namespace,
    secretName: config.tlsSecret,
    hosts: hostsOf(config.address),
  };
  certificate = await untilItWorks(
    () => ensureCertificate(certificateOptions, now()),
    signal,
    (error) => logger.error('no serving certificate', { secret: `${config.namespace}/${config.tlsSecret}`, error }),
  );
  if (certificate === undefined) return;
  metrics.certificateExpiry.set(certificate.expires / 1000);
  const server = new WebhookServer({
    ...config.listen,
    certificate,
    world,
    notReady: () => missing,
    routeMayExist: (name) => exists(client, name),
    reviewPolicy: (request) => reviewPolicy(request, compiler, kinds),
    logger,
    metrics,
  });
  const port = await server.listen();
  logger.info('listening', { host: config.listen.host, port });

  const timers = new Set<NodeJS.Timeout>();
  const renewLater = (present: ServingCertificate): void => {
    timers.add(setTimeout(() => void renew(), lookAgainIn(present, now())).unref());
  };
  const renew = async (): Promise<void> => {
    try {
      certificate = await ensureCertificate(certificateOptions, now());
      metrics.certificateExpiry.set(certificate.expires / 1000);
      server.setCertificate(certificate);
      configuration.changed();
      renewLater(certificate);
    } catch (error) {
      logger.error('the serving certificate could not be renewed', { error });
      timers.add(setTimeout(() => void renew(), 60_000).unref());
    }
  };
  renewLater(certificate);
  timers.add(
    setInterval(() => {
      const informers = [
        namespaces,
        policies.informer,
        audit.informer,
        ...workloads.informers,
        ...related.informers.values(),
      ];
      for (const { resource, lastEvent } of informers) metrics.watchLastEvent.set({ resource }, lastEvent / 1000);
    }, WATCH_METRICS_INTERVAL).unref(),
  );

  await Promise.race([policies.initial, aborted(signal)]);
  if (!signal.aborted) {
    missing = undefined;
    metrics.leader.set(1);
    logger.info('ready', { policies: policies.set.policies.length });
    configuration.start();
    audit.start();
    audit.policiesChanged();
    await aborted(signal);
  }

  logger.info('stopping');
  missing = 'the operator is stopping';
  for (const timer of timers) clearTimeout(timer);
  status.stop();
  await Promise.all([
    configuration.stop(),
    audit.stop(),
    policies.stop(),
    workloads.stop(),
    related.stop(),
    namespaces.stop(),
  ]);
  await server.close();
  client.close();
}

/** The names under which the API server calls. */
function hostsOf(address: WebhookAddress): string[] {
  if ('url' in address) {
    const { hostname } = new URL(address.url);
    const host = hostname.replace(/^\[|\]$/g, '');
    return isIP(host) === 0 ? [hostname] : [host];
  }
  const { name, namespace } = address.service;
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`, `${name}.${namespace}`];
}

/** Is there a policy of this name? If that can't be found out, yes: we must not answer for one that we don't know. */
async function exists(client: KubeClient, policy: string): Promise<boolean> {
  try {
    await client.request('GET', pathOf(POLICIES, undefined, policy), { timeout: 2000 });
    return true;
  } catch (error) {
    return !hasStatus(error, 404);
  }
}

/** Tries again and again, until it works or the signal aborts. */
async function untilItWorks<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await attempt();
    } catch (error) {
      onFailure(error);
      await Promise.race([new Promise((resolve) => setTimeout(resolve, START_RETRY)), aborted(signal)]);
    }
  }
  return undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
