/** Admission of our own ReadinessPolicy: what the CRD's schema can't refuse is refused here, with the field and the cure. */
import type { WorkloadKind } from '../engine/kinds.ts';
import type { PolicyCompiler } from '../policy/compile.ts';
import { accepted, invalid, notOurs, unjudgedKinds } from './own-kinds.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { Decision } from './review.ts';

/** Decides whether a policy may be stored as it is. */
export function reviewPolicy(
  request: AdmissionRequest,
  compiler: PolicyCompiler,
  kinds: readonly WorkloadKind[],
): Decision {
  const { object, operation } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object) return notOurs(request);
  const compiled = compiler.compile(object);
  if ('problems' in compiled) return invalid(request, compiled.problems);
  return accepted(request, unjudgedKinds('spec.match.kinds', compiled.policy.match.spec.kinds ?? [], kinds));
}
