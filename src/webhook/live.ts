/** What is asked of the API server itself, and only when the answer would otherwise be a denial. */
import { evaluateCheck } from '../engine/evaluate.ts';
import { groupOf, WORKLOAD_KINDS, type WorkloadKind } from '../engine/kinds.ts';
import { valueAt } from '../engine/path.ts';
import {
  RELATED_KINDS,
  type Answer,
  type Related,
  type RelatedFacts,
  type RelatedKindName,
} from '../engine/related.ts';
import type { Labels } from '../engine/selectors.ts';
import { isSameTemplate } from '../engine/template-identity.ts';
import type { RawObject, Workload } from '../engine/workload.ts';
import { hasStatus, pathOf } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { dependencyOf, readLive } from '../kube/related.ts';
import { Restrained, type Requester } from '../kube/restraint.ts';
import { BYPASS_VERB } from '../policy/break-glass.ts';
import { SERVICE_ACCOUNT_PREFIX } from '../policy/exemptions.ts';
import { denyingChecks, type Verdict } from '../policy/judge.ts';
import { GROUP } from '../policy/schema.ts';
import type { AdmissionRequest } from './protocol.ts';
import { rollbackOf } from './rollback.ts';
import type { Leniency, LiveReads, MayBypass, World } from './world.ts';

/** More named objects than this are not asked for one by one. */
const MOST_READS = 32;

/**
 * Related in which the objects that a denial depends on have just been read from the API server: those that the denying
 * reference checks ask for by name, and those that are known in no other way.
 *
 * @param verdicts - of the same policies, from what is in memory
 * @param timeout - milliseconds for all of them together; what is not there by then stays as the cache has it
 */
export async function refreshed(
  workload: Workload,
  verdicts: readonly Verdict[],
  world: World,
  timeout: number,
): Promise<Related> {
  const asked = new Map<string, { kind: RelatedKindName; namespace: string; name: string }>();
  const noted = new Set<string>();
  for (const verdict of verdicts) {
    const denying = denyingChecks(verdict);
    for (const enabled of verdict.policy.enabled) {
      if (enabled.check.scope !== 'reference') continue;
      // Many policies have the same checks.
      const once = `${denying.has(enabled.check.name)} ${enabled.identity}`;
      if (noted.has(once)) continue;
      noted.add(once);
      const recording: Related = {
        find: (kind, namespace, name) => {
          const known = world.related.find(kind, namespace, name);
          const isWanted = denying.has(enabled.check.name) || (known.state === 'unknown' && known.live === true);
          if (isWanted && RELATED_KINDS[kind].named === true) {
            asked.set(dependencyOf(kind, namespace, name), { kind, namespace, name });
          }
          return known;
        },
      };
      evaluateCheck(enabled, workload, recording, world.now());
    }
  }

  const answers = new Map<string, Answer<RelatedFacts[RelatedKindName]>>();
  await Promise.all(
    [...asked].slice(0, MOST_READS).map(async ([key, { kind, namespace, name }]) => {
      const answer = await world.live.named(kind, namespace, name, timeout);
      if (answer.state !== 'unknown') answers.set(key, answer);
    }),
  );
  return {
    find: <K extends RelatedKindName>(kind: K, namespace: string, key: string) =>
      (answers.get(dependencyOf(kind, namespace, key)) as Answer<RelatedFacts[K]> | undefined) ??
      world.related.find(kind, namespace, key),
  };
}

/** `v1` or `group/version`, as names of APIs are (RFC 1123): what is none of it must not become part of a path. */
const API_VERSION = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?v[0-9][a-z0-9]*$/;
/** The kinds that custom controllers make for objects of theirs again and again, because a node fails or a step begins. */
const MADE_BY_CONTROLLERS: ReadonlySet<string> = new Set(['Pod', 'ReplicaSet', 'Job']);

/** How long an answer of the authorizer is kept, in milliseconds. */
const AUTHORIZATION_TTL = 10_000;
/** Answers that are kept: whoever asks can make up users and owners. */
const MOST_AUTHORIZATIONS = 1000;

/** The live reads of a running operator. */
export class ApiServerReads implements LiveReads {
  readonly #client: Requester;
  readonly #clock: Clock;
  readonly #onError: (error: unknown, what: string) => void;
  readonly #mayRead: (kind: RelatedKindName) => boolean;
  readonly #authorized = new Map<string, { readonly until: number; readonly answer: Promise<boolean> }>();

  /** @param mayRead - kinds of which nothing is to be read answer nothing new */
  constructor(
    client: Requester,
    clock: Clock,
    onError: (error: unknown, what: string) => void,
    mayRead: (kind: RelatedKindName) => boolean,
  ) {
    this.#client = new Restrained(client, clock);
    this.#clock = clock;
    this.#onError = onError;
    this.#mayRead = mayRead;
  }

  async namespaceLabels(namespace: string, timeout: number): Promise<Labels | undefined> {
    const path = pathOf({ group: '', version: 'v1', resource: 'namespaces' }, undefined, namespace);
    const object = await this.#get(path, timeout, 'reading a namespace');
    return object === undefined ? undefined : ((valueAt(object, ['metadata', 'labels']) ?? {}) as Labels);
  }

  async parent(kind: WorkloadKind, namespace: string, name: string, timeout: number): Promise<RawObject | undefined> {
    return this.#get(pathOf(kind, namespace, name), timeout, 'reading the object that is scaled');
  }

  async named<K extends RelatedKindName>(
    kind: K,
    namespace: string,
    name: string,
    timeout: number,
  ): Promise<Answer<RelatedFacts[K]>> {
    if (!this.#mayRead(kind)) return { state: 'unknown', cause: 'not to be read' };
    return readLive(this.#client, kind, namespace, name, timeout);
  }

  async leniency(
    workload: Workload,
    old: Workload | undefined,
    request: AdmissionRequest,
    timeout: number,
  ): Promise<Leniency | undefined> {
    try {
      const rollback = old === undefined ? undefined : await rollbackOf(this.#client, workload, old, timeout);
      if (rollback !== undefined) return rollback;
      if (request.operation === 'CREATE' && (await this.#isOfCronJob(workload, timeout))) {
        return { by: 'CronJob', reason: "the CronJob's own template" };
      }
      if (await this.#mayActForOwner(workload, request, timeout)) {
        return { by: 'Owner', reason: 'made for its owner by a controller' };
      }
    } catch (error) {
      this.#onError(error, 'looking for a reason to be lenient');
    }
    return undefined;
  }

  /** Rule 4: `kubectl create job --from=cronjob/...`. */
  async #isOfCronJob({ kind, controller, namespace, template }: Workload, timeout: number): Promise<boolean> {
    if (kind.kind !== 'Job' || controller?.kind !== 'CronJob') return false;
    const cronJob = WORKLOAD_KINDS.find((candidate) => candidate.kind === 'CronJob') as WorkloadKind;
    const owner = await this.#get(pathOf(cronJob, namespace, controller.name), timeout, 'reading a CronJob');
    if (valueAt(owner, ['metadata', 'uid']) !== controller.uid) return false;
    return isSameTemplate(valueAt(owner, cronJob.template), template);
  }

  /**
   * Rule 4: a service account that may write the status of the owner's kind in every namespace is taken for a controller of
   * that kind. Who administers one namespace can't grant that, so whether the owner is there does not matter.
   */
  async #mayActForOwner(
    { kind, controller }: Workload,
    { userInfo }: AdmissionRequest,
    timeout: number,
  ): Promise<boolean> {
    const username = userInfo.username ?? '';
    if (controller === undefined || !username.startsWith(SERVICE_ACCOUNT_PREFIX)) return false;
    if (!MADE_BY_CONTROLLERS.has(kind.kind)) return false;
    const key = [username, controller.apiVersion, controller.kind];
    return this.#remembered(key, () => this.#mayWriteStatus(userInfo, controller, timeout));
  }

  async mayBypass(
    userInfo: AdmissionRequest['userInfo'],
    namespace: string,
    policy: string,
    timeout: number,
  ): Promise<MayBypass> {
    const attributes = { namespace, verb: BYPASS_VERB, group: GROUP, resource: 'readinesspolicies', name: policy };
    try {
      const allowed = await this.#remembered([BYPASS_VERB, userInfo, namespace, policy], () =>
        this.#reviewAccess(userInfo, attributes, timeout),
      );
      return allowed ? 'yes' : 'no';
    } catch (error) {
      this.#onError(error, 'asking who may break the glass');
      return 'unknown';
    }
  }

  /** Asks the authorizer once in a while for the same thing; a question that failed is asked again. */
  #remembered(asked: unknown, ask: () => Promise<boolean>): Promise<boolean> {
    const key = JSON.stringify(asked);
    const now = this.#clock.monotonic();
    // The oldest come first.
    for (const [old, { until }] of this.#authorized) {
      if (until >= now && this.#authorized.size < MOST_AUTHORIZATIONS) break;
      this.#authorized.delete(old);
    }
    const kept = this.#authorized.get(key);
    if (kept !== undefined) return kept.answer;

    const answer = ask();
    this.#authorized.set(key, { until: now + AUTHORIZATION_TTL, answer });
    answer.catch(() => this.#authorized.delete(key));
    return answer;
  }

  async #mayWriteStatus(
    userInfo: AdmissionRequest['userInfo'],
    owner: { readonly apiVersion: string; readonly kind: string },
    timeout: number,
  ): Promise<boolean> {
    if (!API_VERSION.test(owner.apiVersion)) return false;
    const group = groupOf(owner.apiVersion);
    const path = group === '' ? `/api/${owner.apiVersion}` : `/apis/${owner.apiVersion}`;
    const served = await this.#client
      .request<{ resources: { name: string; kind: string }[] }>('GET', path, { timeout })
      .catch((error: unknown) => {
        // What else goes wrong is no answer, and not to be remembered as one.
        if (hasStatus(error, 404)) return undefined;
        throw error;
      });
    const resource = served?.resources.find(({ name, kind }) => kind === owner.kind && !name.includes('/'))?.name;
    if (resource === undefined) return false;
    // Without a status of its own (a Workflow of Argo), its controller is who may set its finalizers.
    const servesStatus = served?.resources.some(({ name }) => name === `${resource}/status`);
    const subresource = servesStatus === true ? 'status' : 'finalizers';
    // Controllers that patch, or apply, need no update. Without a namespace: for all of them.
    const verbs = ['update', 'patch'].map((verb) =>
      this.#reviewAccess(userInfo, { verb, group, resource, subresource }, timeout),
    );
    return (await Promise.all(verbs)).includes(true);
  }

  async #reviewAccess(
    { username, uid, groups, extra }: AdmissionRequest['userInfo'],
    resourceAttributes: Readonly<Record<string, string>>,
    timeout: number,
  ): Promise<boolean> {
    const review = await this.#client.request<{ status?: { allowed?: boolean } }>(
      'POST',
      pathOf({ group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' }),
      {
        timeout,
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user: username, uid, groups, extra, resourceAttributes },
        },
      },
    );
    return review.status?.allowed === true;
  }

  async #get(path: string, timeout: number, what: string): Promise<RawObject | undefined> {
    try {
      return await this.#client.request<RawObject>('GET', path, { timeout });
    } catch (error) {
      this.#onError(error, what);
      return undefined;
    }
  }
}
