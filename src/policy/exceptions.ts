/**
 * ReadinessExceptions, compiled: which workloads may miss which checks of which policies, and until when. Webhook, audit
 * and command line hand the same set to the same judgement (policy/judge.ts).
 */
import type { Check } from '../engine/check.ts';
import { nearestName } from '../engine/names.ts';
import { valueAt } from '../engine/path.ts';
import { compileSelector, type Matcher } from '../engine/selectors.ts';
import type { FieldProblem, RawObject, Workload } from '../engine/workload.ts';
import type { CompiledPolicy } from './compile.ts';
import { EVERY_CHECK, EXCEPTION_RULES, ExceptionSpecSchema, type ExceptionSpec } from './exception-schema.ts';
import { selectorProblems } from './selector-problems.ts';
import { strictValidator, type Validator } from './validate.ts';

/**
 * How much further than a policy's maxDuration an exception may reach and still count, in milliseconds: it was admitted
 * by a clock that may have been ahead of ours.
 */
const CLOCK_TOLERANCE = 3_600_000;

export interface CompiledException {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly reason: string;
  /** Name of the user who asked for it; undefined: not known. */
  readonly requestedBy: string | undefined;
  /** Milliseconds since 1970; from then on it does not count. */
  readonly expiresAt: number;
  /** As the policies are named; undefined: all of them. */
  readonly policies: ReadonlySet<string> | undefined;
  /** `Deployment/web`; undefined: the labels decide. */
  readonly workloads: ReadonlySet<string> | undefined;
  readonly labels: Matcher;
  /** Names of containers; undefined: all, and what is about none. */
  readonly containers: ReadonlySet<string> | undefined;
  /** Names of checks; undefined: every one. */
  readonly checks: ReadonlySet<string> | undefined;
}

export type ExceptionResult =
  { readonly exception: CompiledException } | { readonly problems: readonly FieldProblem[] };

/** Compiles exceptions against a list of checks. */
export class ExceptionCompiler {
  readonly #validate: Validator = strictValidator(ExceptionSpecSchema);
  readonly #names: ReadonlySet<string>;

  constructor(checks: readonly Check[]) {
    this.#names = new Set(checks.map(({ name }) => name));
  }

  /**
   * Never throws; everything that is wrong is returned with its field.
   *
   * @param defaultNamespace - of an object that names none
   */
  compile(object: RawObject, defaultNamespace = 'default'): ExceptionResult {
    const problems = this.#validate(object['spec'] ?? {}, ['spec']);
    if (problems.length > 0) return { problems };
    const spec = object['spec'] as ExceptionSpec;
    problems.push(...this.#unknownChecks(spec), ...contradictions(spec));
    problems.push(...selectorProblems(spec.selector, ['spec', 'selector']));
    if (problems.length > 0) return { problems };
    return {
      exception: {
        namespace: textAt(object, 'namespace') || defaultNamespace,
        name: textAt(object, 'name'),
        uid: textAt(object, 'uid'),
        reason: spec.reason,
        requestedBy: spec.requestedBy?.username,
        expiresAt: Date.parse(spec.expiresAt),
        policies: setOf(spec.policies),
        workloads: setOf(spec.workloads?.map(({ kind, name }) => `${kind}/${name}`)),
        labels: compileSelector(spec.selector ?? {}),
        containers: setOf(spec.containers),
        checks: spec.checks.includes(EVERY_CHECK) ? undefined : new Set(spec.checks),
      },
    };
  }

  #unknownChecks({ checks }: ExceptionSpec): FieldProblem[] {
    return [...checks.entries()]
      .filter(([, name]) => name !== EVERY_CHECK && !this.#names.has(name))
      .map(([index, name]) => {
        const near = nearestName(name, this.#names);
        const hint = near === undefined ? '' : `; did you mean ${near}?`;
        return { path: ['spec', 'checks', index], message: `unknown check ${name}${hint}` };
      });
  }
}

/** The rules of the CRD once more, for objects that no API server has seen. */
function contradictions(spec: ExceptionSpec): FieldProblem[] {
  const [either, alone] = EXCEPTION_RULES;
  const problems: FieldProblem[] = [];
  if ((spec.workloads === undefined) === (spec.selector === undefined)) {
    problems.push({ path: ['spec', 'workloads'], message: either.message });
  }
  if (spec.checks.includes(EVERY_CHECK) && spec.checks.length > 1) {
    problems.push({ path: ['spec', 'checks'], message: alone.message });
  }
  return problems;
}

function textAt(object: RawObject, field: 'name' | 'namespace' | 'uid'): string {
  const text = valueAt(object, ['metadata', field]);
  return typeof text === 'string' ? text : '';
}

function setOf(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values === undefined ? undefined : new Set(values);
}

/** Is a workload one of those that an exception is for? Its policies, checks and time are not looked at. */
export function concerns(exception: CompiledException, workload: Workload): boolean {
  if (exception.namespace !== workload.namespace) return false;
  if (exception.workloads !== undefined) return exception.workloads.has(`${workload.kind.kind}/${workload.name}`);
  return exception.labels(workload.labels);
}

/** Does an exception name a policy, or all of them? */
export function concernsPolicy({ policies }: CompiledException, policy: string): boolean {
  return policies === undefined || policies.has(policy);
}

/**
 * How an exception stands to a policy at a time.
 *
 * - `InForce`
 * - `Expired`: its time has come
 * - `TooLong`: it reaches further than the policy's exceptions.maxDuration allows, so that it never was admitted as it is,
 *   or the policy has become stricter since
 */
export type Standing = 'InForce' | 'Expired' | 'TooLong';

/** @param now - milliseconds since 1970 */
export function standingOf({ expiresAt }: CompiledException, policy: CompiledPolicy, now: number): Standing {
  if (now >= expiresAt) return 'Expired';
  return expiresAt - now > policy.longestException + CLOCK_TOLERANCE ? 'TooLong' : 'InForce';
}

/**
 * Why an exception may not be written with the end that it has.
 *
 * @param policies - those in force
 * @param now - milliseconds since 1970
 * @param isNew - one that is there already may be ended at once, and one that has ended may stay as it is
 */
export function endProblems(
  exception: CompiledException,
  policies: readonly CompiledPolicy[],
  now: number,
  isNew: boolean,
): FieldProblem[] {
  const path = ['spec', 'expiresAt'];
  const { expiresAt } = exception;
  if (now >= expiresAt) return isNew ? [{ path, message: 'is in the past: it would never count' }] : [];
  const [strictest] = policies
    .filter(({ name }) => concernsPolicy(exception, name))
    .toSorted((a, b) => a.longestException - b.longestException);
  if (strictest === undefined || expiresAt - now <= strictest.longestException) return [];
  // Whole seconds: nobody writes milliseconds.
  const latest = new Date(Math.floor((now + strictest.longestException) / 1000) * 1000);
  const message = `is further ahead than exceptions.maxDuration of policy ${strictest.name} allows; set ${latest.toISOString()} or earlier`;
  return [{ path, message }];
}

/**
 * When an exception's standing to a policy changes next by time alone, milliseconds since 1970; undefined: never.
 *
 * @param now - milliseconds since 1970
 */
export function nextStandingAt(exception: CompiledException, policy: CompiledPolicy, now: number): number | undefined {
  switch (standingOf(exception, policy, now)) {
    case 'Expired':
      return undefined;
    case 'InForce':
      return exception.expiresAt;
    case 'TooLong':
      return exception.expiresAt - policy.longestException - CLOCK_TOLERANCE;
  }
}

/** Why an exception that would have helped does not, in words for a person. @param now - milliseconds since 1970 */
export function lapsedText({ name, namespace, expiresAt }: CompiledException, now: number): string {
  const time = new Date(expiresAt).toISOString();
  const why =
    now >= expiresAt
      ? `it expired at ${time}`
      : `it ends ${time}, later than exceptions.maxDuration of the policy allows`;
  return `ReadinessException ${namespace}/${name} does not count: ${why}`;
}

/** Does an exception, if it is in force, cover what a check says? @param container - undefined: it is about no one container */
export function covers({ checks, containers }: CompiledException, check: string, container?: string): boolean {
  if (checks !== undefined && !checks.has(check)) return false;
  return containers === undefined || (container !== undefined && containers.has(container));
}

const NONE: readonly CompiledException[] = Object.freeze([]);

/** The exceptions that there are, found by namespace. */
export class ExceptionSet {
  readonly #byNamespace = new Map<string, Map<string, CompiledException>>();

  constructor(exceptions: Iterable<CompiledException> = []) {
    for (const exception of exceptions) this.set(exception);
  }

  /** Adds an exception, or replaces the one of the same name. */
  set(exception: CompiledException): void {
    const present = this.#byNamespace.get(exception.namespace) ?? new Map<string, CompiledException>();
    this.#byNamespace.set(exception.namespace, present.set(exception.name, exception));
  }

  delete(namespace: string, name: string): void {
    const present = this.#byNamespace.get(namespace);
    present?.delete(name);
    if (present?.size === 0) this.#byNamespace.delete(namespace);
  }

  get(namespace: string, name: string): CompiledException | undefined {
    return this.#byNamespace.get(namespace)?.get(name);
  }

  *[Symbol.iterator](): Iterator<CompiledException> {
    for (const present of this.#byNamespace.values()) yield* present.values();
  }

  /** The exceptions for a workload, by name, whatever their policies and whether in force or not. */
  of(workload: Workload): readonly CompiledException[] {
    const present = this.#byNamespace.get(workload.namespace);
    if (present === undefined) return NONE;
    return [...present.values()]
      .filter((exception) => concerns(exception, workload))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** There are none. */
export const NO_EXCEPTIONS = new ExceptionSet();
