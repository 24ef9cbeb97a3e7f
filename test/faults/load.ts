/**
 * Admission requests at a steady rate, each with the verdict that it must get. Part of them go through the API server as
 * dry-run creates; the rest go straight to the webhook's address, as the API server sends them: over kept-alive
 * connections, checked against the CA bundle of the webhook configuration. Only to this machine, and bounded.
 */
import http from 'node:http';
import https from 'node:https';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Json } from './admin.ts';
import { bad, deployments, good, review, SECRET, withSecret } from './samples.ts';

/** `valid`: either verdict is right, as long as there is one. */
export type Expectation = 'allow' | 'deny' | 'valid';

/** One kind of request; `text` is its body, in which NAME stands for a name that is used once. */
export interface Shot {
  /** What it is about, in words for the person who reads that its verdict was wrong. */
  readonly what: string;
  readonly expect: Expectation;
  /** The API server's path, or that of the webhook below its address. */
  readonly path: string;
  readonly text: string;
  readonly method?: string;
  readonly contentType?: string;
  readonly as?: { readonly user: string; readonly groups?: readonly string[] };
}

/** What is sent, in turn. */
export interface Mix {
  /** Through the API server. */
  readonly api: readonly Shot[];
  /** Straight to the webhook. */
  readonly straight: readonly Shot[];
  /** Share that goes through the API server, 0 to 1. */
  readonly share: number;
}

export interface Counts {
  readonly sent: number;
  readonly api: number;
  readonly straight: number;
  /** Requests a second, over the whole time. */
  readonly rate: number;
  readonly seconds: number;
  /** The verdict is not the expected one, or the text of a denial is not ours. */
  readonly wrong: number;
  /** The webhook was called and gave no valid answer within its timeout. */
  readonly failed: number;
  /** Failed because the process that had the request in its hands was killed. */
  readonly lost: number;
  /** The API server itself gave no answer or refused: its restart, etcd gone. */
  readonly refused: number;
  /** Wrong or failed while somebody had taken the webhook configuration away. */
  readonly excused: number;
  /** Milliseconds. */
  readonly p99: number;
  /** The longest time for which this process itself did not run, in milliseconds: a machine with too much to do. */
  readonly lag: number;
  /** What some of the wrong, failed and refused ones said. */
  readonly said: readonly string[];
}

/** Requests a second in every row. */
export const RATE = 200;
/** Seconds that a row lasts at least. */
export const SECONDS = 30;
/** What the API server gives a webhook, in milliseconds: `timeoutSeconds` of the configuration. */
const WEBHOOK_TIMEOUT = 5000;
const API_TIMEOUT = 15_000;
/** Requests under way; further ones are not sent. */
const MOST_UNDER_WAY = { api: 60, straight: 300 };
/**
 * Connections to the webhook. A request that gets no answer in time takes its connection with it; without a bound, a machine
 * that is slow for a moment would from then on do nothing but TLS handshakes.
 */
const MOST_CONNECTIONS = 100;
/** Nothing is sent any more after so long, in milliseconds, whoever forgot to stop it. */
const LONGEST = 180_000;
const TICK = 10;
/** What was said is kept to this length, in characters. */
const LONGEST_SAID = 300;
/** So many different ones of each kind (wrong, failed, refused, excused). */
const MOST_SAID = 8;
/** A connection that a killed process had breaks within this time, in milliseconds. */
const BREAKS_WITHIN = 1500;
const BROKEN = /ECONNRESET|socket hang up|EOF|reset by peer|broken pipe|EPIPE/;

/** The route of the policy that most requests are about. */
export const ROUTE = '/validate/workloads/production';
export const create = (what: string, expect: Expectation, object: object): Shot => ({
  what,
  expect,
  path: `${deployments((object as { metadata: { namespace: string } }).metadata.namespace)}?dryRun=All`,
  text: JSON.stringify(object),
});
export const straight = (what: string, expect: Expectation, object: object, route = ROUTE): Shot => ({
  what,
  expect,
  path: route,
  text: JSON.stringify(review(object, 'uid-NAME')),
});

/** Good and bad Deployments in equal parts; some that name a Secret, which is there or is not. */
export const STANDARD: Mix = {
  share: 0.1,
  api: [create('good', 'allow', good('NAME')), create('bad', 'deny', bad('NAME'))],
  straight: [
    straight('good', 'allow', good('NAME')),
    straight('bad', 'deny', bad('NAME')),
    straight('with a Secret', 'allow', withSecret('NAME', SECRET)),
    straight('bad', 'deny', bad('NAME')),
    straight('good', 'allow', good('NAME')),
    straight('with an absent Secret', 'deny', withSecret('NAME', 'absent')),
  ],
};

interface Excuses {
  readonly verdicts: boolean;
  readonly all: boolean;
}

export interface Target {
  readonly admin: Admin;
  /** The webhook's address, `https://127.0.0.1:port`. */
  readonly webhook: string;
  /** What the webhook configuration says now: PEM. */
  readonly caBundle: () => string;
  /** Does the configuration send requests to this path now? If not, the API server would not call, and so do we not. */
  readonly routes: (path: string) => boolean;
  /** A path as the configuration has it now, with the token. */
  readonly calledAs: (path: string) => string;
}

export class Load {
  readonly #target: Target;
  readonly #mix: Mix;
  readonly #rate: number;
  readonly #longest: number;
  readonly #said = new Map<string, number>();
  readonly #times: number[] = [];
  readonly #lag = monitorEventLoopDelay({ resolution: 20 });
  readonly #started = performance.now();
  readonly #run: Promise<void>;
  #agent: https.Agent | undefined;
  #trusted = '';
  #stopping = false;
  #ended = 0;
  #underWay = { api: 0, straight: 0 };
  #counts = { sent: 0, api: 0, straight: 0, wrong: 0, failed: 0, lost: 0, refused: 0, excused: 0 };
  #excusing = { verdicts: 0, all: 0 };
  /** Failures by a broken connection while a process is being killed. */
  #broken: number | undefined;

  /** Starts at once. */
  constructor(target: Target, mix: Mix = STANDARD, rate = RATE, longest = LONGEST) {
    if (new URL(target.webhook).hostname !== '127.0.0.1') throw new Error('only loopback is a target');
    this.#target = target;
    this.#mix = mix;
    this.#rate = rate;
    this.#longest = longest;
    this.#lag.enable();
    this.#run = this.#pace();
  }

  /** Requests sent so far. */
  get sent(): number {
    return this.#counts.sent;
  }

  /**
   * While this runs, verdicts may differ from the expected ones, since somebody took away what they come from.
   *
   * @param what - `all`: there may be no verdict either, since the API server is told to call the wrong one
   */
  async excuse<T>(what: 'verdicts' | 'all', during: () => Promise<T>): Promise<T> {
    this.#excusing[what] += 1;
    try {
      return await during();
    } finally {
      this.#excusing[what] -= 1;
    }
  }

  /**
   * Kills a process. The requests in its hands nobody can answer any more: those count as lost, not as failed.
   *
   * @param broken - how many connections it has broken, since the start, with a request in its hands
   */
  async killing(kill: () => Promise<void>, broken: () => number): Promise<void> {
    const before = broken();
    this.#broken = 0;
    await kill();
    await sleep(BREAKS_WITHIN);
    const lost = Math.min(this.#broken, broken() - before);
    this.#counts.lost += lost;
    this.#counts.failed -= lost;
    this.#broken = undefined;
  }

  /** From now on new connections are made for what goes straight; the old ones end with what is under way on them. */
  reconnect(): void {
    this.#trusted = '';
  }

  /** Ends it, when the rate has been kept for the time that a row lasts at least, and waits for all answers. */
  async stop(): Promise<Counts> {
    while (this.#seconds < SECONDS || (this.#counts.sent < this.#rate * SECONDS && this.#seconds < 2 * SECONDS)) {
      await sleep(100);
    }
    return this.abort();
  }

  /** Ends it now, and waits for the answers that are still to come. */
  async abort(): Promise<Counts> {
    this.#stopping = true;
    await this.#run;
    while (this.#underWay.api + this.#underWay.straight > 0) await sleep(20);
    this.#agent?.destroy();
    this.#lag.disable();
    const times = this.#times.toSorted((a, b) => a - b);
    const seconds = (this.#ended - this.#started) / 1000;
    return {
      ...this.#counts,
      seconds,
      rate: this.#counts.sent / seconds,
      lag: this.#lag.max / 1e6,
      p99: times[Math.floor(times.length * 0.99)] ?? NaN,
      said: [...this.#said].map(([text, count]) => `${count} x ${text}`),
    };
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  async #pace(): Promise<void> {
    let viaApi = 0;
    let viaUs = 0;
    while (!this.#stopping && this.#seconds * 1000 < this.#longest) {
      const due = Math.floor(this.#seconds * this.#rate);
      while (this.#counts.sent < due) {
        const { api, straight: direct, share } = this.#mix;
        const apiHasRoom = api.length > 0 && this.#underWay.api < MOST_UNDER_WAY.api;
        if (apiHasRoom && (viaApi <= this.#counts.sent * share || direct.length === 0)) {
          void this.#throughApi(api[viaApi++ % api.length] as Shot);
        } else if (direct.length > 0 && this.#underWay.straight < MOST_UNDER_WAY.straight) {
          void this.#straight(direct[viaUs++ % direct.length] as Shot);
        } else {
          break;
        }
      }
      await sleep(TICK);
    }
    this.#ended = performance.now();
  }

  async #throughApi(shot: Shot): Promise<void> {
    const { path, text, method = 'POST', contentType, as } = shot;
    const name = this.#next('api');
    const excused = this.#excuses();
    const start = performance.now();
    const { status, text: said } = await this.#target.admin.ask(method, path.replaceAll('NAME', name), {
      body: text === '' ? undefined : text.replaceAll('NAME', name),
      timeout: API_TIMEOUT,
      ...(contentType === undefined ? {} : { contentType }),
      ...(as === undefined ? {} : { as }),
    });
    this.#underWay.api -= 1;
    this.#times.push(performance.now() - start);
    const isExcused = this.#excuses(excused);
    if (status >= 200 && status < 300) this.#verdict(shot, true, said, isExcused);
    else if (said.includes('failed calling webhook')) this.#failed(`API server: ${messageOf(said)}`, isExcused);
    else if (status === 403 && said.includes('admission webhook')) this.#verdict(shot, false, said, isExcused);
    else this.#take('refused', `${status} ${messageOf(said)}`);
  }

  async #straight(shot: Shot): Promise<void> {
    const { expect, path, text } = shot;
    const name = this.#next('straight');
    const excused = this.#excuses();
    const start = performance.now();
    if (!this.#target.routes(path)) {
      this.#underWay.straight -= 1;
      this.#verdict(shot, true, 'no entry of the configuration sends it to us', excused);
      return;
    }
    const url = this.#target.webhook + this.#target.calledAs(path);
    const answer = await post(url, this.#currentAgent(), text.replaceAll('NAME', name));
    this.#underWay.straight -= 1;
    this.#times.push(performance.now() - start);
    const isExcused = this.#excuses(excused);
    const allowed = verdictOf(answer, `uid-${name}`);
    if (allowed === undefined)
      this.#failed(`straight, ${expect} was expected: ${answer.status} ${answer.text.slice(0, 120)}`, isExcused);
    else this.#verdict(shot, allowed, answer.text, isExcused);
  }

  /** What is excused now, or was when the request was sent. */
  #excuses(before: Excuses = { verdicts: false, all: false }): Excuses {
    const { verdicts, all } = this.#excusing;
    return { verdicts: before.verdicts || verdicts > 0, all: before.all || all > 0 };
  }

  #next(via: 'api' | 'straight'): string {
    this.#underWay[via] += 1;
    this.#counts[via] += 1;
    return `w-${this.#counts.sent++}`;
  }

  #verdict({ expect, what }: Shot, allowed: boolean, said: string, excused: Excuses): void {
    const isOurs = allowed || said.includes('is not ready for production');
    if (isOurs && (expect === 'valid' || (expect === 'allow') === allowed)) return;
    this.#take(
      excused.verdicts || excused.all ? 'excused' : 'wrong',
      `${what}, ${expect} was expected: ${allowed ? `allowed: ${grounds(said)}` : messageOf(said)}`,
    );
  }

  #failed(said: string, excused: Excuses): void {
    if (excused.all) {
      this.#take('excused', said);
    } else {
      if (this.#broken !== undefined && BROKEN.test(said)) this.#broken += 1;
      this.#take('failed', said);
    }
  }

  #take(what: 'wrong' | 'failed' | 'refused' | 'excused', said: string): void {
    this.#counts[what] += 1;
    // Ports, names and times differ from one to the next.
    const alike = said.replaceAll(/w-\d+/g, 'w-*').replaceAll(/127\.0\.0\.1:\d{5}->/g, '');
    const text = `${what}: ${alike.slice(0, LONGEST_SAID)}`;
    const count = this.#said.get(text);
    // Many ways to be excused must not hide the one in which something failed.
    const isRoom = (): boolean =>
      [...this.#said.keys()].filter((other) => other.startsWith(`${what}:`)).length < MOST_SAID;
    if (count !== undefined || isRoom()) this.#said.set(text, (count ?? 0) + 1);
  }

  /** The API server makes new connections too when the bundle changes. */
  #currentAgent(): https.Agent {
    const ca = this.#target.caBundle();
    if (this.#agent === undefined || ca !== this.#trusted) {
      const old = this.#agent;
      // What is under way on it goes on.
      if (old !== undefined) setTimeout(() => old.destroy(), 2 * WEBHOOK_TIMEOUT).unref();
      this.#trusted = ca;
      this.#agent = new https.Agent({ ca, keepAlive: true, maxSockets: MOST_CONNECTIONS });
    }
    return this.#agent;
  }
}

/** Posts a review. Status 0: no answer, and the text says why. */
export function post(
  url: string,
  agent: https.Agent | undefined,
  body: string | Buffer,
  headers: http.OutgoingHttpHeaders = {},
  timeout = WEBHOOK_TIMEOUT,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const request = https.request(
      url,
      {
        ...(agent === undefined ? { agent: false, rejectUnauthorized: false } : { agent }),
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
        signal: AbortSignal.timeout(timeout),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', (error) => resolve({ status: 0, text: String(error) }));
      },
    );
    request.on('error', (error) => resolve({ status: 0, text: String(error) }));
    request.end(body);
  });
}

/**
 * Asks one replica, at its own address, about the creation of an object.
 *
 * @param path - by which the API server would come
 * @returns its verdict, undefined if it gave none, and its answer
 */
export async function ask(
  url: string,
  object: Json,
  path: string,
): Promise<{ allowed: boolean | undefined; text: string }> {
  const uid = `uid-${Math.random()}`;
  const answer = await post(url + path, undefined, JSON.stringify(review(object, uid)));
  return { allowed: verdictOf(answer, uid), text: answer.text };
}

/** What an AdmissionReview says; undefined if it is no valid answer to that request. */
export function verdictOf({ status, text }: { status: number; text: string }, uid: string): boolean | undefined {
  if (status !== 200) return undefined;
  try {
    const { kind, response } = JSON.parse(text) as { kind: string; response: { uid: string; allowed: unknown } };
    if (kind !== 'AdmissionReview' || response.uid !== uid || typeof response.allowed !== 'boolean') return undefined;
    return response.allowed;
  } catch {
    return undefined;
  }
}

/** What an answer that allows says of its reasons. */
function grounds(text: string): string {
  if (!text.startsWith('{')) return text;
  const { response } = JSON.parse(text) as {
    response?: { auditAnnotations?: unknown; warnings?: readonly string[] };
  };
  if (response === undefined) return 'created';
  return `${JSON.stringify(response.auditAnnotations)} ${(response.warnings ?? []).join(' ')}`;
}

function messageOf(text: string): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
}
