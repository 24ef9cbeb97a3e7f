/** Somebody changes or deletes what the operator made in the cluster, and its own definitions. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl } from '../../cluster/kubectl.ts';
import { Authority } from '../../cluster/pki.ts';
import type { Json } from '../admin.ts';
import type { Row } from '../row.ts';
import { bad, CONFIGURATIONS, policy, POLICIES } from '../samples.ts';
import type { Replica, Stage } from '../stage.ts';
import { RECONCILES_WITHIN } from './replicas.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CONFIGURATION = `${CONFIGURATIONS}/readiness-operator`;
const HEALED_WITHIN = 5000;
/** The API server's own watch of configurations follows within this time, in milliseconds. */
const NOTICED = 1000;

const OTHER = Buffer.from((await Authority.create('somebody')).certificate).toString('base64');

/** What somebody might do to it. */
const EDITS: Record<string, (webhooks: Json[]) => Json[]> = {
  'entries removed': () => [],
  'made to ignore failures': (webhooks) =>
    webhooks.map((entry) => ({ ...entry, failurePolicy: 'Ignore', timeoutSeconds: 1 })),
  'another CA': (webhooks) =>
    webhooks.map((entry) => ({ ...entry, clientConfig: { ...entry['clientConfig'], caBundle: OTHER } })),
  'rules widened, conditions removed': (webhooks) =>
    webhooks.map((entry) => ({ ...entry, namespaceSelector: {}, matchConditions: [] })),
};

/** Without the CAs: an old one that is trusted no more may leave by itself while this is looked at. */
async function webhooksOf(stage: Stage): Promise<string> {
  const { webhooks } = await stage.admin.get(CONFIGURATION);
  const bundles = new Set((webhooks as Json[]).map(({ clientConfig }) => clientConfig['caBundle']));
  return JSON.stringify([webhooks, bundles.has(OTHER)], (key, value: unknown) => (key === 'caBundle' ? '' : value));
}

export const configurationBroken: Row = {
  name: 'webhook configuration edited, deleted',
  breaks: 'entries removed; failures ignored; another CA; rules widened; deleted',
  asserts: 'as it was within 5 s, each time (requests until then are excused)',
  run: async (stage, load, checks) => {
    const before = await webhooksOf(stage);
    const healed = async () => (await webhooksOf(stage)) === before || 'it still differs';
    for (const [what, edit] of Object.entries(EDITS)) {
      await load.excuse('all', async () => {
        const object = await stage.admin.get(CONFIGURATION);
        await stage.admin.put(CONFIGURATION, { ...object, webhooks: edit(object['webhooks'] as Json[]) });
        await checks.within(`${what}: healed`, HEALED_WITHIN, healed);
        await sleep(NOTICED);
      });
      await sleep(2000);
    }
    await load.excuse('all', async () => {
      await stage.admin.remove(CONFIGURATION);
      await checks.within('deleted: there again', HEALED_WITHIN, healed);
      await sleep(NOTICED);
    });
    checks.that('denies', (await stage.denies()) === true, await stage.denies());
  },
};

export const definitionsDeleted: Row = {
  name: 'own CRDs deleted and reapplied',
  breaks: 'the CRDs deleted, and all policies with them; 10 s later applied again with the policy',
  asserts: 'nothing is denied without a policy; enforced again within 40 s (verdicts until then are excused)',
  run: async (stage, load, checks) => {
    const { admin, cluster } = stage;
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const names = ((await admin.get(definitions))['items'] as Json[])
      .map(({ metadata }) => metadata.name as string)
      .filter((name) => name.endsWith('.readiness-operator.dev'));
    await load.excuse('verdicts', async () => {
      for (const name of names) await admin.remove(`${definitions}/${name}`);
      await checks.within('nothing is denied any more', RECONCILES_WITHIN, async () => {
        const said = await stage.denies();
        return (said !== true && said.startsWith('201')) || said;
      });
      await sleep(10_000);
      for (const replica of stage.replicas) checks.that(`${replica.name} is ready`, await replica.ready());
      await kubectl(cluster, ['apply', '--server-side', '-f', join(ROOT, 'crds')]);
      await kubectl(cluster, ['wait', '--for=condition=Established', ...names.map((name) => `crd/${name}`)]);
      const reapplied = performance.now();
      await checks.within(
        'the policy is there again',
        RECONCILES_WITHIN,
        async () => (await admin.apply(`${POLICIES}/production`, policy('production')))['kind'] === 'ReadinessPolicy',
      );
      await checks.within('enforced', 40_000, () => stage.isEnforced('production'), reapplied);
      await checks.within('denies', 40_000, () => stage.denies(), reapplied);
      for (const replica of stage.replicas) {
        await checks.within(`${replica.name} knows the policy`, 40_000, () => knows(replica), reapplied);
      }
    });
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
  },
};

async function knows(replica: Replica): Promise<boolean> {
  return (await replica.verdict(bad('known'))) === false;
}
