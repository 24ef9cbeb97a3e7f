/** When the API server has taken note of webhook configurations, which it follows by a watch of its own. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { withoutToken, withToken } from '../../src/webhook/path-token.ts';
import { until } from '../support/until.ts';
import { kubectl, type Target } from './kubectl.ts';

const CONFIGURATIONS = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
};
const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const WEBHOOK = 'noted.example.com';

/**
 * The URL by which the API server is told to call about workloads, token included.
 *
 * @param policy - the first of its match
 * @throws Error if it is told of no such policy
 */
export async function calledUrl(target: Target, policy: string): Promise<string> {
  const entry = (await entriesOf(target)).find(({ name }) => name === `${policy}.workloads.readiness-operator.dev`);
  if (entry === undefined) throw new Error(`no webhook is configured for policy ${policy}`);
  return entry.clientConfig.url;
}

/** A path of the webhook as the API server would call it: with the token that is in the configuration now. */
export async function calledAs(target: Target, path: string): Promise<string> {
  const [entry] = await entriesOf(target);
  const { token } = withoutToken(new URL(entry?.clientConfig.url ?? 'https://nobody/').pathname);
  return withToken(token, path);
}

interface Entry {
  readonly name: string;
  readonly clientConfig: { readonly url: string };
}

async function entriesOf(target: Target): Promise<readonly Entry[]> {
  const { stdout } = await kubectl(target, ['get', CONFIGURATIONS.resource, 'readiness-operator', '-o', 'json']);
  return (JSON.parse(stdout) as { webhooks?: readonly Entry[] }).webhooks ?? [];
}

/**
 * Waits until the API server calls by all webhook configurations as they are now.
 *
 * It hears of them in their order, so one more is made, which lets no ConfigMap of a certain name pass; once such a one is
 * refused, all that came before is known too.
 *
 * @throws Error if that does not come about
 */
export async function configurationsNoted(target: Target): Promise<void> {
  const name = `noted-${randomUUID()}`;
  const marker = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: WEBHOOK,
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
        matchConditions: [{ name: 'that-very-one', expression: `request.name == '${name}'` }],
        // Nobody listens there.
        clientConfig: { url: 'https://127.0.0.1:1' },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
  const client = await KubeClient.load(systemClock, typeof target === 'string' ? target : target.kubeconfig);
  try {
    await client.request('POST', pathOf(CONFIGURATIONS), { body: marker });
    const judged = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
    await until('the API server to take note of the webhook configurations', async () => {
      const answer = client.request('POST', pathOf(CONFIG_MAPS, 'default'), { query: { dryRun: 'All' }, body: judged });
      return answer.then(
        () => false,
        (error: Error) => error.message.includes(WEBHOOK),
      );
    });
    await client.request('DELETE', pathOf(CONFIGURATIONS, undefined, name));
  } finally {
    client.close();
  }
}
