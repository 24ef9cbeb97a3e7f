/**
 * Which certificate a replica serves and which authorities are to be trusted, as the Secret changes. Pure: clocks are
 * given. The rule: a leaf whose authority was not in the Secret before is held back until the API server has had time to
 * trust it, and an authority that leaves the Secret stays trusted until every replica has had time to notice. So no
 * writer of the Secret, cert-manager and people included, can make the API server meet a leaf that it does not trust.
 */
import { bundleOf, type Authority, type Content, type Leaf } from './certificate-content.ts';
import { isCurrent, type CertificateTimes } from './certificate-plan.ts';
import type { Certificate } from './server.ts';

/** A certificate to serve. */
export interface ServingCertificate extends Certificate {
  /** When it expires; milliseconds since 1970. */
  readonly expires: number;
  /** When the authority that it is from expires; undefined if that is not in the Secret. */
  readonly authorityExpires: number | undefined;
}

/** Both clocks, in milliseconds. */
export interface Instant {
  /** Since 1970; may jump. */
  readonly now: number;
  /** Since some moment; never jumps. */
  readonly steady: number;
}

export class CertificateExchange {
  readonly #times: Pick<CertificateTimes, 'overlap' | 'linger'>;
  #leaf: Leaf | undefined;
  #serving: ServingCertificate | undefined;
  /** Waits for its authority to be trusted. `at` by the steady clock. */
  #held: { readonly leaf: Leaf; readonly at: number } | undefined;
  /** Authorities of the Secret as it is, in its order. */
  #present: readonly Authority[] = [];
  /** Authorities that have left it, with the steady time until which they are trusted. */
  #leaving = new Map<string, { readonly authority: Authority; readonly until: number }>();

  constructor(times: Pick<CertificateTimes, 'overlap' | 'linger'>) {
    this.#times = times;
  }

  get serving(): ServingCertificate | undefined {
    return this.#serving;
  }

  /** All authorities to trust, as PEM; empty: those that everybody trusts. */
  get caBundle(): string {
    return bundleOf([...this.#present, ...[...this.#leaving.values()].map(({ authority }) => authority)]);
  }

  /** Takes note of what the Secret holds now. What can't be used changes nothing. */
  observe({ leaf, authorities }: Content, { now, steady }: Instant): void {
    if (leaf === undefined) return;
    const before = [...this.#present, ...[...this.#leaving.values()].map(({ authority }) => authority)];
    for (const authority of this.#present) {
      this.#leaving.set(authority.id, { authority, until: steady + this.#times.linger });
    }
    this.#present = authorities;
    for (const { id } of authorities) this.#leaving.delete(id);

    if (this.#leaf?.id === leaf.id && this.#leaf.cert === leaf.cert) {
      this.#held = undefined;
    } else if (this.#leaf === undefined || !isCurrent(this.#leaf, now) || isTrusted(leaf, before, now)) {
      this.#serve(leaf);
    } else if (this.#held?.leaf.id !== leaf.id) {
      this.#held = { leaf, at: steady + this.#times.overlap };
    }
    // Also where the leaf stayed: an authority may have joined or left.
    this.#refresh();
  }

  /** Does what was put off until now. */
  tick({ steady }: Instant): void {
    if (this.#held !== undefined && this.#held.at <= steady) this.#serve(this.#held.leaf);
    for (const [id, { until }] of this.#leaving) if (until <= steady) this.#leaving.delete(id);
  }

  /** Milliseconds until `tick` has something to do; undefined: it has not. */
  wakeIn({ steady }: Instant): number | undefined {
    const times = [...this.#leaving.values()].map(({ until }) => until);
    if (this.#held !== undefined) times.push(this.#held.at);
    return times.length === 0 ? undefined : Math.max(Math.min(...times) - steady, 0);
  }

  #serve(leaf: Leaf): void {
    this.#leaf = leaf;
    this.#held = undefined;
    this.#refresh();
  }

  #refresh(): void {
    const leaf = this.#leaf;
    if (leaf === undefined) return;
    const issuer = [...this.#present, ...[...this.#leaving.values()].map(({ authority }) => authority)].find((one) =>
      leaf.isFrom(one),
    );
    const { cert, key, notAfter } = leaf;
    if (this.#serving?.cert === cert && this.#serving.authorityExpires === issuer?.notAfter) return;
    this.#serving = { cert, key, expires: notAfter, authorityExpires: issuer?.notAfter };
  }
}

/** Does one of these authorities vouch for a leaf? With none given it is left to those that everybody trusts. */
function isTrusted(leaf: Leaf, authorities: readonly Authority[], now: number): boolean {
  return (
    authorities.length === 0 || authorities.some((authority) => isCurrent(authority, now) && leaf.isFrom(authority))
  );
}
