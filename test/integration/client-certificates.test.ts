/** An API server that shows the webhook a client certificate, and an operator that answers nobody else. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { calledUrl } from '../cluster/configurations.ts';
import { kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator, type Operator } from '../cluster/operator.ts';
import { Authority, type Certificate } from '../cluster/pki.ts';
import { reviewOf, teamPolicy } from '../support/manifests.ts';
import { metricsOf, postReview } from '../support/posting.ts';
import { until } from '../support/until.ts';

const NAME = 'kube-apiserver-webhook-client';

let folder: string;
let cluster: Cluster;
let operator: Operator;
let authority: Authority;

/** What an API server is told to show to all webhooks (--admission-control-config-file). */
async function admissionConfiguration({ certificate, key }: Certificate): Promise<string> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kubeConfigFile = join(folder, 'webhooks.kubeconfig');
  const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
  await writeFile(kubeConfigFile, JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }));
  const apiVersion = 'apiserver.config.k8s.io/v1';
  const configuration = { apiVersion, kind: 'WebhookAdmissionConfiguration', kubeConfigFile };
  const plugins = ['ValidatingAdmissionWebhook', 'MutatingAdmissionWebhook'].map((name) => ({ name, configuration }));
  const file = join(folder, 'admission.json');
  await writeFile(file, JSON.stringify({ apiVersion, kind: 'AdmissionConfiguration', plugins }));
  return file;
}

const apply = (object: unknown): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object), allowFailure: true });

function deployment(image: string) {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } }, template },
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readiness-clients-'));
  authority = await Authority.create('webhook-clients');
  const file = await admissionConfiguration(await authority.client({ user: NAME }));
  cluster = await startCluster({ flags: { apiServer: [`--admission-control-config-file=${file}`] } });
  await installOperator(cluster);
  const caFile = join(folder, 'ca.crt');
  await writeFile(caFile, authority.certificate);
  operator = await startOperator(cluster, [`--client-ca-file=${caFile}`, `--client-allowed-names=${NAME}`]);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'shop' } } });
  const checks = { imageTag: { priority: 'Critical' } };
  expect((await apply(teamPolicy('shop', { profile: 'none', checks }))).stderr).toBe('');
  await enforced(cluster, 'shop');
});
afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('the API server is answered', async () => {
  expect(await apply(deployment('x:latest'))).toMatchObject({ code: 1, stderr: expect.stringContaining('imageTag') });
  expect(await apply(deployment('x:1'))).toMatchObject({ code: 0, stderr: '' });
});

test('nobody else is, whatever path he knows, and all that is left of it is a count', async () => {
  const url = await calledUrl(cluster, 'shop');
  const review = reviewOf(deployment('x:latest'), { namespace: 'shop' });
  const stranger = await (await Authority.create('webhook-clients')).client({ user: NAME });
  const other = await authority.client({ user: 'somebody' });
  const right = await authority.client({ user: NAME });
  const as = (client?: Certificate): Promise<unknown> =>
    postReview(url, review, client === undefined ? {} : { cert: client.certificate, key: client.key });

  const before = await metricsOf(operator.url);
  for (const client of [undefined, stranger, other]) {
    expect(await as(client)).toEqual({ status: 403, text: 'a client certificate is required' });
  }
  expect(await as(right)).toMatchObject({ status: 200, text: expect.stringContaining('imageTag') });
  const denied = (text: string): number =>
    Number(/admission_requests_total\{operation="CREATE",kind="Deployment",decision="denied"\} (\d+)/.exec(text)?.[1]);
  await until('the last one to be counted', async () => denied(await metricsOf(operator.url)) > denied(before));
  const after = await metricsOf(operator.url);
  expect(denied(after)).toBe(denied(before) + 1);
  expect(after).toContain('readiness_operator_unknown_callers_total 3\n');
});
