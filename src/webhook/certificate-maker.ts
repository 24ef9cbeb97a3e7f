/** Makes the certificates that a plan wants new. Apart from the plan, because the library that it needs is large. */
import { authoritiesOf, bundleOf, type Authority, type Content, type Texts } from './certificate-content.ts';
import type { Facts, Plan } from './certificate-plan.ts';
import { issueAuthority, issueLeaf } from './issue.ts';

/** @returns what the Secret is to hold */
export async function carryOut(
  plan: Extract<Plan, { act: true }>,
  content: Content | undefined,
  { now, hosts, times }: Pick<Facts, 'now' | 'hosts' | 'times'>,
): Promise<Texts> {
  const notBefore = new Date(now - times.backdated);
  const signing =
    plan.signing === undefined
      ? await issueAuthority('readiness-operator', notBefore, new Date(now + times.ca.lifetime))
      : { cert: plan.signing.authority.cert, key: plan.signing.key };
  const [authority] = authoritiesOf(signing.cert) as [Authority];
  const ends = new Date(Math.min(now + times.leaf.lifetime, authority.notAfter));
  const leaf = plan.newLeaf
    ? await issueLeaf(signing, hosts, notBefore, ends)
    : { cert: content?.texts['tls.crt'] ?? '', key: content?.texts['tls.key'] ?? '' };
  return {
    'tls.crt': leaf.cert,
    'tls.key': leaf.key,
    'ca.crt': bundleOf([authority, ...plan.older]),
    'ca.key': signing.key,
  };
}
