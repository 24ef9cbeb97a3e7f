/** The wiring of `serve`: from the configuration to a running operator, and back to a stopped one. */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { CHECKS } from './checks/index.ts';
import type { Config } from './config.ts';
import { hasReadyEndpoint, stopsForGood } from './controller/installation.ts';
import { Exceptions } from './controller/exceptions.ts';
import { NewestCopies } from './controller/newest-copies.ts';
import { Policies } from './controller/policies.ts';
import { Reconcilers } from './controller/reconcilers.ts';
import type { WebhookAddress } from './controller/webhook-configuration.ts';
import { calledPaths } from './controller/webhook-configuration-objects.ts';
import { withdrawEntries } from './controller/webhook-configuration-reconciler.ts';
import { Workloads } from './controller/workloads.ts';
import { RELATED_KINDS } from './engine/related.ts';
import type { Labels } from './engine/selectors.ts';
import type { Clock } from './kube/clock.ts';
import { hasStatus, KubeClient } from './kube/client.ts';
import { Informer, type WatchHealth } from './kube/informer.ts';
import { EventRecorder } from './kube/events.ts';
import { LeaderElection } from './kube/lease.ts';
import { InformedRelated } from './kube/related.ts';
import { createLogger } from './logger.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { PolicyCompiler } from './policy/compile.ts';
import { ExceptionCompiler } from './policy/exceptions.ts';
import { exemptionsOf } from './policy/exemptions.ts';
import type { ServingCertificate } from './webhook/certificate-exchange.ts';
import { Callers } from './webhook/callers.ts';
import { CertificateKeeper } from './webhook/certificate-keeper.ts';
import { ApiServerReads } from './webhook/live.ts';
import { bareFor, PathTokens, withoutToken, withToken } from './webhook/path-token.ts';
import { reviewException } from './webhook/exception-review.ts';
import { reviewNamespace } from './webhook/namespace-review.ts';
import { reviewPolicy } from './webhook/policy-review.ts';
import {
  EXCEPTION_PATH,
  LIMITS,
  NAMESPACE_PATH,
  POLICY_PATH,
  STAMP_PATH,
  WebhookServer,
  WORKLOADS_PATH,
  type CertifiedKey,
} from './webhook/server.ts';
import type { World } from './webhook/world.ts';
import { collectAtRest, collector } from './rest.ts';
import { publishWatches, stuckWatch } from './watches.ts';

/** Milliseconds between two looks at the ages of watches. */
const WATCH_METRICS_INTERVAL = 5000;
/** How long to wait before trying again what must succeed for the operator to start, in milliseconds. */
const START_RETRY = 1000;
/** For one question that the leader starts with, in milliseconds. */
const START_TIMEOUT = 5000;
/**
 * How long requests are still answered after the order to stop, in milliseconds: until Services and load balancers have
 * noticed that this replica is no longer ready.
 */
const DRAIN = 5000;
/**
 * How long to wait for a certificate before listening with one that nobody trusts, in milliseconds: so that a replica whose
 * Secret somebody else has yet to make is seen to be alive, and not ready.
 */
const CERTIFICATE_PATIENCE = 2000;

/** Runs the operator until `signal` aborts; then stops it in order. @throws what makes it impossible to start at all */
export async function serve(config: Config, signal: AbortSignal, clock: Clock): Promise<void> {
  const logger = createLogger(config.log);
  const metrics = createMetrics();
  const client = await KubeClient.load(clock, config.kubeconfig);
  /** For what a request waits for, which no list may hold up. */
  const front = client.separate();
  /** For what is asked because a watch says nothing: it may have died with the connections of the others. */
  const doubting = client.separate();
  const compiler = new PolicyCompiler(CHECKS);
  const exceptionCompiler = new ExceptionCompiler(CHECKS);
  const kinds = config.workloadKinds;
  const exemptions = exemptionsOf([config.namespace, ...config.excludedNamespaces], config.excludedUsers);
  const onError = (error: unknown, what: string): void => {
    if (!hasStatus(error, 404)) logger.warn('asking the API server', { what, error });
  };
  /** Why no request can be judged; undefined: all can. */
  let missing: string | undefined = 'the operator is starting';
  let server: WebhookServer | undefined;
  const tokens = new PathTokens(clock);
  const called = (from: KubeClient, timeout: number): Promise<string[]> =>
    calledPaths(from, config.webhookConfiguration, config.address, timeout);
  /** Set while this replica leads. */
  let reconcilers: Reconcilers | undefined;

  const related = new InformedRelated({
    client,
    secretAccess: config.secretAccess,
    onChange: (kind, dependency) => reconcilers?.relatedChanged(kind, dependency),
    onState: (kind, { state, ...rest }) => logger.info('related objects', { kind, state, ...rest }),
    onError: (kind, error, what) => logger.warn('reading related objects', { kind, what, error }),
  });
  const workloads = new Workloads({
    client,
    kinds,
    onChange: (key) => reconcilers?.workloadChanged(key),
    onState: (kind, { state, ...rest }) => {
      logger.info('workloads', { kind, state, ...rest });
      reconcilers?.readabilityChanged();
    },
    onError: (kind, error, what) => logger.warn('reading workloads', { kind, what, error }),
  });
  const namespaces = new Informer<Labels>({
    client,
    group: '',
    versions: ['v1'],
    resource: 'namespaces',
    keep: ({ metadata }: { metadata: { labels?: Labels } }) => metadata.labels ?? {},
    onChange: (name) => reconcilers?.namespaceChanged(name),
    onError: (error, what) => logger.warn('reading namespaces', { what, error }),
  });
  const policies = new Policies({
    client,
    logger,
    compiler,
    prepare: async (asked, reads) => {
      await Promise.all([workloads.ensure(asked), related.ensure(reads), namespaces.settled]);
    },
    onChange: () => reconcilers?.policiesChanged(),
    onStatus: (name) => reconcilers?.policyStatusChanged(name),
  });
  const exceptions = new Exceptions({
    client,
    logger,
    compiler: exceptionCompiler,
    onChange: (change) => reconcilers?.exceptionChanged(change),
    onStatus: (key) => reconcilers?.exceptionStatusChanged(key),
  });
  const newest = new NewestCopies({
    clock,
    client: doubting,
    policies,
    exceptions,
    onError,
    mostWaiting: LIMITS.judged / 2,
  });
  const keeper = new CertificateKeeper({
    client,
    logger,
    mode: config.certificate,
    namespace: config.namespace,
    secretName: config.tlsSecret,
    hosts: hostsOf(config.address),
    onServing: (certificate) => {
      publishExpiry(certificate, metrics);
      tokens.serve(certificate.key);
      server?.setCertificate(certificate);
      reconcilers?.configurationChanged();
    },
    onTrust: () => reconcilers?.configurationChanged(),
  });
  const events = new EventRecorder({
    client,
    instance: config.replica,
    onDropped: ({ reason }) => metrics.eventsDropped.inc({ reason }),
    onError: ({ reason, regarding }, error) =>
      logger.warn('an event could not be written', { reason, regarding, error }),
  });
  /** Starts what the leader does, on the state of the world as it is now. */
  const newReconcilers = (): Reconcilers => {
    let reachable = false;
    let isBare = false;
    const calledAs = (path: string): string => withToken(isBare ? undefined : tokens.current, path);
    const made = new Reconcilers({
      client,
      logger,
      metrics,
      kinds,
      exemptions,
      policies,
      exceptions,
      workloads,
      related,
      events,
      unreadable: (kind) => related.unreadable(kind),
      unserved: (kind) => related.unserved(kind),
      namespaceLabels: (name) => namespaces.get(name),
      configuration: {
        name: config.webhookConfiguration,
        ownerClusterRole: config.ownerClusterRole,
        desired: () =>
          server === undefined || keeper.serving === undefined || missing !== undefined || !reachable
            ? undefined
            : {
                routes: policies.set.routes,
                kinds,
                exemptions,
                address: config.address,
                caBundle: keeper.caBundle,
                paths: {
                  workloads: calledAs(WORKLOADS_PATH),
                  policies: calledAs(POLICY_PATH),
                  exceptions: calledAs(EXCEPTION_PATH),
                  namespaces: calledAs(NAMESPACE_PATH),
                  stamp: calledAs(STAMP_PATH),
                },
              },
        onTrusted: (caBundle) => keeper.trusted(caBundle),
      },
    });
    const given = (): boolean => made !== reconcilers;
    const told = untilTold(clock, () => called(client, START_TIMEOUT), given, onError);
    // The API server must not be told to ask before it can find anybody who answers, and understands.
    void Promise.all([told, untilReachable(client, config.address, given, onError)]).then(([paths]) => {
      const wait = bareFor(paths);
      if (wait > 0) {
        isBare = true;
        clock.after(wait, () => {
          isBare = false;
          made.configurationChanged();
        });
      }
      reachable = true;
      made.configurationChanged();
    });
    return made;
  };
  const leaseClient = client.separate();
  const election = new LeaderElection({
    client: leaseClient,
    namespace: config.namespace,
    name: config.lease,
    identity: `${config.replica}_${randomUUID()}`,
    onStarted: () => {
      logger.info('leading', { lease: config.lease });
      metrics.leader.set(1);
      reconcilers = newReconcilers();
      reconcilers.start();
      keeper.lead();
    },
    onStopped: async () => {
      logger.info('no longer leading', { lease: config.lease });
      metrics.leader.set(0);
      keeper.unlead();
      const stopped = reconcilers;
      reconcilers = undefined;
      await stopped?.stop();
    },
    onError: (error) => logger.warn('leader election', { lease: config.lease, error }),
  });
  const watches = (): WatchHealth[] => [
    namespaces,
    policies.informer,
    exceptions.informer,
    keeper.health,
    ...(reconcilers?.informers ?? []),
    ...workloads.informers,
    ...related.informers.values(),
  ];
  const world: World = {
    now: clock.now,
    kinds,
    exemptions,
    policies: () => policies.set,
    exceptions: exceptions.set,
    related: related.live,
    namespaceLabels: (name) => namespaces.get(name),
    parent: (kind, namespace, name) => workloads.object(`${kind.kind}/${namespace}/${name}`),
    live: new ApiServerReads(
      front,
      clock,
      onError,
      (kind) => (RELATED_KINDS[kind].partOf ?? kind) !== 'Secret' || config.secretAccess !== 'None',
    ),
    beforeDenial: (namespace) => newest.beforeDenial(namespace),
  };

  namespaces.start();
  policies.start();
  exceptions.start();
  keeper.start();
  // The certificate and the caches do not wait for each other. Without its exceptions a policy would deny what it need not;
  // `settled` also where they can't be read: then they do not count, which is better than that nothing is answered.
  void Promise.all([policies.initial, exceptions.settled]).then(() => {
    if (signal.aborted) return;
    missing = undefined;
    logger.info('ready', { policies: policies.set.policies.length });
    // Before there is a certificate: it is the leader that makes it.
    election.start();
  });
  const certificate = await Promise.race([keeper.first, clock.sleep(CERTIFICATE_PATIENCE)]);
  server = new WebhookServer({
    ...config.listen,
    clock,
    certificate: keeper.serving ?? certificate ?? (await untrustedCertificate(clock.now())),
    world,
    callers: new Callers({
      clock,
      tokens,
      configured: async (timeout) => new Set((await called(front, timeout)).map((path) => withoutToken(path).token)),
      clients: config.clients,
    }),
    notReady: () => missing,
    degraded: () => keeper.missing ?? stuckWatch(watches()),
    draining: () => signal.aborted,
    policiesFor: (route) => newest.policiesFor(route),
    reviewPolicy: (request) => reviewPolicy(request, compiler, kinds),
    reviewException: (request) => reviewException(request, exceptionCompiler, policies.set, kinds, clock.now()),
    reviewNamespace: (request) => reviewNamespace(request, policies.set, exemptions),
    onEvent: (event, namespace) => events.record(event, namespace),
    logger,
    metrics,
  });
  const port = await server.listen();
  // One may have come while this one was made.
  if (keeper.serving !== undefined) server.setCertificate(keeper.serving);
  logger.info('listening', { host: config.listen.host, port });
  reconcilers?.configurationChanged();
  const collect = collector();
  const stopCollecting = collect && collectAtRest(clock, () => server?.received ?? 0, collect);
  const stopRenewing = tokens.onRenewal(() => reconcilers?.configurationChanged());
  const stopPublishing = clock.every(WATCH_METRICS_INTERVAL, () => publishWatches(watches(), metrics));
  await aborted(signal);

  // From here on unready, so that nobody new comes; who still comes is answered until the server closes.
  logger.info('stopping');
  const drained = clock.sleep(DRAIN);
  stopPublishing();
  stopRenewing();
  stopCollecting?.();
  await election.stop();
  try {
    if (config.deployment !== undefined && (await stopsForGood(client, config.namespace, config.deployment))) {
      await withdrawEntries(client, config.webhookConfiguration);
      logger.info('stopped for good: the API server asks nobody any more');
    }
  } catch (error) {
    // An uninstallation takes the permissions too; then the configuration goes with its owner.
    logger.warn('looking whether this is a stop for good', { error });
  }
  await drained;
  await server.close();
  events.stop();
  await Promise.all([
    policies.stop(),
    exceptions.stop(),
    keeper.stop(),
    workloads.stop(),
    related.stop(),
    namespaces.stop(),
  ]);
  leaseClient.close();
  client.close();
  front.close();
  doubting.close();
}

/** Resolves when the Service by which the API server calls has an endpoint, or nobody cares any more. */
async function untilReachable(
  client: KubeClient,
  address: WebhookAddress,
  given: () => boolean,
  onError: (error: unknown, what: string) => void,
): Promise<void> {
  if ('url' in address) return;
  const { namespace, name } = address.service;
  for (;;) {
    try {
      if (await hasReadyEndpoint(client, namespace, name)) return;
    } catch (error) {
      onError(error, 'looking for an endpoint of our Service');
      // Who may not look can't wait for what there is to see.
      if (hasStatus(error, 403)) return;
    }
    await client.clock.sleep(START_RETRY);
    if (given()) return;
  }
}

/** By which paths the API server is told to call; none where that can't be read, or nobody cares any more. */
async function untilTold(
  clock: Clock,
  called: () => Promise<string[]>,
  given: () => boolean,
  onError: (error: unknown, what: string) => void,
): Promise<string[]> {
  for (;;) {
    try {
      return await called();
    } catch (error) {
      onError(error, 'reading the webhook configuration');
      if (hasStatus(error, 403)) return [];
    }
    await clock.sleep(START_RETRY);
    if (given()) return [];
  }
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

function publishExpiry({ expires, authorityExpires }: ServingCertificate, { certificateExpiry }: Metrics): void {
  certificateExpiry.set({ certificate: 'leaf' }, expires / 1000);
  if (authorityExpires === undefined) certificateExpiry.remove({ certificate: 'authority' });
  else certificateExpiry.set({ certificate: 'authority' }, authorityExpires / 1000);
}

/** Good for health probes alone, which trust anything. Loaded only here, because the library that it needs is large. */
async function untrustedCertificate(now: number): Promise<CertifiedKey> {
  const { issueAuthority } = await import('./webhook/issue.ts');
  return issueAuthority('untrusted', new Date(now), new Date(now + 3650 * 24 * 3600 * 1000));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
