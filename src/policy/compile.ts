/** Makes of a ReadinessPolicy what requests are judged with: everything parsed, every default filled in, once. */
import { canonicalJson } from '../engine/canonical.ts';
import { ParameterError, type ActivePriority, type Check, type Priority, type ProfileName } from '../engine/check.ts';
import { parseDuration } from '../engine/duration.ts';
import type { EnabledCheck } from '../engine/evaluate.ts';
import { valueAt } from '../engine/path.ts';
import type { RelatedKindName } from '../engine/related.ts';
import { compileSelector, type Labels, type Matcher } from '../engine/selectors.ts';
import type { FieldProblem, RawObject } from '../engine/workload.ts';
import {
  LONGEST_EXCEPTION,
  LONGEST_POLICY_NAME,
  policySpecSchema,
  type Action,
  type CheckSettings,
  type MatchSpec,
  type PolicySpec,
} from './schema.ts';
import { selectorProblems } from './selector-problems.ts';
import { strictValidator, type Validator } from './validate.ts';

export interface Enforcement {
  readonly actions: Readonly<Record<ActivePriority, Action>>;
  /** Milliseconds since 1970, undefined: has always been in force. */
  readonly startsAt: number | undefined;
  readonly existingViolations: 'Deny' | 'Warn';
  readonly onUnknown: 'Warn' | 'Deny';
  readonly onError: 'Deny' | 'Warn';
  readonly unverifiedOwners: 'Warn' | 'Deny';
  /** Milliseconds. */
  readonly companionGrace: number;
  /** May service accounts that hold the verb break the glass? */
  readonly breakGlass: { readonly serviceAccounts: 'Deny' | 'Allow' };
}

export interface Match {
  /** As the policy states it; what the webhook configuration is derived from. */
  readonly spec: MatchSpec;
  readonly namespace: Matcher;
  readonly workload: Matcher;
}

export interface CompiledPolicy {
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** When it was made, in milliseconds since 1970; -Infinity for one that is in no cluster. */
  readonly createdAt: number;
  readonly profile: ProfileName;
  readonly match: Match;
  readonly enforcement: Enforcement;
  /** By name. */
  readonly enabled: readonly EnabledCheck[];
  /** Related kinds that the enabled checks look up. */
  readonly reads: ReadonlySet<RelatedKindName>;
  /** Could any finding be denied, now or from startsAt? */
  readonly canDeny: boolean;
  /** How far ahead an exception from it may expire, in milliseconds. */
  readonly longestException: number;
}

export type CompileResult = { readonly policy: CompiledPolicy } | { readonly problems: readonly FieldProblem[] };

/** Compiles policies against a list of checks. */
export class PolicyCompiler {
  readonly checks: readonly Check[];
  readonly #validate: Validator;
  readonly #byName: ReadonlyMap<string, Check>;

  constructor(checks: readonly Check[]) {
    this.checks = checks;
    this.#validate = strictValidator(policySpecSchema(checks));
    this.#byName = new Map(checks.map((check) => [check.name, check]));
  }

  /** Never throws; everything that is wrong with a policy is returned with its field. */
  compile(object: RawObject): CompileResult {
    const spec = object['spec'];
    const problems = this.#validate(spec ?? {}, ['spec']);
    if (problems.length > 0) return { problems };
    const valid = spec as PolicySpec;

    const enabled: EnabledCheck[] = [];
    for (const [name, settings] of Object.entries(valid.checks ?? {})) {
      problems.push(...this.#contradictions(name, settings, valid.profile));
    }
    for (const check of this.checks) {
      const settings = valid.checks?.[check.name] ?? {};
      const priority = settings.priority ?? profilePriority(check, valid.profile);
      if (priority === 'Disabled') continue;
      const { priority: _, exclude = [], ...parameters } = settings;
      try {
        const prepared = check.prepare?.(parameters as never) ?? parameters;
        const identity = `${check.name} ${canonicalJson({ exclude, parameters })}`;
        enabled.push({ check, priority, exclude, parameters: prepared, identity });
      } catch (error) {
        if (!(error instanceof ParameterError)) throw error;
        problems.push({ path: ['spec', 'checks', check.name, error.field], message: error.message });
      }
    }
    for (const field of ['namespaceSelector', 'workloadSelector'] as const) {
      problems.push(...selectorProblems(valid.match?.[field], ['spec', 'match', field]));
    }
    if (textAt(object, 'name').length > LONGEST_POLICY_NAME) {
      problems.push({ path: ['metadata', 'name'], message: `must have at most ${LONGEST_POLICY_NAME} characters` });
    }
    if (problems.length > 0) return { problems };

    const actions: Enforcement['actions'] = {
      Critical: valid.enforcement?.critical ?? 'Deny',
      Important: valid.enforcement?.important ?? 'Warn',
      NiceToHave: valid.enforcement?.niceToHave ?? 'Audit',
    };
    const { enforcement } = valid;
    return {
      policy: {
        name: textAt(object, 'name'),
        uid: textAt(object, 'uid'),
        generation: Number(valueAt(object, ['metadata', 'generation']) ?? 0),
        createdAt: createdAtOf(object),
        profile: valid.profile,
        match: {
          spec: valid.match ?? {},
          namespace: compileSelector(valid.match?.namespaceSelector ?? {}),
          workload: compileSelector(valid.match?.workloadSelector ?? {}),
        },
        enforcement: {
          actions,
          startsAt: enforcement?.startsAt === undefined ? undefined : Date.parse(enforcement.startsAt),
          existingViolations: enforcement?.existingViolations ?? 'Deny',
          onUnknown: enforcement?.onUnknown ?? 'Warn',
          onError: enforcement?.onError ?? 'Deny',
          unverifiedOwners: enforcement?.unverifiedOwners ?? 'Warn',
          companionGrace: parseDuration(enforcement?.companionGrace ?? '10m') ?? 0,
          breakGlass: { serviceAccounts: enforcement?.breakGlass?.serviceAccounts ?? 'Deny' },
        },
        enabled,
        reads: new Set(enabled.flatMap(({ check }) => check.reads ?? [])),
        canDeny: enabled.some(({ priority }) => actions[priority] === 'Deny'),
        longestException: parseDuration(valid.exceptions?.maxDuration ?? LONGEST_EXCEPTION) ?? 0,
      },
    };
  }

  /** Settings that would silently do nothing. */
  #contradictions(name: string, settings: CheckSettings, profile: ProfileName): FieldProblem[] {
    const check = this.#byName.get(name);
    if (check === undefined || settings.priority !== undefined) return [];
    if (profilePriority(check, profile) !== 'Disabled') return [];
    return [
      {
        path: ['spec', 'checks', name],
        message: `the profile ${profile} disables this check; set priority (Critical, Important or NiceToHave) to switch it on`,
      },
    ];
  }
}

function textAt(object: RawObject, field: 'name' | 'uid'): string {
  const text = valueAt(object, ['metadata', field]);
  return typeof text === 'string' ? text : '';
}

function createdAtOf(object: RawObject): number {
  const created = valueAt(object, ['metadata', 'creationTimestamp']);
  return typeof created === 'string' ? Date.parse(created) : -Infinity;
}

/** A check's priority in a profile. */
export function profilePriority(check: Check, profile: ProfileName): Priority {
  return profile === 'none' ? 'Disabled' : check.priorities[profile];
}

/** What a policy's match is asked about. */
export interface MatchSubject {
  readonly kind: string;
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  readonly labels: Labels;
}

/**
 * Does a policy concern a workload? Namespaces that are never judged are the caller's to leave out.
 *
 * @param namespaceMatches - the namespace's labels are known to match already
 */
export function policyMatches({ match }: CompiledPolicy, subject: MatchSubject, namespaceMatches = false): boolean {
  const { kinds } = match.spec;
  return (
    (kinds === undefined || kinds.includes(subject.kind)) &&
    match.workload(subject.labels) &&
    (namespaceMatches || match.namespace(subject.namespaceLabels))
  );
}
