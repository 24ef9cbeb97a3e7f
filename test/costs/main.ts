/**
 * Looks for the review that costs most: no single one may keep others waiting for more than 250 ms, or take more than 64 MiB,
 * under 200 policies. `-- --seed N` begins with another one, `-- --count N` tries more; what it prints repeats each.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WORKLOADS_PATH } from '../../src/webhook/server.ts';
import { NODE_SETTINGS } from '../cluster/operator.ts';
import { candidateOf } from './candidates.ts';
import type { Cost } from './server.ts';

/** Milliseconds. */
const LONGEST_DELAY = 250;
/** Bytes. */
const MOST_MEMORY = 64 * 2 ** 20;
/** Tried before any counts: until then the code is compiled. */
const WARM_UP = 12;
/** The API server waits no longer, in milliseconds. */
const PATIENCE = 5000;

const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string' } } });
const first = Number(values.seed ?? Date.now() % 1_000_000);
const count = Number(values.count ?? 100);

const child = fork(join(import.meta.dirname, 'server.ts'), { execArgv: [...NODE_SETTINGS] });
const answer = async <T>(): Promise<T> => {
  const [message] = (await once(child, 'message')) as [T];
  return message;
};
const { port } = await answer<{ port: number }>();

/** Sends a review, and hangs up when nobody would wait any more. @returns its status; 0: there was no answer */
function send(body: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' };
    const url = `https://127.0.0.1:${port}${WORKLOADS_PATH}/p0`;
    const signal = AbortSignal.timeout(PATIENCE);
    const request = https.request(url, { method: 'POST', rejectUnauthorized: false, headers, signal }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', () => resolve(0));
    request.end(body);
  });
}

async function costOf(seed: number): Promise<Cost & { readonly what: string }> {
  const { what, body } = candidateOf(seed);
  const started = answer();
  child.send('start');
  await started;
  const status = await send(body);
  const cost = answer<Cost>();
  child.send('stop');
  return { ...(await cost), what: `${what}, status ${status}` };
}

console.log(`seeds from ${first}`);
for (let index = 0; index < WARM_UP; index++) await costOf(index);
let failed = 0;
const worst = { delay: 0, memory: 0 };
for (let seed = first; seed < first + count; seed++) {
  const { what, delay, memory } = await costOf(seed);
  worst.delay = Math.max(worst.delay, delay);
  worst.memory = Math.max(worst.memory, memory);
  if (delay <= LONGEST_DELAY && memory <= MOST_MEMORY) continue;
  failed += 1;
  console.log(`seed ${seed}: ${delay.toFixed(0)} ms, ${(memory / 2 ** 20).toFixed(0)} MiB: ${what}`);
}
child.disconnect();
console.log(
  `worst: ${worst.delay.toFixed(0)} ms of ${LONGEST_DELAY}, ${(worst.memory / 2 ** 20).toFixed(0)} MiB of 64`,
);
console.log(`tests: ${count - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
