/**
 * Admission of our own ReadinessException: what the CRD's schema can't refuse is refused here, with the field and the
 * cure, by the rules that decide whether it counts (policy/exceptions.ts).
 */
import type { WorkloadKind } from '../engine/kinds.ts';
import { nearestName } from '../engine/names.ts';
import { endProblems, type CompiledException, type ExceptionCompiler } from '../policy/exceptions.ts';
import type { PolicySet } from '../policy/routes.ts';
import { accepted, invalid, notOurs, unjudgedKinds } from './own-kinds.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { Decision } from './review.ts';

/**
 * Decides whether an exception may be stored as it is.
 *
 * @param policies - those in force
 * @param now - milliseconds since 1970
 */
export function reviewException(
  request: AdmissionRequest,
  compiler: ExceptionCompiler,
  { policies }: PolicySet,
  kinds: readonly WorkloadKind[],
  now: number,
): Decision {
  const { object, operation } = request;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object) return notOurs(request);
  const compiled = compiler.compile(object);
  if ('problems' in compiled) return invalid(request, compiled.problems);
  const { exception } = compiled;
  const problems = endProblems(exception, policies, now, operation === 'CREATE');
  if (problems.length > 0) return invalid(request, problems);
  const named = [...(exception.workloads ?? [])].map((reference) => reference.slice(0, reference.indexOf('/')));
  return accepted(request, [
    ...unknownPolicies(
      exception,
      policies.map(({ name }) => name),
    ),
    ...unjudgedKinds('spec.workloads', named, kinds),
  ]);
}

/** A policy may come after the exception from it, so that one that is not there is no mistake for certain. */
function unknownPolicies(exception: CompiledException, known: readonly string[]): string[] {
  return [...(exception.policies ?? [])]
    .filter((name) => !known.includes(name))
    .map((name) => {
      const near = nearestName(name, known);
      return `spec.policies: no policy ${name} is in force${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}
