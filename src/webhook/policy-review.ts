/** Admission of our own ReadinessPolicy: what the CRD's schema can't refuse is refused here, with the field and the cure. */
import type { WorkloadKind } from '../engine/kinds.ts';
import { formatPath } from '../engine/path.ts';
import { nearestName } from '../engine/names.ts';
import type { PolicyCompiler } from '../policy/compile.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { Decision } from './review.ts';

/** Decides whether a policy may be stored as it is. */
export function reviewPolicy(
  { object, operation, kind, name }: AdmissionRequest,
  compiler: PolicyCompiler,
  kinds: readonly WorkloadKind[],
): Decision {
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || !object) {
    return { response: { allowed: true }, decision: 'notJudged', kind: kind.kind, errors: [] };
  }
  const compiled = compiler.compile(object);
  if ('problems' in compiled) {
    const lines = compiled.problems.map(({ path, message }) => `  ${formatPath(path)}: ${message}`);
    return {
      response: {
        allowed: false,
        status: {
          code: 422,
          reason: 'Invalid',
          message: [`ReadinessPolicy ${name ?? ''} is not valid:`, ...lines].join('\n'),
        },
      },
      decision: 'denied',
      kind: kind.kind,
      errors: [],
    };
  }
  const known = kinds.map((one) => one.kind);
  const warnings = (compiled.policy.match.spec.kinds ?? [])
    .filter((asked) => !known.includes(asked))
    .map((asked) => {
      const near = nearestName(asked, known);
      return `spec.match.kinds: the operator does not judge ${asked}${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
  return {
    response: { allowed: true, ...(warnings.length > 0 ? { warnings } : {}) },
    decision: warnings.length > 0 ? 'warned' : 'allowed',
    kind: kind.kind,
    errors: [],
  };
}
