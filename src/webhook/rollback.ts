/** Rule 2: `kubectl rollout undo` brings back a template that the workload ran before, and only warns. */
import { valueAt } from '../engine/path.ts';
import type { LabelSelector } from '../engine/selectors.ts';
import { isSameTemplate } from '../engine/template-identity.ts';
import type { RawObject, Workload } from '../engine/workload.ts';
import { hasStatus, pathOf } from '../kube/client.ts';
import type { Requester } from '../kube/restraint.ts';
import { REPORTS, reportNameOf, type Report } from '../policy/report.ts';
import { templateHash } from '../policy/template-hash.ts';
import type { Rollback } from './world.ts';

const HISTORY_RESOURCES = { ReplicaSet: 'replicasets', ControllerRevision: 'controllerrevisions' } as const;
/** Whoever may make revisions may make them as large as etcd takes, so that few are read at once. */
const PAGE = 5;
/** Revisions that are read before the search is given up; Kubernetes keeps ten, or what revisionHistoryLimit says. */
const MOST_REVISIONS = 100;

interface ObjectList {
  readonly metadata?: { readonly continue?: string };
  readonly items: readonly RawObject[];
}

/**
 * Finds out whether a workload ran a template before. Owner references, annotations and managedFields of a revision can all be
 * forged, so two things count: the hashes in the workload's ReadinessReport, which only the operator writes, and the time at
 * which a revision was made, which only the API server sets (what was made before a policy was not made to pass it).
 *
 * @param workload - with the template that comes
 * @param old - as the API server has it
 * @param timeout - of each request, in milliseconds
 * @returns undefined if nothing shows that it ran
 * @throws ApiError
 */
export async function rollbackOf(
  client: Requester,
  workload: Workload,
  old: Workload,
  timeout: number,
): Promise<Rollback | undefined> {
  const { history } = workload.kind;
  if (history === undefined || old.uid === undefined) return undefined;
  const seen = { by: 'Rollback', reason: 'a template that ran before' } as const;
  if (await isInReport(client, workload, old.uid, timeout)) return { ...seen, madeAt: undefined };
  const madeAt = await oldestRevision(client, workload, old, history, timeout);
  return madeAt === undefined ? undefined : { ...seen, madeAt };
}

async function isInReport(
  client: Requester,
  { kind, namespace, name, template }: Workload,
  uid: string,
  timeout: number,
): Promise<boolean> {
  const path = pathOf(REPORTS, namespace, reportNameOf(kind.kind, name));
  const report = await client.request<Report>('GET', path, { timeout }).catch((error: unknown) => {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  });
  const isOfThis = report?.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
  return isOfThis && report.templates?.includes(templateHash(template)) === true;
}

/** When the oldest revision with a workload's template was made, in milliseconds since 1970; undefined: there is none. */
async function oldestRevision(
  client: Requester,
  { kind, namespace, template: wanted }: Workload,
  old: Workload,
  history: keyof typeof HISTORY_RESOURCES,
  timeout: number,
): Promise<number | undefined> {
  if (kind.selector === undefined) return undefined;
  const path = pathOf({ group: 'apps', version: 'v1', resource: HISTORY_RESOURCES[history] }, namespace);
  const labelSelector = selectorText(valueAt(old.object, kind.selector) ?? {});
  const template = history === 'ReplicaSet' ? ['spec', 'template'] : ['data', 'spec', 'template'];
  let oldest: number | undefined;
  let token: string | undefined;
  for (let read = 0; read < MOST_REVISIONS; read += PAGE) {
    const query = { labelSelector, limit: PAGE, ...(token === undefined ? {} : { continue: token }) };
    const list: ObjectList = await client.request('GET', path, { timeout, query });
    for (const item of list.items) {
      const owners = (valueAt(item, ['metadata', 'ownerReferences']) ?? []) as { readonly uid?: string }[];
      if (!owners.some(({ uid }) => uid === old.uid)) continue;
      if (!isSameTemplate(valueAt(item, template), wanted)) continue;
      const madeAt = Date.parse(String(valueAt(item, ['metadata', 'creationTimestamp'])));
      if (!(oldest !== undefined && oldest <= madeAt)) oldest = madeAt;
    }
    token = list.metadata?.continue;
    if (token === undefined || token === '') break;
  }
  return oldest;
}

/** A label selector as list requests take it; some custom kinds write it so themselves. */
function selectorText(selector: LabelSelector | string): string {
  if (typeof selector === 'string') return selector;
  const { matchLabels, matchExpressions } = selector;
  const parts = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values } of matchExpressions ?? []) {
    if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${(values ?? []).join(',')})`);
  }
  return parts.join(',');
}
