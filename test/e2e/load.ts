/** A steady load of admission requests, each of whose verdicts is known. */
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** What came of the requests. */
export interface Tally {
  sent: number;
  /** The verdict was another than the expected one. */
  wrong: number;
  /** The webhook was called and gave no valid answer in time. */
  failed: number;
  /** The API server itself refused or did not answer. */
  refused: number;
  /** Milliseconds of `performance.now()` at which the last of the failed was sent. */
  lastFailed: number;
  /** The first answers that were not as expected. */
  examples: string[];
}

/** What to send, and where. */
export interface Load {
  readonly kubeconfig: string;
  readonly namespace: string;
  /** A Deployment that is to be admitted. */
  readonly good: unknown;
  /** A Deployment that is to be denied. */
  readonly bad: unknown;
  /** Requests a second. */
  readonly perSecond: number;
}

/**
 * Sends dry-run creations of the two Deployments in turn, at a steady pace, while something is done.
 *
 * @returns what came of the requests, once the last answer is there
 * @throws what `work` throws; the load ends in any case
 */
export async function underLoad(load: Load, work: () => Promise<void>): Promise<Tally> {
  const end = startLoad(load);
  try {
    await work();
  } catch (error) {
    await end();
    throw error;
  }
  return end();
}

function startLoad({ kubeconfig, namespace, good, bad, perSecond }: Load): () => Promise<Tally> {
  const config = parse(readFileSync(kubeconfig, 'utf8'));
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = config.users[0].user;
  const decode = (text: string) => Buffer.from(text, 'base64');
  const agent = new https.Agent({
    keepAlive: true,
    maxSockets: 64,
    ca: decode(ca),
    cert: decode(cert),
    key: decode(key),
  });
  const url = `${server}/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`;
  const bodies = [JSON.stringify(good), JSON.stringify(bad)] as const;
  const tally: Tally = { sent: 0, wrong: 0, failed: 0, refused: 0, lastFailed: 0, examples: [] };
  const open = new Set<Promise<void>>();
  const count = (what: 'wrong' | 'failed' | 'refused', example: string) => {
    tally[what] += 1;
    const at = ((performance.now() - started) / 1000).toFixed(1);
    const message = /"message":"(.*?[^\\])"/.exec(example)?.[1] ?? example;
    // What went wrong stands at the end of the API server's message.
    if (tally.examples.length < 5) tally.examples.push(`${what} after ${at} s: ${message.slice(-250)}`);
  };
  const send = () =>
    new Promise<void>((resolve) => {
      const toBeDenied = tally.sent++ % 2 === 1;
      const sent = performance.now();
      const request = https.request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } });
      request.setTimeout(20_000, () => request.destroy(new Error('no answer after 20 s')));
      request.on('error', (error) => {
        count('refused', error.message);
        resolve();
      });
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          const { statusCode = 0 } = response;
          const denied = statusCode === 403 && text.includes('is not ready for production');
          if (/failed calling webhook|failed to call webhook/.test(text)) {
            tally.lastFailed = Math.max(tally.lastFailed, sent);
            count('failed', text);
          } else if (statusCode !== 201 && !denied) count('refused', text);
          else if (denied !== toBeDenied) count('wrong', `${statusCode} ${text}`);
          resolve();
        });
      });
      request.end(bodies[toBeDenied ? 1 : 0]);
    });
  const started = performance.now();
  const timer = setInterval(() => {
    while (tally.sent < ((performance.now() - started) / 1000) * perSecond) {
      const one = send();
      open.add(one);
      void one.then(() => open.delete(one));
    }
  }, 10);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    agent.destroy();
    return tally;
  };
}
