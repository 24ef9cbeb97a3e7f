/** Kubeconfig files of a test cluster. */
import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import type { Certificate } from './pki.ts';

/**
 * Writes a kubeconfig that holds all it needs, so that it works from any folder. Only its owner can read it.
 *
 * @param file path of the file to write
 * @param server the API server's URL
 * @param authority certificate (PEM) that the API server's is checked against
 * @param client certificate and key of the user
 */
export async function writeKubeconfig(
  file: string,
  server: string,
  authority: string,
  client: Certificate,
): Promise<void> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const name = 'readiness-test';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [
      {
        name,
        user: { 'client-certificate-data': base64(client.certificate), 'client-key-data': base64(client.key) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  await writeFile(file, stringify(config, { lineWidth: 0 }), { mode: 0o600 });
}

/**
 * Writes a kubeconfig that is another one but for the server's address. With an `http:` address no certificate is looked
 * for, since there is none; the library takes no plain HTTP otherwise.
 */
export async function redirectKubeconfig(kubeconfig: string, server: string, file: string): Promise<void> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as { clusters: { cluster: Record<string, unknown> }[] };
  for (const { cluster } of config.clusters) {
    cluster['server'] = server;
    if (!server.startsWith('http:')) continue;
    delete cluster['certificate-authority-data'];
    cluster['insecure-skip-tls-verify'] = true;
  }
  await writeFile(file, stringify(config, { lineWidth: 0 }), { mode: 0o600 });
}
