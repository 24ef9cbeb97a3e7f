/** Kubeconfig files, by @kubernetes/client-node. Apart from the rest, because it is loaded only when needed. */
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { Connection } from './connection.ts';

/** @throws Error if the file, or what kubectl would take without one, can't be read or names no cluster */
export function kubeconfigConnection(file?: string): Connection {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current cluster; set its current-context');
  return {
    server: new URL(cluster.server),
    proxied: Boolean(cluster.proxyUrl),
    authenticate: (options) => config.applyToHTTPSOptions(options),
  };
}
