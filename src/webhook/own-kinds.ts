/** What the reviews of our own kinds answer alike. */
import { formatPath } from '../engine/path.ts';
import { nearestName } from '../engine/names.ts';
import { printable } from '../engine/printable.ts';
import type { WorkloadKind } from '../engine/kinds.ts';
import type { FieldProblem } from '../engine/workload.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { Decision } from './review.ts';

/** The object may be stored; the warnings are shown to who writes it. */
export function accepted({ kind }: AdmissionRequest, warnings: readonly string[] = []): Decision {
  const decision = warnings.length > 0 ? 'warned' : 'allowed';
  return {
    response: { allowed: true, ...(warnings.length > 0 ? { warnings } : {}), auditAnnotations: { decision } },
    decision,
    kind: kind.kind,
    errors: [],
  };
}

/** The object may not be stored: each problem is told with its field. */
export function invalid({ kind, name }: AdmissionRequest, problems: readonly FieldProblem[]): Decision {
  const lines = problems.map(({ path, message }) => printable(`  ${formatPath(path)}: ${message}`));
  return {
    response: {
      allowed: false,
      status: {
        code: 422,
        reason: 'Invalid',
        message: [`${kind.kind} ${name ?? ''} is not valid:`, ...lines].join('\n'),
      },
      auditAnnotations: { decision: 'denied: not valid' },
    },
    decision: 'denied',
    kind: kind.kind,
    errors: [],
  };
}

/** The request is none that a review of our own kinds has anything to say about. */
export function notOurs({ kind }: AdmissionRequest): Decision {
  return { response: { allowed: true }, decision: 'notJudged', kind: kind.kind, errors: [] };
}

/** Warnings about kinds that are named and never judged. @param field - where they are named */
export function unjudgedKinds(field: string, asked: Iterable<string>, kinds: readonly WorkloadKind[]): string[] {
  const known = kinds.map(({ kind }) => kind);
  return [...new Set(asked)]
    .filter((kind) => !known.includes(kind))
    .map((kind) => {
      const near = nearestName(kind, known);
      return `${field}: the operator does not judge ${kind}${near === undefined ? '' : `; did you mean ${near}?`}`;
    });
}
