/** What lets `check` fail. */
import { PRIORITIES, type ActivePriority } from '../engine/check.ts';
import type { Action } from '../policy/schema.ts';

/** The least priority whose findings fail; `none`: no finding does. */
export const FAIL_ON = ['critical', 'important', 'niceToHave', 'none'] as const;
export type FailOn = (typeof FAIL_ON)[number];

const LEAST: Record<Exclude<FailOn, 'none'>, ActivePriority> = {
  critical: 'Critical',
  important: 'Important',
  niceToHave: 'NiceToHave',
};

/** Does a finding let the command fail? Undefined: if its action is Deny. */
export function fails(
  { priority, action }: { readonly priority: ActivePriority; readonly action: Action },
  failOn: FailOn | undefined,
): boolean {
  if (failOn === undefined) return action === 'Deny';
  return failOn !== 'none' && PRIORITIES.indexOf(priority) <= PRIORITIES.indexOf(LEAST[failOn]);
}
