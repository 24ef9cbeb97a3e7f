/** Every replica is gone, and a policy that denies is in force: what must go on working all the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RESTARTED_AT } from '../../../src/policy/exemptions.ts';
import { kubectl } from '../../cluster/kubectl.ts';
import { until } from '../../support/until.ts';
import type { Answer, AskOptions } from '../admin.ts';
import type { Shot } from '../load.ts';
import type { Row } from '../row.ts';
import { bad, deployments, FREE, good, JUDGED, POLICIES } from '../samples.ts';
import type { Stage } from '../stage.ts';

const STANDING = 'standing';
const MERGE = 'application/merge-patch+json';
const CONTROLLER = {
  user: 'system:serviceaccount:kube-system:replicaset-controller',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
};
/** `system:masters`, since this API server has no authorizer that knows nodes. */
const NODE = { user: 'system:node:worker-1', groups: ['system:nodes', 'system:masters', 'system:authenticated'] };

const MIRROR = { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' };

/** A Pod that no check would let pass; with a node's name as a node announces it. */
function pod(name: string, nodeName?: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: JUDGED, ...(nodeName === undefined ? {} : { annotations: MIRROR }) },
    spec: {
      ...(nodeName === undefined ? {} : { nodeName }),
      containers: [{ name: 'app', image: 'registry.example.com/app:latest' }],
    },
  };
}

const PODS = `/api/v1/namespaces/${JUDGED}/pods`;
const standing = `${deployments(JUDGED)}/${STANDING}`;
const shot = (what: string, path: string, object: object | undefined, more: Partial<Shot> = {}): Shot => ({
  what,
  expect: 'allow',
  path: `${path}?dryRun=All`,
  text: object === undefined ? '' : JSON.stringify(object),
  ...more,
});

const RESTART = { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: 'now' } } } } };
const NEW_VERSION = { spec: { template: { metadata: { annotations: { version: '2' } } } } };

/** All of them must pass. */
const WORKING: readonly Shot[] = [
  shot('of a system namespace', deployments('kube-system'), bad('NAME', 'kube-system')),
  shot('of a namespace that nothing matches', deployments(FREE), bad('NAME', FREE)),
  shot('a Pod of a controller', PODS, pod('NAME'), { as: CONTROLLER }),
  shot('a Pod of a node', PODS, pod('NAME', 'worker-1'), { as: NODE }),
  shot('a deletion', standing, undefined, { method: 'DELETE' }),
  shot('a label', standing, { metadata: { labels: { a: 'NAME' } } }, { method: 'PATCH', contentType: MERGE }),
  shot('a restart', standing, RESTART, { method: 'PATCH', contentType: MERGE }),
  shot('a pause', standing, { spec: { paused: true } }, { method: 'PATCH', contentType: MERGE }),
  shot('a scaling', `${standing}/scale`, { spec: { replicas: 9 } }, { method: 'PATCH', contentType: MERGE }),
];

/** What the recovery page says to fail. */
const REFUSED: readonly [what: string, method: string, path: string, options: AskOptions][] = [
  ['a create that a policy matches', 'POST', deployments(JUDGED), { body: good('refused') }],
  ['scaling down', 'PATCH', `${standing}/scale`, { body: { spec: { replicas: 1 } }, contentType: MERGE }],
  ['a new version', 'PATCH', standing, { body: NEW_VERSION, contentType: MERGE }],
];

/** The first command of docs/operations/recovery.md, without `kubectl`. */
async function recoveryCommand(): Promise<string[]> {
  const page = await readFile(join(import.meta.dirname, '../../../docs/operations/recovery.md'), 'utf8');
  return /```\nkubectl (.+)\n/.exec(page)?.[1]?.split(' ') ?? [];
}

/** Asks and says whether it worked. */
async function works(stage: Stage, method: string, path: string, options: AskOptions = {}): Promise<true | string> {
  const { status, text }: Answer = await stage.admin.ask(method, path, options);
  return (status >= 200 && status < 300) || `${status} ${text.slice(0, 300)}`;
}

export const allGone: Row = {
  name: 'all replicas gone',
  breaks: 'both replicas killed while a policy with failurePolicy Fail is in force',
  asserts:
    'system and unmatched namespaces, controllers, nodes, deletes, labels, restarts, pauses, scaling up, relaxing and removing the policy' +
    ' work; creates in its namespaces are refused until the recovery command; healed when the replicas come back',
  mix: { share: 1, api: WORKING, straight: [] },
  prepare: async (stage) => {
    await stage.admin.apply(standing, good(STANDING));
    await stage.newWork()();
  },
  run: async (stage, load, checks) => {
    await Promise.all(stage.replicas.map((replica) => replica.kill()));
    await stage.balancer.look();
    const create = { body: good('refused') };
    for (const [what, method, path, options] of REFUSED) {
      const { status, text } = await stage.admin.ask(method, `${path}?dryRun=All`, options);
      const isRefused = text.includes('failed calling webhook');
      checks.that(`${what} is refused, for want of an answer`, isRefused, isRefused ? '' : `${status} ${text}`);
    }
    const relax = { body: { spec: { enforcement: { critical: 'Warn' } } }, contentType: MERGE };
    const relaxed = await works(stage, 'PATCH', `${POLICIES}/production`, relax);
    checks.that('the policy can be relaxed', relaxed === true, relaxed);
    const removed = await works(stage, 'DELETE', `${POLICIES}/production`);
    checks.that('the policy can be removed', removed === true, removed);
    await until('5800 requests', () => load.sent >= 5800);
    const command = await recoveryCommand();
    const recovered = await kubectl(stage.cluster, command, { allowFailure: true });
    checks.that(
      'the recovery command works',
      recovered.code === 0,
      `kubectl ${command.join(' ')}: ${recovered.stderr}`,
    );
    await checks.within('creates work again', 5000, () =>
      works(stage, 'POST', `${deployments(JUDGED)}?dryRun=All`, create),
    );
  },
  after: async (stage, checks) => {
    const started = performance.now();
    await stage.baseline();
    await checks.within('enforced again', 30_000, () => stage.denies(), started);
    await stage.admin.remove(standing);
  },
};
