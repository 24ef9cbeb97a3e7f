/** Breaking the glass: who asks for it, who may, and what the one who may not is told. */
import { BREAK_GLASS_ANNOTATION, BYPASS_VERB, breakGlassReason, newBreakGlassReason } from '../policy/break-glass.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import { SERVICE_ACCOUNT_PREFIX } from '../policy/exemptions.ts';
import type { Workload } from '../engine/workload.ts';
import type { AdmissionRequest } from './protocol.ts';
import type { LiveReads } from './world.ts';

/** What became of a request to break the glass. */
export interface BreakGlass {
  /** In the requester's words; undefined: the annotation asks for nothing now. */
  readonly reason: string | undefined;
  /** Names of the policies that the requester may bypass. */
  readonly granted: ReadonlySet<string>;
  /** Why the rest are not bypassed, a sentence each. */
  readonly refusals: readonly string[];
}

/**
 * Looks whether a request that would be denied breaks the glass. Asks the API server only if the annotation asks for it.
 *
 * @param denying - the policies that would deny
 * @param old - the object as it was; undefined: it is created
 * @param timeout - milliseconds
 * @returns undefined if the object bears no such annotation
 */
export async function breakGlass(
  denying: readonly CompiledPolicy[],
  workload: Workload,
  old: Workload | undefined,
  { userInfo }: AdmissionRequest,
  live: LiveReads,
  timeout: number,
): Promise<BreakGlass | undefined> {
  if (!(BREAK_GLASS_ANNOTATION in workload.annotations)) return undefined;
  const refusedAtOnce = (why: string): BreakGlass => ({
    reason: undefined,
    granted: new Set(),
    refusals: [`The annotation ${BREAK_GLASS_ANNOTATION} ${why}.`],
  });
  if (breakGlassReason(workload.annotations) === undefined) return refusedAtOnce('does not count: it gives no reason');
  const reason = newBreakGlassReason(workload.annotations, old?.annotations);
  if (reason === undefined) return refusedAtOnce('has been used: give a new reason to break the glass again');

  const username = userInfo.username ?? '';
  const { namespace } = workload;
  const granted = new Set<string>();
  const refusals: string[] = [];
  await Promise.all(
    denying.map(async ({ name, enforcement }) => {
      if (username.startsWith(SERVICE_ACCOUNT_PREFIX) && enforcement.breakGlass.serviceAccounts === 'Deny') {
        refusals.push(
          `Policy ${name} lets no service account break the glass (enforcement.breakGlass.serviceAccounts).`,
        );
        return;
      }
      const may = await live.mayBypass(userInfo, namespace, name, timeout);
      if (may === 'yes') granted.add(name);
      else if (may === 'unknown') refusals.push(`Whether ${username} may break the glass could not be found out.`);
      else {
        refusals.push(
          `${username} may not break the glass: that needs the verb ${BYPASS_VERB} on readinesspolicies/${name} in namespace ${namespace}.`,
        );
      }
    }),
  );
  return { reason, granted, refusals: [...new Set(refusals)].toSorted() };
}
