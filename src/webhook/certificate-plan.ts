/**
 * When the operator's own certificate authority (CA) and serving certificate are renewed, and in which order. Pure: the
 * clock and all else that counts is given. The Secret itself holds how far a rotation has come, so that a new leader goes
 * on with it:
 *
 * 1. a new CA joins the old one in `ca.crt`, its key replaces the old one; the leaf stays;
 * 2. when the API server has trusted the new CA for a while, a leaf of the new CA;
 * 3. when no leaf of the old CA can be in use, the old CA goes.
 */
import type { Authority, Content, Leaf } from './certificate-content.ts';

/** Who makes the certificate: the operator, or somebody else (cert-manager, a person) whose Secret is only read. */
export const CERTIFICATE_MODES = ['Managed', 'Provided'] as const;
export type CertificateMode = (typeof CERTIFICATE_MODES)[number];

/** Milliseconds. */
export interface CertificateTimes {
  readonly ca: { readonly lifetime: number; readonly renewBefore: number };
  readonly leaf: { readonly lifetime: number; readonly renewBefore: number };
  /** How far in the past a certificate begins, for clocks that are behind or jump. */
  readonly backdated: number;
  /** How long a CA must stand in the webhook configurations before a leaf of it is made: API servers watch them. */
  readonly overlap: number;
  /**
   * For how long a replica holds a leaf back whose CA is new to the Secret: until a leader, a new one perhaps, has written
   * the webhook configurations and API servers have heard of it.
   */
  readonly hold: number;
  /** How long a CA that has left the Secret is still trusted, for replicas that have not heard of it. */
  readonly linger: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const TIMES: CertificateTimes = {
  ca: { lifetime: 3650 * DAY, renewBefore: 365 * DAY },
  leaf: { lifetime: 90 * DAY, renewBefore: 30 * DAY },
  backdated: DAY,
  overlap: 10_000,
  hold: 30_000,
  linger: 5 * MINUTE,
};

/** Clocks jump, so nothing waits for longer than this before it is looked at again. Milliseconds. */
const LONGEST_WAIT = 10 * MINUTE;
/** So many CAs are trusted at most: each is part of each entry of the webhook configurations. */
const MOST_AUTHORITIES = 3;

/** What a person can ask for by the annotation: a new leaf, a new CA, or that older CAs are trusted no more. */
export type Rotation = 'Leaf' | 'CA' | 'Distrust';
const ROTATIONS: readonly string[] = ['Leaf', 'CA', 'Distrust'] satisfies readonly Rotation[];

/** Reads the annotation's value. @throws Error that names annotation and values, if it is none of them */
export function rotationOf(value: string | undefined): Rotation | undefined {
  if (value === undefined || ROTATIONS.includes(value)) return value as Rotation | undefined;
  throw new Error(`the annotation readiness-operator.dev/rotate must be one of ${ROTATIONS.join(', ')}`);
}

export interface Facts {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** DNS names and IP addresses under which the API server calls. */
  readonly hosts: readonly string[];
  readonly rotation: Rotation | undefined;
  /** For how many milliseconds the webhook configurations have had this CA; undefined: they don't. */
  readonly trustedFor: (authority: Authority) => number | undefined;
  readonly times: CertificateTimes;
}

/** What to do with the Secret now. */
export type Plan =
  | {
      readonly act: false;
      /** Milliseconds until the next look, at most ten minutes. */
      readonly lookAgainIn: number;
    }
  | {
      readonly act: true;
      /** In words for a person; never holds a value. */
      readonly why: string;
      /** Undefined: a new one. */
      readonly signing: Content['signing'];
      readonly newLeaf: boolean;
      /** CAs that stay trusted beside the one that signs. */
      readonly older: readonly Authority[];
      /** The annotation has been obeyed. */
      readonly isAnswer: boolean;
    };

/** Decides what is to be done with a Secret that the operator made, or must make (content undefined). */
export function planOf(content: Content | undefined, facts: Facts): Plan {
  const { now, rotation, times } = facts;
  const authorities = (content?.authorities ?? []).filter((authority) => isCurrent(authority, now));
  const signing = authorities.some(({ id }) => id === content?.signing?.authority.id) ? content?.signing : undefined;
  const keep = (signer: Content['signing'], issuer?: Authority): Authority[] =>
    mostOf(authorities, signer?.authority, issuer);

  const leaf = content?.leaf;
  const issuer = authorities.find((authority) => leaf?.isFrom(authority));
  const flaw = flawOf(content, issuer, facts);
  if (flaw !== undefined || leaf === undefined || issuer === undefined) {
    // Nothing that works can be lost: no need to wait for anything.
    const isAnswer = rotation === 'Leaf' || (rotation === 'CA' && signing === undefined);
    return { act: true, why: flaw ?? 'no leaf', signing, newLeaf: true, older: keep(signing), isAnswer };
  }
  const rotate = (why: string): Plan => ({
    act: true,
    why,
    signing: undefined,
    newLeaf: false,
    older: keep(undefined, issuer),
    isAnswer: rotation === 'CA',
  });
  if (signing === undefined) return rotate('there is no CA that can sign');
  if (rotation === 'CA') return rotate('a new CA was asked for');
  if (isDue(signing.authority, times.ca.renewBefore, now)) return rotate('the CA is due for renewal');

  const issue = (why: string): Plan => ({
    act: true,
    why,
    signing,
    newLeaf: true,
    older: keep(signing, issuer),
    isAnswer: rotation === 'Leaf',
  });
  if (issuer.id !== signing.authority.id) {
    const left = times.overlap - (facts.trustedFor(signing.authority) ?? -Infinity);
    return left <= 0 ? issue('the new CA is trusted') : { act: false, lookAgainIn: Math.min(left, LONGEST_WAIT) };
  }
  if (rotation === 'Leaf') return issue('a new leaf was asked for');
  if (isDue(leaf, times.leaf.renewBefore, now)) return issue('the leaf is due for renewal');
  return retire(content, signing, facts);
}

/** Step 3: takes CAs away that no leaf in use can be from, and those that have expired. */
function retire(content: Content | undefined, signing: NonNullable<Content['signing']>, facts: Facts): Plan {
  const { now, rotation, times } = facts;
  const older = (content?.authorities ?? []).filter(({ id }) => id !== signing.authority.id);
  // The last leaf of an older CA was made before the present CA was.
  const lastUse = signing.authority.notBefore + times.backdated + times.leaf.lifetime;
  const stay = rotation === 'Distrust' || now >= lastUse ? [] : older.filter((authority) => isCurrent(authority, now));
  if (stay.length === older.length && rotation !== 'Distrust') {
    const leaf = content?.leaf?.notAfter ?? now;
    const next = Math.min(
      leaf - times.leaf.renewBefore,
      signing.authority.notAfter - times.ca.renewBefore,
      ...(older.length === 0 ? [] : [lastUse]),
    );
    return { act: false, lookAgainIn: Math.min(Math.max(next - now, 1000), LONGEST_WAIT) };
  }
  const why = rotation === 'Distrust' ? 'older CAs are to be trusted no more' : 'an older CA has had its time';
  return { act: true, why, signing, newLeaf: false, older: stay, isAnswer: rotation === 'Distrust' };
}

/** Why a leaf is of no use to the API server now; undefined if it is. */
function flawOf(content: Content | undefined, issuer: Authority | undefined, facts: Facts): string | undefined {
  const { now, hosts } = facts;
  if (content === undefined) return 'there is no Secret';
  const { leaf, flaw } = content;
  if (leaf === undefined) return flaw;
  if (now >= leaf.notAfter) return 'the leaf has expired';
  if (now < leaf.notBefore) return 'the leaf is not valid yet';
  if (issuer === undefined) return 'the leaf is from none of the valid CAs in ca.crt';
  const uncovered = hosts.find((host) => !leaf.covers(host));
  return uncovered === undefined ? undefined : `the leaf does not cover ${uncovered}`;
}

/** Is a certificate valid now? */
export function isCurrent({ notBefore, notAfter }: Authority | Leaf, now: number): boolean {
  return notBefore <= now && now < notAfter;
}

function isDue({ notAfter }: Authority | Leaf, renewBefore: number, now: number): boolean {
  return notAfter - now <= renewBefore;
}

/** The CAs that stay beside the one that signs (undefined: a new one): the leaf's issuer always, then the newest. */
function mostOf(
  authorities: readonly Authority[],
  signing: Authority | undefined,
  issuer: Authority | undefined,
): Authority[] {
  const others = authorities.filter(({ id }) => id !== signing?.id);
  const first = others.filter(({ id }) => id === issuer?.id);
  const rest = others.filter(({ id }) => id !== issuer?.id);
  return [...first, ...rest].slice(0, MOST_AUTHORITIES - 1);
}
