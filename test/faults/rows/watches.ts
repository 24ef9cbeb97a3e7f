/** Watches that end in every way a network has, and such that only fall silent. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import type { Checks } from '../checks.ts';
import type { Cut } from '../proxy.ts';
import type { Row } from '../row.ts';
import { bad, policy, POLICIES, withSecret } from '../samples.ts';
import type { Replica, Stage } from '../stage.ts';

const CUTS = 50;
const BETWEEN = 400;
const LOUD: readonly Cut[] = ['end', 'close', 'reset', 'half'];
const WITHIN = { loud: 5000, silent: 30_000 };
const CUT_OFF = { faults: 'cut-off' };
/** A policy that denies nothing. A request that comes by its route shows which other policies a replica finds to match. */
const ASKED = 'asked';
const AUDITS = { profile: 'none', checks: { imageTag: { priority: 'NiceToHave' } } };

/** Objects that the caches know, about to change while nobody hears. */
async function prepare(stage: Stage): Promise<void> {
  const { admin } = stage;
  await stage.namespace('cut-off', CUT_OFF);
  await stage.namespace('joins', {});
  // Another row of these may have labelled it.
  await admin.patch('/api/v1/namespaces/joins', { metadata: { labels: { faults: null } } });
  await admin.apply('/api/v1/namespaces/cut-off/secrets/going', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'going' },
    stringData: { key: 'a value' },
  });
  await admin.apply(`${POLICIES}/cut-off`, policy('cut-off', {}, CUT_OFF));
  await admin.apply(`${POLICIES}/${ASKED}`, policy(ASKED, AUDITS, { nobody: ASKED }));
  await stage.enforced('cut-off');
  await stage.enforced(ASKED);
  for (const replica of stage.replicas) {
    await until(`the caches of ${replica.name} to be right at the start`, async () => {
      const is = await knows(replica, 'old');
      if (is === true) return true;
      throw new Error(is);
    });
  }
}

/** Changes one object of each cache whose answer no live read can mend. */
async function change({ admin }: Stage): Promise<void> {
  await admin.remove('/api/v1/namespaces/cut-off/secrets/going');
  await admin.patch('/api/v1/namespaces/joins', { metadata: { labels: CUT_OFF } });
  await admin.apply(
    `${POLICIES}/cut-off`,
    policy('cut-off', { checks: { minReplicas: { priority: 'Critical', replicas: 4 } } }, CUT_OFF),
  );
}

/** Does a replica know the old or the new state of all that was changed? A text says what is otherwise. */
async function knows(replica: Replica, state: 'old' | 'new'): Promise<true | string> {
  const said = {
    // Present in the cache: allowed without a question.
    secret: (await replica.verdict(scaled(withSecret('s', 'going', 'cut-off')), 'cut-off')) === false,
    namespace: (await replica.verdict(bad('n', 'joins'), ASKED)) === false,
    policy: (await replica.verdict(withReplicas(3), 'cut-off')) === false,
  };
  const wrong = Object.entries(said).filter(([, isNew]) => isNew !== (state === 'new'));
  return (
    wrong.length === 0 || `${replica.name} does not know the ${state} state: ${wrong.map(([what]) => what).join(', ')}`
  );
}

function scaled(object: Record<string, any>, replicas = 5): Record<string, any> {
  object['spec'].replicas = replicas;
  return object;
}

const withReplicas = (replicas: number) => {
  const object = scaled(withSecret('p', 'going', 'cut-off'), replicas);
  delete object['spec'].template.spec.containers[0].env;
  return object;
};

async function cachesRight(stage: Stage, checks: Checks, limit: number, since: number): Promise<void> {
  await Promise.all(
    stage.replicas.map((replica) =>
      checks.within(`caches of ${replica.name} are right`, limit, () => knows(replica, 'new'), since),
    ),
  );
}

export const watchesCut: Row = {
  name: 'watches cut 50 times',
  breaks: 'all watches ended, closed, reset or broken in the middle of a line, 50 times in 20 s',
  asserts: 'caches of both replicas right within 5 s of the last cut',
  prepare,
  run: async (stage, _load, checks) => {
    for (let turn = 0; turn < CUTS; turn++) {
      // The last few while everything changes.
      if (turn === CUTS - 3) await change(stage);
      for (const { proxy } of stage.replicas) proxy.cut(LOUD[turn % LOUD.length] as Cut);
      await sleep(BETWEEN);
    }
    await cachesRight(stage, checks, WITHIN.loud, performance.now() - BETWEEN);
  },
};

export const watchesDeaf: Row = {
  name: 'watches fall silent',
  breaks: 'nothing comes through the open watches any more, no FIN, no RST',
  asserts: 'caches of both replicas right within 30 s',
  prepare,
  run: async (stage, _load, checks) => {
    let deaf = 0;
    for (const { proxy } of stage.replicas) deaf += proxy.cut('silent');
    const since = performance.now();
    await change(stage);
    checks.that('watches were open', deaf > 10, `${deaf} of them`);
    await cachesRight(stage, checks, WITHIN.silent, since);
  },
};
