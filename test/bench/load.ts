/** Load on loopback: a bounded number of requests over kept-alive connections. */
import https from 'node:https';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface LoadResult {
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

/** Sends `count` posts over `connections`; `bodyOf` makes each body. Only to addresses of this machine. */
export async function load(
  url: string,
  options: https.RequestOptions,
  bodyOf: (index: number) => string,
  count: number,
  connections: number,
  isGood: (status: number, text: string) => boolean,
): Promise<LoadResult> {
  if (new URL(url).hostname !== '127.0.0.1') throw new Error('only loopback is a target');
  const agent = new https.Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let next = 0;
  let failures = 0;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const body = bodyOf(next++);
      const start = performance.now();
      if (!(await post(url, { ...options, agent }, body, isGood))) failures += 1;
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { rate: count / seconds, p50: at(0.5), p99: at(0.99), failures };
}

function post(
  url: string,
  options: https.RequestOptions,
  body: string,
  isGood: (status: number, text: string) => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = https.request(url, { ...options, method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(isGood(response.statusCode ?? 0, text)));
    });
    request.on('error', () => resolve(false));
    request.end(body);
  });
}

/** CPU seconds that a process has used, user and system. Linux. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Resident memory of a process in MiB. Linux. */
export function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']).toString());
