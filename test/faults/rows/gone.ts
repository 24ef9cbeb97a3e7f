/** Every replica is gone, and a policy that denies is in force: what must go on working all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, AskOptions } from '../admin.ts';
import type { Shot } from '../load.ts';
import type { Row } from '../row.ts';
import { bad, CONFIGURATIONS, deployments, FREE, good, JUDGED, POLICIES } from '../samples.ts';
import type { Stage } from '../stage.ts';

const STANDING = 'standing';
const MERGE = 'application/merge-patch+json';
const CONTROLLER = {
  user: 'system:serviceaccount:kube-system:replicaset-controller',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
};
/** `system:masters`, since this API server has no authorizer that knows nodes. */
const NODE = { user: 'system:node:worker-1', groups: ['system:nodes', 'system:masters', 'system:authenticated'] };

function pod(name: string, annotations: Record<string, string> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: JUDGED, annotations },
    spec: { containers: [{ name: 'app', image: 'registry.example.com/app:latest' }] },
  };
}

const MIRROR = { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' };
const PODS = `/api/v1/namespaces/${JUDGED}/pods`;
const standing = `${deployments(JUDGED)}/${STANDING}`;
const shot = (path: string, object: object | undefined, more: Partial<Shot> = {}): Shot => ({
  expect: 'allow',
  path: `${path}?dryRun=All`,
  text: object === undefined ? '' : JSON.stringify(object),
  ...more,
});

/** All of them must pass. */
const WORKING: readonly Shot[] = [
  shot(deployments('kube-system'), bad('NAME', 'kube-system')),
  shot(deployments(FREE), bad('NAME', FREE)),
  shot(PODS, pod('NAME'), { as: CONTROLLER }),
  shot(PODS, pod('NAME', MIRROR), { as: NODE }),
  shot(standing, undefined, { method: 'DELETE' }),
  shot(standing, { metadata: { labels: { a: 'NAME' } } }, { method: 'PATCH', contentType: MERGE }),
  shot(`${standing}/scale`, { spec: { replicas: 9 } }, { method: 'PATCH', contentType: MERGE }),
];

/** Asks and says whether it worked. */
async function works(stage: Stage, method: string, path: string, options: AskOptions = {}): Promise<true | string> {
  const { status, text }: Answer = await stage.admin.ask(method, path, options);
  return (status >= 200 && status < 300) || `${status} ${text.slice(0, 300)}`;
}

export const allGone: Row = {
  name: 'all replicas gone',
  breaks: 'both replicas killed while a policy with failurePolicy Fail is in force',
  asserts:
    'system and unmatched namespaces, controllers, nodes, deletes, labels, scaling up, relaxing and removing the policy' +
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
    const refused = await stage.admin.ask('POST', `${deployments(JUDGED)}?dryRun=All`, create);
    checks.that(
      'a create that is judged is refused, for want of an answer',
      refused.text.includes('failed calling webhook'),
      `${refused.status} ${refused.text.slice(0, 200)}`,
    );
    const relax = { body: { spec: { enforcement: { critical: 'Warn' } } }, contentType: MERGE };
    const relaxed = await works(stage, 'PATCH', `${POLICIES}/production`, relax);
    checks.that('the policy can be relaxed', relaxed === true, relaxed);
    const removed = await works(stage, 'DELETE', `${POLICIES}/production`);
    checks.that('the policy can be removed', removed === true, removed);
    while (load.sent < 5800) await sleep(100);
    // The recovery command of docs/operations.
    const recovered = await works(stage, 'DELETE', `${CONFIGURATIONS}/readiness-operator`);
    checks.that('the recovery command works', recovered === true, recovered);
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
