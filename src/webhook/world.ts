import type { WorkloadKind } from '../engine/kinds.ts';
import type { Related, RelatedKindName, Answer, RelatedFacts } from '../engine/related.ts';
import type { Labels } from '../engine/selectors.ts';
import type { RawObject, Workload } from '../engine/workload.ts';
import type { Copies } from '../policy/copies.ts';
import type { ExceptionSet } from '../policy/exceptions.ts';
import type { Exemptions } from '../policy/exemptions.ts';
import type { PolicySet } from '../policy/routes.ts';
import type { AdmissionRequest } from './protocol.ts';

/** Why a request that would be denied only warns. */
export type Leniency =
  | Rollback
  | {
      /**
       * - `CronJob`: a Job that is made of its CronJob's own template;
       * - `Owner`: a custom controller makes it; it does not hold for policies with `unverifiedOwners: Deny`.
       */
      readonly by: 'CronJob' | 'Owner';
      /** In words for a person. */
      readonly reason: string;
    };

/** The request brings back a template that the workload ran before; that speaks for nothing but the template. */
export interface Rollback {
  readonly by: 'Rollback';
  /** In words for a person. */
  readonly reason: string;
  /**
   * When the revision was made that shows it, in milliseconds since 1970: it speaks before policies that are younger alone.
   * Undefined: the operator itself saw it run.
   */
  readonly madeAt: number | undefined;
}

/** What the admission decision may know beside the request: memory first, the API server only before a denial. */
export interface World {
  /** Milliseconds since 1970. */
  now(): number;
  readonly kinds: readonly WorkloadKind[];
  readonly exemptions: Exemptions;
  policies(): PolicySet;
  /** All that there are, whether in force or not. */
  readonly exceptions: ExceptionSet;
  readonly related: Related;
  /** Undefined if the namespace is not known yet. */
  namespaceLabels(namespace: string): Labels | undefined;
  /** The object whose scale is changed, if it is in memory. */
  parent(kind: WorkloadKind, namespace: string, name: string): RawObject | undefined;
  readonly live: LiveReads;
  /** What to decide by before a denial in a namespace, where what is here is behind; undefined: by what is here. */
  beforeDenial(namespace: string): Promise<Partial<Copies> | undefined> | undefined;
}

/** May somebody bypass a policy? `unknown`: that could not be found out. */
export type MayBypass = 'yes' | 'no' | 'unknown';

/** Questions to the API server. Each takes at most `timeout` milliseconds and answers with what it knows then. */
export interface LiveReads {
  namespaceLabels(namespace: string, timeout: number): Promise<Labels | undefined>;
  parent(kind: WorkloadKind, namespace: string, name: string, timeout: number): Promise<RawObject | undefined>;
  named<K extends RelatedKindName>(
    kind: K,
    namespace: string,
    name: string,
    timeout: number,
  ): Promise<Answer<RelatedFacts[K]>>;
  /**
   * Why this request should not be denied, undefined if nothing speaks for it or that could not be found out.
   *
   * @param old - the object before, if the request brings another template
   */
  leniency(
    workload: Workload,
    old: Workload | undefined,
    request: AdmissionRequest,
    timeout: number,
  ): Promise<Leniency | undefined>;
  /** Does the requesting user hold the verb `bypass` on a policy in a namespace? */
  mayBypass(user: AdmissionRequest['userInfo'], namespace: string, policy: string, timeout: number): Promise<MayBypass>;
}
