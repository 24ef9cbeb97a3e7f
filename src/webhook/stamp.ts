/** The stamp of a ReadinessException, spec.requestedBy: who asked for it as it is. Made of the request, never of what it says. */
import { deepEqual } from '../engine/equal.ts';
import { isObject, type RawObject } from '../engine/workload.ts';
import { LONGEST_GROUP, MOST_GROUPS, type Requester } from '../policy/exception-schema.ts';
import { accepted, notOurs } from './own-kinds.ts';
import type { AdmissionRequest, PatchOperation } from './protocol.ts';
import type { Decision } from './review.ts';

const FIELD = 'requestedBy';
const PATH = `/spec/${FIELD}`;

/**
 * Writes the stamp. A change of the stamp alone is undone; any other change of the spec is stamped anew, because then
 * somebody else answers for what the exception says.
 */
export function stampException(request: AdmissionRequest): Decision {
  const { object, oldObject, operation, userInfo } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object) return notOurs(request);
  const { [FIELD]: present, ...rest } = specOf(object);
  const { [FIELD]: before, ...old } = specOf(oldObject);
  const isSame = operation === 'UPDATE' && deepEqual(rest, old);
  const patch = patchFor(present, isSame ? before : requesterOf(userInfo));
  const decision = accepted(request);
  // Without a spec there is nothing to stamp; the schema of the CRD refuses it after us.
  if (patch === undefined || !isObject(object['spec'])) return decision;
  return { ...decision, response: { ...decision.response, patch: [patch] } };
}

/** The user as the stamp has room for. */
function requesterOf({ username, groups }: AdmissionRequest['userInfo']): Requester {
  const kept = (groups ?? []).filter((group) => group.length <= LONGEST_GROUP).slice(0, MOST_GROUPS);
  return { username: username ?? '', ...(kept.length === 0 ? {} : { groups: kept }) };
}

/** @returns undefined if the stamp is what it has to be */
function patchFor(present: unknown, wanted: unknown): PatchOperation | undefined {
  if (deepEqual(present, wanted)) return undefined;
  return wanted === undefined ? { op: 'remove', path: PATH } : { op: 'add', path: PATH, value: wanted };
}

function specOf(object: RawObject | null | undefined): RawObject {
  const spec = object?.['spec'];
  return isObject(spec) ? spec : {};
}
