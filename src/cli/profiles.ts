/** `profiles`: which check has which priority in which profile. */
import { CHECKS } from '../checks/index.ts';
import { PRIORITIES, PROFILES } from '../engine/check.ts';
import { profilePriority } from '../policy/compile.ts';
import { prioritiesOf } from './explain.ts';
import { layOut, type Look } from './layout.ts';
import { PROFILE_CHOICES } from './policies.ts';

/** The profiles as a table, one row a check. */
export function profilesTable(look: Look): string {
  const rows = [['CHECK', ...PROFILE_CHOICES.map((name) => name.toUpperCase())]].concat(
    CHECKS.map((check) => [check.name, ...prioritiesOf(check)]),
  );
  const totals = PROFILE_CHOICES.map((profile) => {
    const counts = PRIORITIES.map((priority) => {
      const number = CHECKS.filter((check) => profilePriority(check, profile) === priority).length;
      return number === 0 ? [] : [`${number} ${priority}`];
    });
    return `${profile}: ${counts.flat().join(', ')}`;
  });
  const lines = layOut(
    rows.map((row) => ({ cells: row.map((text) => ({ text })), text: '' })),
    look,
    0,
  );
  const none = 'none: no check is on; a policy sets the priority of each one that it wants';
  return `${[...lines, '', ...totals, none].join('\n')}\n`;
}

/** The profiles for programs, version 1: of each the checks with their priority, Disabled ones included. */
export function profilesDocument() {
  const profiles = PROFILES.map((name) => ({
    name,
    checks: CHECKS.map((check) => ({ check: check.name, priority: profilePriority(check, name) })),
  }));
  return { version: 1, profiles };
}
