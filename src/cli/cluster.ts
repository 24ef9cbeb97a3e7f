/**
 * What `check --cluster` learns from a cluster: its policies, the labels of namespaces, and the objects around the
 * workloads. Everything is read, nothing is watched or written; the one place from which the command line reaches the
 * API server.
 */
import {
  RELATED_KINDS,
  WHOLE_CLUSTER,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKindName,
} from '../engine/related.ts';
import { valueAt } from '../engine/path.ts';
import type { Labels } from '../engine/selectors.ts';
import type { RawObject } from '../engine/workload.ts';
import { hasStatus, KubeClient, pathOf, type ResourceAddress } from '../kube/client.ts';
import { systemClock } from '../kube/clock.ts';
import { readLive } from '../kube/related.ts';
import { API_VERSION, GROUP, VERSION } from '../policy/schema.ts';
import { judgeInput, namespacesOf, readInput, type CheckOptions, type CheckReport } from './check.ts';
import type { Source } from './objects.ts';
import { UnreadableInput } from './problems.ts';

/** Milliseconds for one request. */
const TIMEOUT = 10_000;
const PAGE = 250;
const AT_ONCE = 16;
/** An answer can raise a further question (a Secret that is absent: is something going to make it?), but not for ever. */
const MOST_ROUNDS = 8;
/** What messages call the place of objects that stand in no file. */
const CLUSTER = 'cluster';

/**
 * Checks manifests as they would be judged in the cluster of the current kubeconfig: with its policies, namespaces and
 * objects, over which the manifests win, as if they had been applied.
 *
 * @throws UnreadableInput as `checkManifests`, and if the cluster can't be reached or its policies not be read
 */
export async function checkInCluster(options: CheckOptions): Promise<CheckReport> {
  const input = readInput(options);
  const client = await connect();
  try {
    const wantsPolicies = options.policyFiles.length === 0 && options.profile === undefined;
    const namespaces = namespacesOf(input, options);
    const [policies, namespaceLabels, exceptions] = await Promise.all([
      wantsPolicies ? policiesIn(client) : reachable(client),
      labelsIn(client, namespaces),
      exceptionsIn(client, namespaces),
    ]);
    const related = new LiveRelated(client);
    for (let round = 1; ; round++) {
      const report = judgeInput(input, options, { policies, exceptions, namespaceLabels, related });
      if (round === MOST_ROUNDS || !(await related.ask())) return report;
    }
  } finally {
    client.close();
  }
}

async function connect(): Promise<KubeClient> {
  try {
    return await KubeClient.load(systemClock);
  } catch (error) {
    throw unusable(`the kubeconfig can't be used: ${textOf(error)}`);
  }
}

async function policiesIn(client: KubeClient): Promise<Source[]> {
  try {
    const objects = await listAll(client, { group: GROUP, version: VERSION, resource: 'readinesspolicies' });
    // Entries of a list do not repeat its kind.
    return objects.map((object) => ({
      file: CLUSTER,
      apiVersion: API_VERSION,
      kind: 'ReadinessPolicy',
      object,
      locate: () => ({ line: 1, column: 1 }),
    }));
  } catch (error) {
    if (hasStatus(error, 404)) return [];
    throw unusable(`its ReadinessPolicies can't be read, name policies with --policy or --profile: ${textOf(error)}`);
  }
}

/** A cluster that can't be reached at all must not look like one in which nothing is known. */
async function reachable(client: KubeClient): Promise<Source[]> {
  try {
    await client.request('GET', '/version', { timeout: TIMEOUT });
  } catch (error) {
    throw unusable(`can't be reached: ${textOf(error)}`);
  }
  return [];
}

/** The exceptions that may be read; one that may not be does not count, so that nothing passes by mistake. */
async function exceptionsIn(client: KubeClient, namespaces: ReadonlySet<string>): Promise<RawObject[]> {
  const found: RawObject[] = [];
  await inParallel([...namespaces], async (namespace) => {
    try {
      found.push(
        ...(await listAll(client, { group: GROUP, version: VERSION, resource: 'readinessexceptions' }, namespace)),
      );
    } catch (error) {
      if (!hasStatus(error, 403, 404)) {
        throw unusable(`ReadinessExceptions of namespace ${namespace} can't be read: ${textOf(error)}`);
      }
    }
  });
  return found;
}

/** Labels of those namespaces that exist and may be read. */
async function labelsIn(client: KubeClient, namespaces: ReadonlySet<string>): Promise<Map<string, Labels>> {
  const labels = new Map<string, Labels>();
  await inParallel([...namespaces], async (name) => {
    try {
      const path = pathOf({ group: '', version: 'v1', resource: 'namespaces' }, undefined, name);
      const object = await client.request<RawObject>('GET', path, { timeout: TIMEOUT });
      labels.set(name, (valueAt(object, ['metadata', 'labels']) ?? {}) as Labels);
    } catch (error) {
      // Not known then, which a policy's selector is told.
      if (!hasStatus(error, 403, 404)) throw unusable(`namespace ${name} can't be read: ${textOf(error)}`);
    }
  });
  return labels;
}

type AnyAnswer = Answer<RelatedFacts[RelatedKindName]>;

/** Related that notes what it is asked and does not know, and then asks the API server for just that. */
class LiveRelated implements Related {
  readonly #client: KubeClient;
  readonly #answers = new Map<string, AnyAnswer>();
  readonly #lists = new Map<string, Answer<readonly RelatedFacts[RelatedKindName][]>>();
  readonly #asked = new Map<string, () => Promise<void>>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  find<K extends RelatedKindName>(kind: K, namespace: string, key: string): Answer<RelatedFacts[K]> {
    const related = RELATED_KINDS[kind];
    if (related.named === true) {
      const name = JSON.stringify([kind, namespace, key]);
      const answer = this.#answers.get(name);
      if (answer !== undefined) return answer as Answer<RelatedFacts[K]>;
      this.#asked.set(name, async () => {
        this.#answers.set(name, await readLive(this.#client, kind, namespace, key, TIMEOUT));
      });
    } else {
      const name = JSON.stringify([kind, namespace]);
      const list = this.#lists.get(name);
      if (list?.state === 'found') {
        const values = ((list.values[0] ?? []) as readonly RelatedFacts[K][]).filter((facts) =>
          related.placesOf(facts, namespace).some((place) => place.namespace === namespace && place.key === key),
        );
        return values.length === 0 ? { state: 'absent' } : { state: 'found', values };
      }
      if (list !== undefined) return list;
      this.#asked.set(name, async () => {
        this.#lists.set(name, await listFacts(this.#client, kind, namespace));
      });
    }
    return { state: 'unknown', cause: 'the cluster was not asked' };
  }

  /** Asks for everything noted since the last time. @returns whether there was anything */
  async ask(): Promise<boolean> {
    const questions = [...this.#asked.values()];
    this.#asked.clear();
    await inParallel(questions, (question) => question());
    return questions.length > 0;
  }
}

/** All objects of a kind in a namespace or in the whole cluster, as one value. */
async function listFacts(
  client: KubeClient,
  kind: RelatedKindName,
  namespace: string,
): Promise<Answer<readonly RelatedFacts[RelatedKindName][]>> {
  const { group, versions, resource, read } = RELATED_KINDS[kind];
  for (const version of versions) {
    try {
      const objects = await listAll(
        client,
        { group, version, resource },
        namespace === WHOLE_CLUSTER ? undefined : namespace,
      );
      return { state: 'found', values: [objects.map((object) => read(object))] };
    } catch (error) {
      if (hasStatus(error, 404)) continue;
      return { state: 'unknown', cause: textOf(error) };
    }
  }
  return { state: 'absent', notServed: true };
}

async function listAll(client: KubeClient, address: ResourceAddress, namespace?: string): Promise<RawObject[]> {
  const objects: RawObject[] = [];
  let next: string | undefined;
  do {
    const page: { readonly items: readonly RawObject[]; readonly metadata?: { readonly continue?: string } } =
      await client.list(pathOf(address, namespace), {
        timeout: TIMEOUT,
        query: { limit: PAGE, continue: next },
      });
    objects.push(...page.items);
    next = page.metadata?.continue;
  } while (next !== undefined && next !== '');
  return objects;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

function unusable(message: string): UnreadableInput {
  return new UnreadableInput([{ file: CLUSTER, at: undefined, message }]);
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return textOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
