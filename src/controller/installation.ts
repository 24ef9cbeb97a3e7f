/** What the operator asks about its own installation: whether it is reached, and whether it is to go for good. */
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { pathOf, type KubeClient } from '../kube/client.ts';

const ENDPOINT_SLICES = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };

interface EndpointSliceList {
  readonly items: readonly { readonly endpoints?: readonly { readonly conditions?: { readonly ready?: boolean } }[] }[];
}

/** Does a Service have an endpoint that is ready, so that a call of the API server finds somebody? */
export async function hasReadyEndpoint(client: KubeClient, namespace: string, service: string): Promise<boolean> {
  const { items } = await client.request<EndpointSliceList>('GET', pathOf(ENDPOINT_SLICES, namespace), {
    query: { labelSelector: `kubernetes.io/service-name=${service}` },
  });
  // An absent condition is to be read as ready (EndpointConditions.ready).
  return items.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready !== false));
}

/** Is a Deployment gone, going, or scaled to zero, so that nobody will follow the replica that is told to stop? */
export async function stopsForGood(client: KubeClient, namespace: string, deployment: string): Promise<boolean> {
  const object = await client.getIfThere<RawObject>(pathOf(DEPLOYMENTS, namespace, deployment), { timeout: 3000 });
  return (
    object === undefined ||
    valueAt(object, ['metadata', 'deletionTimestamp']) !== undefined ||
    valueAt(object, ['spec', 'replicas']) === 0
  );
}
