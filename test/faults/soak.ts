/**
 * `npm run soak`: ten minutes at 50 requests a second, most of which change one of 2,000 workloads, and two replicas whose
 * memory must not grow. The workloads are paused Deployments: all that the operator sees of a workload, without the
 * ReplicaSets and Pods that would load the API server and not the operator.
 */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBinaries } from '../cluster/binaries.ts';
import { streamLog } from '../cluster/log.ts';
import { freePort } from '../cluster/ports.ts';
import { Checks } from './checks.ts';
import { heapAfterCollection } from './inspector.ts';
import { Load, type Mix, type Shot } from './load.ts';
import { bad, deployments, good, JUDGED } from './samples.ts';
import { Stage } from './stage.ts';

const WORKLOADS = 2000;
const RATE = 50;
const MINUTE = 60_000;
/** The minutes whose memory is compared, counted from 1. */
const COMPARED = { first: 3, last: 10 };
const MOST_GROWTH = 1.05;
const MIB = 1024 * 1024;
const CREATED_AT_ONCE = 20;
/** A deleted workload is created again after so many turns, when its deletion is long over. */
const BACK_AFTER = 10;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: String(COMPARED.last) } } });
const last = Number(values.minutes);
const first = Math.min(COMPARED.first, last - 1);

const log = streamLog();
await ensureBinaries(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'], { log });
const stage = await Stage.open(log);
const checks = new Checks();
try {
  await soak();
} catch (error) {
  checks.that('ran to its end', false, error instanceof Error ? error.message : error);
} finally {
  await stage.close();
}
for (const { what, ok, detail } of checks.outcomes) console.log(`${ok ? 'ok ' : 'NOT'} ${what}: ${detail}`);
const failed = checks.outcomes.filter(({ ok }) => !ok).length;
console.log(`tests: ${checks.outcomes.length - failed} passed, ${failed} failed`);
// Not `exitCode`: a socket of a client that was left behind would keep the program.
process.exit(failed === 0 ? 0 : 1);

async function soak(): Promise<void> {
  const inspectors: number[] = [];
  for (const replica of stage.replicas) {
    const port = await freePort();
    inspectors.push(port);
    await replica.start({ inspect: port });
  }
  await stage.baseline({ keep: true });
  await populate();
  log(`${WORKLOADS} workloads are there`);

  const load = new Load(stage, churn(), RATE, MINUTE * (last + 1));
  const started = performance.now();
  const rss = stage.replicas.map(() => [] as number[][]);
  const heaps = new Map<number, number[]>();
  for (let minute = 1; minute <= last; minute++) {
    for (const samples of rss) samples.push([]);
    while (performance.now() - started < minute * MINUTE) {
      for (const [index, replica] of stage.replicas.entries()) rss[index]?.at(-1)?.push(replica.rss());
      await sleep(1000);
    }
    const medians = rss.map((samples) => median(samples.at(-1) ?? []).toFixed(1));
    log(`minute ${minute}: ${medians.join(' and ')} MiB resident, ${load.sent} requests`);
    // After the minute's samples, since a collection changes them.
    if (minute === first || minute === last) heaps.set(minute, await Promise.all(inspectors.map(heapAfterCollection)));
  }
  const counts = await load.abort();
  for (const text of counts.said) log(`said ${text}`);
  checks.that('rate', counts.rate >= RATE * 0.98, `${counts.rate.toFixed(1)} requests a second, ${counts.sent} in all`);
  checks.that('no wrong verdict', counts.wrong === 0, counts.wrong);
  checks.that('no failed request', counts.failed === 0, counts.failed);
  checks.that('none refused by the API server', counts.refused === 0, counts.refused);
  for (const [index, { name }] of stage.replicas.entries()) {
    flat(
      `resident memory of ${name}, median of a minute`,
      median(rss[index]?.[first - 1] ?? []),
      median(rss[index]?.[last - 1] ?? []),
    );
    flat(
      `heap of ${name} after a collection`,
      (heaps.get(first)?.[index] ?? NaN) / MIB,
      (heaps.get(last)?.[index] ?? NaN) / MIB,
    );
  }
}

function flat(what: string, from: number, to: number): void {
  const text = `${from.toFixed(1)} MiB in minute ${first}, ${to.toFixed(1)} MiB in minute ${last}`;
  checks.that(what, to <= from * MOST_GROWTH, `${text}, ${(to / from).toFixed(3)} times`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

function nameOf(index: number): string {
  return `soak-${index}`;
}

async function populate(): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < WORKLOADS) {
      const name = nameOf(next++);
      await stage.admin.apply(`${deployments(JUDGED)}/${name}`, good(name));
    }
  };
  await Promise.all(Array.from({ length: CREATED_AT_ONCE }, worker));
}

/** Of 5 requests: a rollout, another replica count, a bad Deployment that is denied, a deletion, a creation. */
function churn(): Mix {
  const api: Shot[] = [];
  const merge = { method: 'PATCH', contentType: 'application/merge-patch+json' };
  for (let index = 0; index < WORKLOADS; index++) {
    const name = nameOf(index);
    const path = `${deployments(JUDGED)}/${name}`;
    const rollout = { spec: { template: { metadata: { annotations: { turn: 'NAME' } } } } };
    const gone = nameOf((index + WORKLOADS / 2) % WORKLOADS);
    const back = nameOf((index + WORKLOADS / 2 + WORKLOADS - BACK_AFTER) % WORKLOADS);
    api.push(
      { what: 'a rollout', expect: 'allow', path, text: JSON.stringify(rollout), ...merge },
      {
        what: 'a scaling',
        expect: 'allow',
        path,
        text: JSON.stringify({ spec: { replicas: 2 + (index % 3) } }),
        ...merge,
      },
      { what: 'bad', expect: 'deny', path: deployments(JUDGED), text: JSON.stringify(bad('NAME')) },
      { what: 'a deletion', expect: 'allow', path: `${deployments(JUDGED)}/${gone}`, text: '', method: 'DELETE' },
      {
        what: 'good',
        expect: 'allow',
        path: `${deployments(JUDGED)}/${back}?fieldManager=faults&force=true`,
        text: JSON.stringify(good(back)),
        method: 'PATCH',
        contentType: 'application/apply-patch+yaml',
      },
    );
  }
  return { share: 1, api, straight: [] };
}
