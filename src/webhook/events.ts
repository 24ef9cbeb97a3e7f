/** The Events of admission: what is told to those who look later, beside the answer to the one who asked. */
import { apiVersionOf } from '../engine/kinds.ts';
import type { Workload } from '../engine/workload.ts';
import type { ClusterEvent, EventSubject } from '../kube/events.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import { denies, type Verdict } from '../policy/judge.ts';
import { GROUP, VERSION } from '../policy/schema.ts';
import { nameOf } from './message.ts';
import type { AdmissionRequest } from './protocol.ts';

type User = AdmissionRequest['userInfo'];

/** Checks are named to this number. */
const MOST_CHECKS = 10;
/** A user name takes no more of a note than this, in characters. */
const LONGEST_USER = 256;

/**
 * `RolloutDenied`: on the object that is there, and on each policy that denied if there is none yet.
 *
 * @param old - the object as it is; undefined: it is created
 */
export function rolloutDenied(
  user: User,
  workload: Workload,
  old: Workload | undefined,
  verdicts: readonly Verdict[],
): ClusterEvent[] {
  const denying = verdicts.filter(denies);
  const about = (regarding: EventSubject, told: readonly Verdict[]): ClusterEvent => ({
    reason: 'RolloutDenied',
    type: 'Warning',
    action: 'Deny',
    note: `${who(user)} was not let ${old === undefined ? 'create' : 'change'} ${nameOf(workload)}: ${checksOf(told)} (${policiesOf(told)})`,
    regarding,
  });
  if (old !== undefined) return [about(workloadSubject(workload, old.uid), denying)];
  return denying.map((verdict) => ({
    ...about(policySubject(verdict.policy), [verdict]),
    related: workloadSubject(workload, undefined),
  }));
}

/**
 * `BreakGlassUsed`, on the workload.
 *
 * @param policies - those that would have denied
 * @param reason - as the requester gives it
 */
export function breakGlassUsed(
  user: User,
  workload: Workload,
  old: Workload | undefined,
  policies: readonly CompiledPolicy[],
  reason: string,
): ClusterEvent[] {
  const [first] = policies;
  if (first === undefined) return [];
  const names = policies.map(({ name }) => name);
  return [
    {
      reason: 'BreakGlassUsed',
      type: 'Warning',
      action: 'Bypass',
      note: `${who(user)} broke the glass for ${nameOf(workload)} (${namesText(names)}): ${reason}`,
      regarding: workloadSubject(workload, old?.uid ?? workload.uid),
      related: policySubject(first),
    },
  ];
}

/** `PolicyLeft`: what a change of labels takes out of policies. @param what - in words: `Namespace shop` */
export function policyLeft(
  user: User,
  regarding: EventSubject,
  what: string,
  policies: readonly string[],
): ClusterEvent {
  return {
    reason: 'PolicyLeft',
    type: 'Warning',
    action: 'Relabel',
    note: `${who(user)} took ${what} out of ${namesText(policies)} by a change of labels`,
    regarding,
  };
}

/** @param uid - of the object in the cluster; undefined: not known */
export function workloadSubject({ kind, namespace, name }: Workload, uid: string | undefined): EventSubject {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, namespace, name, ...(uid === undefined ? {} : { uid }) };
}

function policySubject({ name, uid }: CompiledPolicy): EventSubject {
  return { apiVersion: `${GROUP}/${VERSION}`, kind: 'ReadinessPolicy', name, ...(uid === '' ? {} : { uid }) };
}

function checksOf(verdicts: readonly Verdict[]): string {
  const names = new Set(
    verdicts.flatMap(({ findings, undecided }) =>
      [...findings, ...undecided].filter(({ action }) => action === 'Deny').map(({ check }) => check),
    ),
  );
  const shown = [...names].slice(0, MOST_CHECKS);
  const more = names.size - shown.length;
  return shown.join(', ') + (more === 0 ? '' : ` and ${more} more`);
}

function policiesOf(verdicts: readonly Verdict[]): string {
  return namesText(verdicts.map(({ policy }) => policy.name));
}

function namesText(policies: readonly string[]): string {
  return `${policies.length === 1 ? 'policy' : 'policies'} ${policies.join(', ')}`;
}

function who({ username }: User): string {
  return (username ?? '').slice(0, LONGEST_USER);
}
