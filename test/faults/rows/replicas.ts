/** Replicas that end, in order and not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { create, straight, STANDARD, type Load, type Mix } from '../load.ts';
import type { Row } from '../row.ts';
import { good, policy, POLICIES } from '../samples.ts';
import type { Replica, Stage } from '../stage.ts';
import type { Checks } from '../checks.ts';

/** The operator reconciles again this long after the worst, in milliseconds. */
export const RECONCILES_WITHIN = 20_000;
const STOPS_WITHIN = 15_000;

/** Stops a replica in order and starts it again; the other one carries on meanwhile. */
async function restart(stage: Stage, replica: Replica, checks: Checks): Promise<void> {
  const took = await replica.stop();
  checks.that(`${replica.name} stops in order`, took < STOPS_WITHIN, `${(took / 1000).toFixed(1)} s`);
  await replica.start();
  await balanced(stage);
}

/** Waits until the balancer has noticed that both are ready. */
async function balanced(stage: Stage): Promise<void> {
  await until('the balancer to notice both replicas', () => stage.balancer.ready.length === 2);
}

export const rollingRestart: Row = {
  name: 'rolling restart',
  breaks: 'each replica stopped (SIGTERM) and started, one after the other',
  asserts: 'each stops within 15 s; reconciling within 20 s',
  run: async (stage, _load, checks) => {
    for (const replica of stage.replicas) await restart(stage, replica, checks);
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
  },
};

export const killTheLeader: Row = {
  name: 'kill -9 of the leader',
  breaks: 'the leader killed, started again after the other one has taken over',
  asserts: "a new policy's status and a new workload's report within 20 s of the kill; one leader; it joins again",
  run: async (stage, load, checks) => {
    const leader = await stage.leader();
    const killed = performance.now();
    await load.killing(
      () => leader.kill(),
      () => stage.balancer.brokenBy(leader.name),
    );
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork(), killed);
    await leader.start();
    await balanced(stage);
    await checks.within('one leader', 5000, async () => (await stage.leader()) !== leader);
  },
};

const CHANGING = { faults: 'changing' };
const changing = (minimum: number) =>
  policy('changing', { checks: { minReplicas: { priority: 'Critical', replicas: minimum } } }, CHANGING);

/** The policy changes all the time, so either verdict can be right; no verdict never is. */
const WHILE_CHANGING: Mix = {
  ...STANDARD,
  api: [...STANDARD.api, create('good under a policy that changes', 'valid', good('NAME', 'changing'))],
  straight: [
    ...STANDARD.straight,
    straight('good under a policy that changes', 'valid', good('NAME', 'changing'), '/validate/workloads/changing'),
  ],
};

/** Changes `changing` twice a second, and makes and removes others, until told to stop. @returns the last minimum */
async function changePolicies(stage: Stage, signal: AbortSignal): Promise<number> {
  for (let turn = 0; ; turn++) {
    const minimum = 2 + (turn % 4);
    await stage.admin.apply(`${POLICIES}/changing`, changing(minimum));
    const passing = `passing-${turn % 3}`;
    if (turn % 2 === 0) await stage.admin.apply(`${POLICIES}/${passing}`, policy(passing, {}, CHANGING));
    else await stage.admin.remove(`${POLICIES}/passing-${(turn - 1) % 3}`);
    if (signal.aborted && turn % 2 === 1) return minimum;
    await sleep(500);
  }
}

export const restartWhilePoliciesChange: Row = {
  name: 'restarts while policies change',
  breaks: 'both replicas restarted one after the other while two policies change each second',
  asserts: 'both replicas know the last version within 5 s, and it is enforced',
  mix: WHILE_CHANGING,
  prepare: async (stage) => {
    await stage.namespace('changing', CHANGING);
    await stage.admin.apply(`${POLICIES}/changing`, changing(2));
    await stage.enforced('changing');
  },
  run: async (stage: Stage, load: Load, checks: Checks) => {
    const stop = new AbortController();
    const last = changePolicies(stage, stop.signal);
    // Awaited below, where it counts; until then a failure must not end the program.
    last.catch(() => {});
    for (const replica of stage.replicas) await restart(stage, replica, checks);
    await until('5000 requests', () => load.sent >= 5000);
    stop.abort();
    const minimum = await last;
    for (const replica of stage.replicas) {
      await checks.within(`${replica.name} has the last version`, 5000, async () => {
        const enough = await replica.verdict(good('enough', 'changing', minimum), 'changing');
        const tooFew = await replica.verdict(good('too-few', 'changing', minimum - 1), 'changing');
        return (enough === true && tooFew === false) || `${minimum}: ${enough}, ${minimum - 1}: ${tooFew}`;
      });
    }
    await checks.within('enforced', RECONCILES_WITHIN, () => stage.isEnforced('changing'));
  },
};
