/**
 * Where the API server is and how to prove who we are.
 *
 * In a pod that is three files and two variables, read here. Kubeconfig files with their many kinds of credentials are
 * @kubernetes/client-node's, which is loaded only for them: it would cost a replica that needs none 9 MiB.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from './clock.ts';

/** A cluster and an identity in it. */
export interface Connection {
  readonly server: URL;
  /** Requests go by a proxy: the agent that `authenticate` sets is the only one that knows the way. */
  readonly proxied: boolean;
  /** Adds authority, credentials and, with a proxy, the agent to the options of a request. */
  authenticate(options: RequestOptions): Promise<void>;
}

/** Where the kubelet puts the ServiceAccount's files. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** The kubelet renews a token long before it expires; how often the file is read again, as client-go does; milliseconds. */
const TOKEN_LIFETIME = 60_000;

/**
 * The connection that a kubeconfig file describes; without one, what kubectl would take (KUBECONFIG, the home folder),
 * else the ServiceAccount of the pod.
 *
 * @throws Error if the configuration can't be read or names no cluster
 */
export async function connectionOf(clock: Clock, file?: string): Promise<Connection> {
  const asKubectl = file !== undefined || process.env['KUBECONFIG'] || existsSync(join(homedir(), '.kube', 'config'));
  if (!asKubectl) {
    const connection = await podConnection(process.env, clock);
    if (connection !== undefined) return connection;
  }
  const { kubeconfigConnection } = await import('./kubeconfig.ts');
  return kubeconfigConnection(file);
}

/**
 * The connection of a pod's ServiceAccount.
 *
 * @param environment - holds KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT in a pod
 * @param folder - with the files `ca.crt` and `token`
 * @returns undefined outside of a pod
 * @throws Error if the authority or the token can't be read
 */
export async function podConnection(
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
  folder = SERVICE_ACCOUNT,
): Promise<Connection | undefined> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'];
  if (!host || !port || !existsSync(join(folder, 'token'))) return undefined;
  const ca = await readFile(join(folder, 'ca.crt'));
  const readToken = async (): Promise<string> => (await readFile(join(folder, 'token'), 'utf8')).trim();
  let token = await readToken();
  let read = clock.monotonic();
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    proxied: false,
    authenticate: async (options) => {
      if (clock.monotonic() - read > TOKEN_LIFETIME) {
        read = clock.monotonic();
        // The one in hand may be good for long; if not, the API server says so.
        token = await readToken().catch(() => token);
      }
      options.ca = ca;
      options.headers = { ...(options.headers as Record<string, string>), authorization: `Bearer ${token}` };
    },
  };
}
