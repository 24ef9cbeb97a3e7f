import type { Path } from '../engine/path.ts';
import type { LabelSelector } from '../engine/selectors.ts';
import type { FieldProblem } from '../engine/workload.ts';

/** What is wrong with a label selector that has the right shape. @param at - where it stands */
export function selectorProblems(selector: LabelSelector | undefined, at: Path): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [index, { operator, values }] of (selector?.matchExpressions ?? []).entries()) {
    const path = [...at, 'matchExpressions', index, 'values'];
    const takesValues = operator === 'In' || operator === 'NotIn';
    const given = (values ?? []).length > 0;
    if (takesValues && !given) problems.push({ path, message: `must not be empty with operator ${operator}` });
    if (!takesValues && given) problems.push({ path, message: `must be empty with operator ${operator}` });
  }
  return problems;
}
