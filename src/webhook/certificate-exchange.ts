/**
 * Which certificate a replica serves and which authorities are to be trusted, as the Secret changes. Pure: clocks are
 * given. The rule: a leaf is held back until what vouches for it has been to be trusted for long enough that the leader
 * has told the API server, and an authority that leaves the Secret stays trusted until every replica has had time to
 * notice. So no writer of the Secret, cert-manager and people included, makes the API server meet a leaf that it does not
 * trust.
 */
import { bundleOf, type Authority, type Content, type Leaf } from './certificate-content.ts';
import { isCurrent, type CertificateTimes } from './certificate-plan.ts';
import type { CertifiedKey } from './server.ts';

/** A certificate to serve. */
export interface ServingCertificate extends CertifiedKey {
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

/** Stands for the authorities of the system, which are trusted where no others are given. */
const SYSTEM = '';

export class CertificateExchange {
  readonly #times: Pick<CertificateTimes, 'hold' | 'linger'>;
  #leaf: Leaf | undefined;
  #serving: ServingCertificate | undefined;
  /** Waits until what vouches for it is trusted. */
  #held: Leaf | undefined;
  /** Authorities of the Secret as it is, in its order. */
  #present: readonly Authority[] = [];
  /** Authorities that have left it, with the steady time until which they are trusted. */
  readonly #leaving = new Map<string, { readonly authority: Authority; readonly until: number }>();
  /** Since when (steady clock) an authority, by its id, or SYSTEM has been to be trusted without a break. */
  #since: ReadonlyMap<string, number> = new Map();

  constructor(times: Pick<CertificateTimes, 'hold' | 'linger'>) {
    this.#times = times;
  }

  get serving(): ServingCertificate | undefined {
    return this.#serving;
  }

  /** All authorities to trust, as PEM; empty: those of the system. */
  get caBundle(): string {
    return bundleOf(this.#trusted);
  }

  /** Takes note of what the Secret holds now. What can't be used changes nothing. */
  observe({ leaf, authorities }: Content, instant: Instant): void {
    if (leaf === undefined) return;
    for (const authority of this.#present) {
      this.#leaving.set(authority.id, { authority, until: instant.steady + this.#times.linger });
    }
    this.#present = authorities;
    for (const { id } of authorities) this.#leaving.delete(id);
    this.#held = leaf.cert === this.#leaf?.cert ? undefined : leaf;
    this.tick(instant);
  }

  /** Does what was put off until now. */
  tick({ now, steady }: Instant): void {
    for (const [id, { until }] of this.#leaving) if (until <= steady) this.#leaving.delete(id);
    const ids = this.#trusted.length === 0 ? [SYSTEM] : this.#trusted.map(({ id }) => id);
    // What was there at the start is what other replicas serve by already.
    const joined = this.#leaf === undefined ? -Infinity : steady;
    this.#since = new Map(ids.map((id) => [id, this.#since.get(id) ?? joined]));

    const isUseless = this.#leaf === undefined || !isCurrent(this.#leaf, now);
    if (this.#held !== undefined && (isUseless || this.#trustedFrom(this.#held, now) <= steady)) {
      this.#leaf = this.#held;
      this.#held = undefined;
    }
    this.#refresh();
  }

  /** Milliseconds until `tick` has something to do; undefined: it has not. */
  wakeIn({ now, steady }: Instant): number | undefined {
    const times = [...this.#leaving.values()].map(({ until }) => until - steady);
    if (this.#held !== undefined && this.#leaf !== undefined) {
      times.push(this.#trustedFrom(this.#held, now) - steady, this.#leaf.notAfter - now);
    }
    return times.length === 0 ? undefined : Math.max(Math.min(...times), 0);
  }

  get #trusted(): readonly Authority[] {
    return [...this.#present, ...[...this.#leaving.values()].map(({ authority }) => authority)];
  }

  /** From when on (steady clock) the API server may be expected to trust a leaf; Infinity: nothing vouches for it. */
  #trustedFrom(leaf: Leaf, now: number): number {
    const vouching = this.#trusted.filter((authority) => isCurrent(authority, now) && leaf.isFrom(authority));
    const since = [SYSTEM, ...vouching.map(({ id }) => id)].map((id) => this.#since.get(id) ?? Infinity);
    return Math.min(...since) + this.#times.hold;
  }

  #refresh(): void {
    const leaf = this.#leaf;
    if (leaf === undefined) return;
    const issuer = this.#trusted.find((one) => leaf.isFrom(one));
    const { cert, key, notAfter } = leaf;
    if (this.#serving?.cert === cert && this.#serving.authorityExpires === issuer?.notAfter) return;
    this.#serving = { cert, key, expires: notAfter, authorityExpires: issuer?.notAfter };
  }
}
