/**
 * A server with 200 policies in a process of its own. Told `start`, it begins to watch itself; told `stop`, it tells the
 * longest time in which it answered nobody, and by how much its memory grew at most.
 */
import { threadCpuUsage } from 'node:process';
import { systemClock } from '../../src/kube/clock.ts';
import { createMetrics } from '../../src/metrics.ts';
import { WebhookServer } from '../../src/webhook/server.ts';
import { Authority } from '../cluster/pki.ts';
import { ALL_KNOWN } from '../support/callers.ts';
import { SILENT } from '../support/logger.ts';
import { policyOf } from '../support/policies.ts';
import { worldOf } from '../support/worlds.ts';

const POLICIES = 200;
/** Those with one match are called by one route. */
const ROUTES = 20;

export interface Cost {
  /** Milliseconds of processor time, so that the figure is that of a machine with nothing else to do. */
  readonly delay: number;
  /** Bytes. */
  readonly memory: number;
}

const policies = Array.from({ length: POLICIES }, (_, index) => {
  const match = {
    namespaceSelector: { matchExpressions: [{ key: `no-${index % ROUTES}`, operator: 'DoesNotExist' }] },
  };
  // No two policies are the same to the checks that cost most.
  const checks = {
    minReplicas: { replicas: 2 + index },
    memoryLimits: { max: `${index + 1}Gi` },
    hardcodedCredentials: { allow: [`ALLOWED_${index}`] },
    placeholderValues: { allow: [`ALLOWED_${index}`] },
  };
  const enforcement = { existingViolations: index % 2 === 0 ? 'Deny' : 'Warn' };
  return policyOf({ profile: 'production-v1', match, checks, enforcement }, undefined, {
    name: `p${index}`,
    uid: `u${index}`,
  });
});

const refused = (): never => {
  throw new Error('not asked for');
};
const authority = await Authority.create('costs');
const { certificate: cert, key } = await authority.server('localhost', ['127.0.0.1']);
const server = new WebhookServer({
  clock: systemClock,
  host: '127.0.0.1',
  port: 0,
  certificate: { cert, key },
  world: worldOf(policies, { now: () => systemClock.now() }),
  notReady: () => undefined,
  degraded: () => undefined,
  draining: () => false,
  callers: ALL_KNOWN,
  policiesFor: () => Promise.resolve(undefined),
  reviewPolicy: refused,
  reviewException: refused,
  reviewNamespace: refused,
  onEvent: () => {},
  logger: SILENT,
  metrics: createMetrics(),
});

const used = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const worked = (): number => {
  const { user, system } = threadCpuUsage();
  return (user + system) / 1000;
};
let before = 0;
let most = 0;
let since = 0;
let delay = 0;
function look(): void {
  most = Math.max(most, used());
  delay = Math.max(delay, worked() - since);
  since = worked();
}
setInterval(look, 5);

process.on('message', (message) => {
  if (message === 'start') {
    globalThis.gc?.();
    before = used();
    [most, delay, since] = [before, 0, worked()];
    process.send?.('started');
    return;
  }
  look();
  process.send?.({ delay, memory: most - before } satisfies Cost);
});
process.once('disconnect', () => process.exit());
process.send?.({ port: await server.listen() });
