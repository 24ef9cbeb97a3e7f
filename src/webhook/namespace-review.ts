/** A change of a Namespace's labels, which can take it out of policies: never refused, but told. */
import { valueAt } from '../engine/path.ts';
import type { Labels } from '../engine/selectors.ts';
import type { RawObject } from '../engine/workload.ts';
import type { Exemptions } from '../policy/exemptions.ts';
import type { PolicySet } from '../policy/routes.ts';
import { policyLeft } from './events.ts';
import { leavingWarnings } from './message.ts';
import { accepted, notOurs } from './own-kinds.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { Decision } from './review.ts';

/** @param policies - those in force */
export function reviewNamespace(request: AdmissionRequest, { policies }: PolicySet, exemptions: Exemptions): Decision {
  const { object, oldObject, operation, name, userInfo } = request;
  if (operation !== 'UPDATE' || !object || !oldObject || !name || exemptions.namespaces.has(name)) {
    return notOurs(request);
  }
  const [before, after] = [labelsOf(oldObject), labelsOf(object)];
  const left = policies
    .filter(({ match }) => match.namespace(before) && !match.namespace(after))
    .map((policy) => policy.name);
  if (left.length === 0) return accepted(request);
  const what = `Namespace ${name}`;
  const uid = valueAt(oldObject, ['metadata', 'uid']);
  const regarding = { apiVersion: 'v1', kind: 'Namespace', name, ...(typeof uid === 'string' ? { uid } : {}) };
  return {
    ...accepted(request, leavingWarnings(what, 'namespaceSelector', left)),
    events: [policyLeft(userInfo, regarding, what, left)],
  };
}

function labelsOf(object: RawObject): Labels {
  return (valueAt(object, ['metadata', 'labels']) ?? {}) as Labels;
}
