/**
 * What `check` can't show as a finding, since it judges manifests as if all of them were applied: a workload comes ahead of
 * its autoscaler (Helm sorts them so), and is denied where the count that it writes is too low by itself.
 */
import type { Related } from '../engine/related.ts';
import { AUTOSCALER_KINDS } from '../engine/scaler.ts';
import type { Workload } from '../engine/workload.ts';
import type { ExceptionSet } from '../policy/exceptions.ts';
import { judge, type Admission, type Verdict } from '../policy/judge.ts';

/** A creation of which the replica count alone is judged. */
const FIRST_APPLY: Admission = {
  operation: 'CREATE',
  dryRun: false,
  aspect: 'Replicas',
  raisesReplicas: false,
  lowersReplicas: false,
  lenient: undefined,
  old: undefined,
};

/** What is known around a workload before the autoscalers of the manifests are there. @param cluster - what it has already */
export function beforeAutoscalers(related: Related, cluster: Related | undefined): Related {
  return {
    find: (kind, namespace, key) =>
      (AUTOSCALER_KINDS as readonly string[]).includes(kind)
        ? (cluster?.find(kind, namespace, key) ?? { state: 'absent' })
        : related.find(kind, namespace, key),
  };
}

/**
 * Tells that the first apply of a workload is denied although the verdict on all manifests together does not deny it.
 *
 * @param early - what is known before the autoscalers are there (`beforeAutoscalers`)
 * @param now - milliseconds since 1970
 * @returns a sentence for each check that denies it
 */
export function deniedAtFirst(
  { policy, findings }: Verdict,
  workload: Workload,
  early: Related,
  now: number,
  exceptions: ExceptionSet,
): string[] {
  // What is there has been applied before.
  if (workload.createdAt !== undefined) return [];
  const { kind, namespace, name } = workload;
  return judge(policy, workload, early, now, FIRST_APPLY, exceptions)
    .findings.filter(({ action, check }) => action === 'Deny' && !findings.some((one) => one.check === check))
    .map(
      ({ check, message, remediation }) =>
        `${kind.kind} ${namespace}/${name}: its first apply is denied if its autoscaler comes after it: ${check}: ${message}; ${remediation}`,
    );
}
