/** The way past a policy in an emergency: an annotation with the reason, for those who hold the verb. */
import type { Labels } from '../engine/selectors.ts';
import { GROUP } from './schema.ts';

/** On the workload; its value is the reason. */
export const BREAK_GLASS_ANNOTATION = `${GROUP}/break-glass`;
/** The verb on `readinesspolicies/<policy>`, granted in the workload's namespace or in all of them. */
export const BYPASS_VERB = 'bypass';

/** The reason that a workload's annotation gives; undefined without one: an empty reason does not count. */
export function breakGlassReason(annotations: Labels): string | undefined {
  const reason = annotations[BREAK_GLASS_ANNOTATION]?.trim();
  return reason === undefined || reason === '' ? undefined : reason;
}

/**
 * The reason with which a change asks to break the glass.
 *
 * @param old - annotations of the object as it was; undefined: it is created
 * @returns undefined if it does not ask: no reason, or the very reason that was there before, which has been used
 */
export function newBreakGlassReason(annotations: Labels, old: Labels | undefined): string | undefined {
  if (old !== undefined && annotations[BREAK_GLASS_ANNOTATION] === old[BREAK_GLASS_ANNOTATION]) return undefined;
  return breakGlassReason(annotations);
}
