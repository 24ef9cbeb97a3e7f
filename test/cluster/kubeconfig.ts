/** Kubeconfig files of a test cluster. */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
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
