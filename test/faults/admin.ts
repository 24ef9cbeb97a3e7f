/** A client of the test cluster's API server for an administrator who acts as anybody: kept-alive, in this process. */
import https from 'node:https';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

export type Json = Record<string, any>;

/** What a client shows the API server; PEM. */
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Answer {
  /** HTTP status; 0: no answer. */
  readonly status: number;
  /** The body, or why there is no answer. */
  readonly text: string;
}

export interface AskOptions {
  readonly body?: unknown;
  readonly contentType?: string;
  /** Whom to impersonate. */
  readonly as?: { readonly user: string; readonly groups?: readonly string[] };
  /** Milliseconds; 15 s unless told. */
  readonly timeout?: number;
}

/** An answer that is not the one a harness step relies on. */
export class Unexpected extends Error {}

/** Reads server and client certificate from a kubeconfig that the test bed wrote. */
export async function credentialsOf(kubeconfig: string): Promise<Credentials & { readonly server: string }> {
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as {
    clusters: [{ cluster: Record<string, string> }];
    users: [{ user: Record<string, string> }];
  };
  const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  return {
    server: cluster['server'] ?? '',
    ca: text(cluster['certificate-authority-data']),
    cert: text(user['client-certificate-data']),
    key: text(user['client-key-data']),
  };
}

export class Admin {
  readonly #server: URL;
  readonly #agent: https.Agent;

  constructor(server: string, { ca, cert, key }: Credentials, connections = 64) {
    this.#server = new URL(server);
    this.#agent = new https.Agent({ ca, cert, key, keepAlive: true, maxSockets: connections });
  }

  /** Asks once; never rejects. */
  ask(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    const { body, contentType = 'application/json', as, timeout = 15_000 } = options;
    const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const headers: Record<string, string | number | string[]> = {
      accept: 'application/json',
      ...(payload === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(payload) }),
      ...(as === undefined ? {} : { 'impersonate-user': as.user, 'impersonate-group': [...(as.groups ?? [])] }),
    };
    const { hostname, port } = this.#server;
    return new Promise((resolve) => {
      const request = https.request(
        { hostname, port, path, method, headers, agent: this.#agent, signal: AbortSignal.timeout(timeout) },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', (error) => resolve({ status: 0, text: error.message }));
        },
      );
      request.on('error', (error) => resolve({ status: 0, text: error.message }));
      request.end(payload);
    });
  }

  /** Asks once and parses the answer. @throws Unexpected if it is no success */
  async get(path: string): Promise<Json> {
    return this.#must('GET', path);
  }

  /** Creates or changes an object by server-side apply, whoever owned the fields. @throws Unexpected */
  async apply(path: string, object: Json): Promise<Json> {
    return this.#must('PATCH', `${path}?fieldManager=faults&force=true`, {
      body: object,
      contentType: 'application/apply-patch+yaml',
    });
  }

  /** Changes an object by a merge patch. @throws Unexpected */
  async patch(path: string, change: Json): Promise<Json> {
    return this.#must('PATCH', path, { body: change, contentType: 'application/merge-patch+json' });
  }

  /** Replaces an object. @throws Unexpected */
  async put(path: string, object: Json): Promise<Json> {
    return this.#must('PUT', path, { body: object });
  }

  /** Deletes an object; none there is fine. @throws Unexpected */
  async remove(path: string): Promise<void> {
    const { status, text } = await this.ask('DELETE', path);
    if (status >= 300 && status !== 404) throw new Unexpected(`DELETE ${path}: ${status} ${text}`);
  }

  /**
   * Watches one object and hands over each state of it (nothing: deleted), until the signal aborts. Broken watches are begun anew.
   *
   * @param path of the collection
   */
  async follow(path: string, name: string, onObject: (object: Json) => void, signal: AbortSignal): Promise<void> {
    const query = `watch=true&fieldSelector=metadata.name%3D${name}`;
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        const { hostname, port } = this.#server;
        const request = https.get(
          { hostname, port, path: `${path}?${query}`, agent: this.#agent, signal },
          (response) => {
            let rest = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => {
              const lines = (rest + chunk).split('\n');
              rest = lines.pop() ?? '';
              for (const line of lines) {
                const { type, object } = JSON.parse(line) as { type: string; object: Json };
                if (type === 'DELETED') onObject({});
                else if (type !== 'ERROR') onObject(object);
              }
            });
            response.on('close', resolve);
          },
        );
        request.on('error', () => resolve());
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #must(method: string, path: string, options: AskOptions = {}): Promise<Json> {
    const { status, text } = await this.ask(method, path, options);
    if (status < 200 || status >= 300) throw new Unexpected(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
    return JSON.parse(text) as Json;
  }
}
