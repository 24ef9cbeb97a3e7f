/** A wall clock that is set. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../row.ts';
import { RECONCILES_WITHIN } from './replicas.ts';
import { secretVersion } from './certificates.ts';

const HOUR = 3_600_000;
let secretBefore = '';

export const clockJump: Row = {
  name: 'clock jumps one hour',
  breaks: "the leader's clock, then both, one hour ahead, right again, one hour back, right again, 5 s each",
  asserts: 'the leader stays the same, or another takes over; the certificate is not renewed; reconciling within 20 s',
  prepare: async (stage) => {
    await Promise.all(stage.replicas.map((replica) => replica.stop()));
    await Promise.all(stage.replicas.map((replica) => replica.start({ clock: true })));
    await stage.baselineReady();
    secretBefore = await secretVersion(stage);
  },
  run: async (stage, _load, checks) => {
    const leader = await stage.leader();
    leader.setClock(HOUR);
    await sleep(5000);
    for (const ahead of [HOUR, 0, -HOUR, 0]) {
      for (const replica of stage.replicas) replica.setClock(ahead);
      await sleep(5000);
    }
    await checks.within('one leader', 5000, async () => (await stage.leader()).running);
    await checks.within('reconciling', RECONCILES_WITHIN, stage.newWork());
    checks.that('the certificate is the same', (await secretVersion(stage)) === secretBefore);
  },
};
