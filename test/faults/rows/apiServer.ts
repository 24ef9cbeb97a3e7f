/** An API server that is away, hangs, is slow or refuses. */
import { setTimeout as sleep } from 'node:timers/promises';
import { STANDARD, type Mix } from '../load.ts';
import type { Row } from '../row.ts';
import type { Replica } from '../stage.ts';
import { RECONCILES_WITHIN } from './replicas.ts';

const ETCD_STOPPED = 10_000;
const SLOW = { delay: 2000, lasts: 25_000 };
const REFUSED = 60_000;
/** Requests a second of one replica to an API server that refuses them all. */
const MOST_ASKED = 20;

/** A denial for a missing Secret needs one live read; without it, "could not find out" lets the request pass. */
const DISTURBED: Mix = {
  ...STANDARD,
  straight: STANDARD.straight.map((shot) => (shot.text.includes('"absent"') ? { ...shot, expect: 'valid' } : shot)),
};

export const apiServerRestart: Row = {
  name: 'API server restart',
  breaks: 'the API server stopped (SIGTERM) and started, then killed and started',
  asserts: 'reconciling within 20 s',
  mix: DISTURBED,
  refuses: true,
  run: async (stage, _load, checks) => {
    const { apiServer } = stage.cluster;
    await apiServer.restart();
    await sleep(5000);
    await apiServer.kill();
    await apiServer.start();
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
  },
};

export const etcdStopped: Row = {
  name: 'etcd stopped for 10 s',
  breaks: 'etcd stopped (SIGSTOP), 10 s later continued',
  asserts: 'reconciling within 20 s; one leader',
  mix: DISTURBED,
  refuses: true,
  run: async (stage, _load, checks) => {
    const { etcd } = stage.cluster;
    await sleep(3000);
    etcd.signal('SIGSTOP');
    await sleep(ETCD_STOPPED);
    etcd.signal('SIGCONT');
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
    await checks.within('one leader', 5000, async () => (await stage.leader()).running);
  },
};

/** How often a replica said within so many milliseconds, asked twice a second, that it does not lead. */
async function lapsesOf(replica: Replica, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds;
  let lapses = 0;
  while (performance.now() < end) {
    if (/^readiness_operator_leader 0$/m.test(await replica.metrics())) lapses += 1;
    await sleep(500);
  }
  return lapses;
}

export const slow: Row = {
  name: 'API server answers in 2 s',
  breaks: 'each answer to the operator 2 s late, for 25 s',
  asserts: 'still reconciling, within 40 s; the leader never stops to lead',
  mix: DISTURBED,
  run: async (stage, _load, checks) => {
    const before = await stage.leader();
    for (const { proxy } of stage.replicas) proxy.fault = { delay: SLOW.delay };
    const lapses = lapsesOf(before, SLOW.lasts);
    await checks.within('reconciling', 40_000, stage.newWork());
    checks.that('the leader led all the time', (await lapses) === 0, `${await lapses} looks showed otherwise`);
    for (const { proxy } of stage.replicas) proxy.fault = {};
    await checks.within('the same leader', 5000, async () => (await stage.leader()) === before);
  },
};

export const refused: Row = {
  name: '429 for a minute',
  breaks: 'every request of the operator refused with 429, and its watches ended, for 60 s',
  asserts: `at most ${MOST_ASKED} requests a second to the API server meanwhile; reconciling within 20 s`,
  mix: DISTURBED,
  run: async (stage, _load, checks) => {
    const before = stage.replicas.map(({ proxy }) => proxy.requests);
    for (const { proxy } of stage.replicas) {
      proxy.fault = { refuse: true };
      proxy.cut('end');
    }
    await sleep(REFUSED);
    for (const { proxy } of stage.replicas) proxy.fault = {};
    const rates = stage.replicas.map(({ proxy }, index) => (proxy.requests - (before[index] ?? 0)) / (REFUSED / 1000));
    checks.that(
      'asks sparingly',
      rates.every((rate) => rate <= MOST_ASKED),
      `${rates.map((rate) => rate.toFixed(1)).join(' and ')} requests a second`,
    );
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
  },
};
