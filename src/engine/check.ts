/** What a check is: metadata from which everything about it is made, and one pure function. */
import { Type, type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import { pathBelow, type Path } from './path.ts';
import type { Related, RelatedKindName } from './related.ts';
import type { Container, Workload } from './workload.ts';

/** The checklist's own three levels, and the switch that turns a check off. */
export const PRIORITIES = ['Critical', 'Important', 'NiceToHave', 'Disabled'] as const;
export type Priority = (typeof PRIORITIES)[number];
/** A priority of a check that is on. */
export type ActivePriority = Exclude<Priority, 'Disabled'>;

/** Where the cause of a finding lies, which decides what it may block at admission (docs: "What blocks what"). */
export const SCOPES = ['workload', 'reference', 'companion'] as const;
export type Scope = (typeof SCOPES)[number];

/** The named, versioned sets of checks. `none` enables nothing. */
export const PROFILES = ['production-v1', 'baseline-v1', 'none'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** A check's groups, in the order in which they are documented. */
export const GROUPS = [
  'Resource limits',
  'Health probes',
  'Secret references',
  'Replica counts and resilience',
  'Images, pod security, identity',
  'Around the workload',
] as const;
export type Group = (typeof GROUPS)[number];

/** One thing that a check says of a workload. A check that says nothing is met. */
export type Outcome =
  | {
      readonly type: 'unmet';
      /** Where in the user's object; for something that is missing, where it belongs. */
      readonly path: Path;
      /** What is wrong: a clause that follows the path, `no memory limit`. Never a secret's value. */
      readonly message: string;
      /** What to write instead; the check's own remediation if absent. */
      readonly remediation?: string | undefined;
      /** Name of the container concerned. */
      readonly container?: string | undefined;
      /** The cause may yet go away by itself (a companion that is still to come): admission only warns. */
      readonly waits?: true;
      /** Where this one finding's cause lies, if elsewhere than the check's scope says. */
      readonly scope?: Scope;
    }
  /** The operator could not find out. `recheckAt`: milliseconds since 1970 when waiting is over. */
  | { readonly type: 'unknown'; readonly cause: string; readonly recheckAt?: number }
  /** What it says of the workload may be another thing from then on, milliseconds since 1970, if nothing else changes. */
  | { readonly type: 'until'; readonly at: number }
  /** The check has nothing to say about this workload, for a reason that its kind does not tell. */
  | { readonly type: 'notApplicable'; readonly reason: string }
  /** Something that the report mentions although the check is met: where a value came from. */
  | { readonly type: 'note'; readonly text: string };

/** Takes what a check says. Told, not yielded: a generator for each of 40 checks costs more than most of them do. */
export type Report = (outcome: Outcome) => void;

export interface CheckInput<P> {
  readonly workload: Workload;
  /** The workload's containers less those that the parameter `exclude` names. */
  readonly containers: readonly Container[];
  readonly parameters: P;
  readonly related: Related;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * - `LongRunning`: pods that serve until they are stopped; not Jobs, CronJobs, and Pods that are not restarted.
 * - `Replicated`: kinds with a replica count.
 */
export type Applicability = 'LongRunning' | 'Replicated';

/** The requests that change something other than a pod template, and whose own checks alone are then run. */
export type Aspect = 'Replicas' | 'Resources';

export interface CheckDefinition<T extends TProperties, P> {
  /** camelCase; the one name of the check everywhere. */
  readonly name: string;
  /** A few words, for headings. */
  readonly title: string;
  /** One sentence: when the check is met. */
  readonly metWhen: string;
  readonly group: Group;
  /** Items of the production readiness checklist that the check serves (ids of the catalog). */
  readonly items: readonly string[];
  readonly scope: Scope;
  /** Its priority in each profile that has checks. Frozen with the first release. */
  readonly priorities: Readonly<Record<Exclude<ProfileName, 'none'>, Priority>>;
  /** The workloads on which the check is run; absent: all. */
  readonly appliesTo?: Applicability;
  /** The check judges containers one by one, and so has the parameter `exclude`. */
  readonly perContainer?: true;
  /** Related kinds that `run` looks up. */
  readonly reads?: readonly RelatedKindName[];
  /** Kinds among them without any of which it has nothing to go by: where a cluster serves none, it is not judged. */
  readonly needs?: readonly RelatedKindName[];
  /** It also judges changes of the replica count, or of a running Pod's resources. */
  readonly aspects?: readonly Aspect[];
  /** Its parameters with defaults and descriptions, beyond those that every check has. */
  readonly parameters: TObject<T>;
  /** One or two sentences: why it matters. */
  readonly rationale: string;
  /** What to write instead, as a clause that follows a semicolon. */
  readonly remediation: string;
  /** Field or page of the Kubernetes documentation from which the rule comes. */
  readonly source: string;
  /**
   * Prepares parameters once for a policy: parses quantities, compiles patterns. Throws ParameterError for values that
   * contradict each other.
   */
  readonly prepare?: (parameters: Static<TObject<T>>) => P;
  /** Judges one workload. Synchronous, and pure but for what it reports; what it throws becomes the result Error. */
  readonly run: (input: CheckInput<P>, report: Report) => void;
}

/** A check with its parameters' types forgotten: what everything but the check itself handles. */
export interface Check extends Omit<CheckDefinition<TProperties, never>, 'parameters' | 'prepare' | 'run'> {
  readonly parameters: TSchema;
  readonly prepare?: ((parameters: never) => unknown) | undefined;
  readonly run: (input: CheckInput<never>, report: Report) => void;
}

/** A parameter's value that the schema allows but the check can't use. */
export class ParameterError extends Error {
  readonly field: string;
  /** @param field - path below the check, `min` */
  constructor(field: string, message: string) {
    super(message);
    this.name = 'ParameterError';
    this.field = field;
  }
}

/** Declares a check; exists so that parameters, `prepare` and `run` are typed from one another. */
export function defineCheck<T extends TProperties, P = Static<TObject<T>>>(definition: CheckDefinition<T, P>): Check {
  return Object.freeze({ ...UNUSED, ...definition }) as Check;
}

/**
 * What a check may leave out, ahead of the rest: so all checks are objects of one layout, and what runs them one after the
 * other finds their fields without looking for them.
 */
const UNUSED = {
  appliesTo: undefined,
  perContainer: undefined,
  reads: undefined,
  needs: undefined,
  aspects: undefined,
  prepare: undefined,
};

/** An `unmet` outcome about one container. */
export function unmetAt(container: Container, below: Path, message: string, remediation?: string): Outcome {
  return { type: 'unmet', path: pathBelow(container.path, below), message, remediation, container: container.name };
}

/** For checks without parameters of their own. */
export const NO_PARAMETERS = Type.Object({});
