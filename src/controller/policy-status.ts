/** What a policy's status says: pure, from its state and its numbers. */
import { Type, type Static } from 'typebox';
import type { WorkloadKind } from '../engine/kinds.ts';
import { valueAt } from '../engine/path.ts';
import { RELATED_KINDS, type RelatedKindName } from '../engine/related.ts';
import type { InformerState } from '../kube/informer.ts';
import { words } from '../policy/schema.ts';
import { conditionSchema, conditionsOf, generationOf, type Said } from './conditions.ts';
import { problemText, type PolicyState } from './policies.ts';
import type { Tally } from './tally.ts';
import type { Omission } from './webhook-configuration-objects.ts';

const Count = (description: string) => Type.Integer({ description, minimum: 0 });
const Text = (description: string, maxLength: number) => Type.String({ description, maxLength });

const ConditionSchema = conditionSchema('Ready, Enforced or Informed', 'policy');

export const PolicyStatusSchema = Type.Object({
  observedGeneration: Type.Optional(Count('Generation that was looked at last.')),
  conditions: Type.Optional(
    Type.Array(ConditionSchema, {
      description:
        'Ready: the policy is in force. Enforced: the API server asks the operator before it admits workloads, or nothing is to be denied. Informed: the operator can read all that the checks need.',
      maxItems: 8,
    }),
  ),
  workloads: Type.Optional(
    Type.Object(
      {
        matched: Count('Workloads that it matches.'),
        ready: Count('Those without an unmet Critical check.'),
        notReady: Count('Those with one.'),
        unknown: Count('Those with one that could not be decided.'),
      },
      { description: 'Workloads by state.' },
    ),
  ),
  findings: Type.Optional(
    Type.Object(
      {
        critical: Count('Critical findings.'),
        important: Count('Important findings.'),
        niceToHave: Count('NiceToHave findings.'),
        excepted: Count('Findings that exceptions let pass; counted nowhere else.'),
      },
      { description: 'Findings by priority.' },
    ),
  ),
  topChecks: Type.Optional(
    Type.Array(
      Type.Object({ name: Text('Name of the check.', 63), workloads: Count('Workloads that do not meet it.') }),
      {
        description: 'The checks that most workloads do not meet.',
        maxItems: 10,
      },
    ),
  ),
  inForce: Type.Optional(
    Type.Object(
      {
        generation: Count('Its generation.'),
        spec: Type.Unsafe<Readonly<Record<string, unknown>>>({
          type: 'object',
          description: 'Its spec.',
          'x-kubernetes-preserve-unknown-fields': true,
        }),
      },
      {
        description:
          'The last good version, where the newest one can not be used: it stays in force, also over a restart of the operator.',
      },
    ),
  ),
  notCovered: Type.Optional(
    Type.Array(
      Type.Object({
        namespace: Type.Optional(Text('A namespace that is never judged.', 63)),
        check: Type.Optional(Text('A check that is not made.', 63)),
        kind: Type.Optional(Text('A kind that is not judged, or that the check would need.', 63)),
        reason: words(['SystemNamespace', 'NotServed'], 'Why.'),
      }),
      { description: 'What the policy matches and the operator yet does not judge.', maxItems: 100 },
    ),
  ),
});

export type PolicyStatus = Static<typeof PolicyStatusSchema>;

/** What the webhook configuration in the cluster has of a policy. */
export interface Routing {
  /** The generation that it was derived from. */
  readonly generation: number;
  /** Why the policy's entries were yet left out; undefined: they are there. */
  readonly omission: Omission | undefined;
}

export interface StatusFacts {
  readonly state: PolicyState;
  readonly tally: Tally | undefined;
  /** How the API server is known to route policies to us, by name. */
  readonly routing: ReadonlyMap<string, Routing>;
  readonly kinds: readonly WorkloadKind[];
  /** How far the copies of a kind of workloads can be trusted; undefined: they are not asked for. */
  readonly workloadState: (kind: string) => InformerState | undefined;
  /** Why a related kind can't be looked up; undefined if it can. */
  readonly unreadable: (kind: RelatedKindName) => string | undefined;
  /** The cluster is known not to serve a related kind. */
  readonly unserved: (kind: RelatedKindName) => boolean;
  /** Exempt namespaces that exist. */
  readonly exemptNamespaces: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

const MOST_PROBLEMS = 5;
/** Characters, less than a message may have: a note may follow. */
const LONGEST_CAUSES = 4000;

/** Makes the status of a policy. */
export function policyStatus(facts: StatusFacts): PolicyStatus {
  const { state, tally } = facts;
  const checks = tally?.checks ?? [];
  const sum = (priority: string): number =>
    checks.filter((check) => check.priority === priority).reduce((total, { count }) => total + count, 0);
  return {
    observedGeneration: generationOf(state.object),
    conditions: conditionsOf([ready(facts), ...ofVersionInForce(facts)], state.object, facts.now),
    workloads: tally?.workloads ?? { matched: 0, ready: 0, notReady: 0, unknown: 0 },
    findings: {
      critical: sum('Critical'),
      important: sum('Important'),
      niceToHave: sum('NiceToHave'),
      excepted: tally?.excepted.reduce((total, { count }) => total + count, 0) ?? 0,
    },
    topChecks: checks.slice(0, 10).map(({ check, workloads }) => ({ name: check, workloads })),
    ...(state.problems.length > 0 && state.inForce !== undefined
      ? { inForce: { generation: state.inForce.generation, spec: state.inForceSpec as Record<string, unknown> } }
      : {}),
    notCovered: notCovered(facts),
  };
}

function ready({ state: { object, problems, inForce } }: StatusFacts): Said {
  if (problems.length > 0) {
    const unknownCheck = problems.some(({ message }) => message.startsWith('unknown check'));
    const rest = problems.length > MOST_PROBLEMS ? `; and ${problems.length - MOST_PROBLEMS} more` : '';
    const kept =
      inForce === undefined ? 'nothing of it is in force' : `generation ${inForce.generation} stays in force`;
    return {
      type: 'Ready',
      status: 'False',
      reason: unknownCheck ? 'UnknownCheck' : 'Invalid',
      message: `${problems.slice(0, MOST_PROBLEMS).map(problemText).join('; ')}${rest}. Until it is mended, ${kept}.`,
    };
  }
  if (inForce === undefined || inForce.generation !== valueAt(object, ['metadata', 'generation'])) {
    return {
      type: 'Ready',
      status: 'False',
      reason: 'Reading',
      message: 'The operator reads what the policy asks for.',
    };
  }
  return {
    type: 'Ready',
    status: 'True',
    reason: 'InForce',
    message: `${inForce.enabled.length} checks are in force.`,
  };
}

/**
 * What is true of the version in force, which may be an older one: the newest is still being read, or can't be used. Then
 * these conditions speak of that older generation, so that nobody takes them for the newest (`kubectl wait` does not).
 */
function ofVersionInForce(facts: StatusFacts): Said[] {
  const { object, inForce } = facts.state;
  const generation = inForce?.generation;
  const isOlder = generation !== undefined && generation !== generationOf(object);
  const note = isOlder ? ` This is said of generation ${generation}, which is in force.` : '';
  return [enforced(facts), informed(facts)].map((said) => ({ ...said, message: said.message + note, generation }));
}

function enforced({ state: { inForce }, routing, now }: StatusFacts): Said {
  const type = 'Enforced';
  if (inForce === undefined) {
    return { type, status: 'False', reason: 'NotInForce', message: 'No version of the policy is in force.' };
  }
  const routed = routing.get(inForce.name);
  if (routed?.generation !== inForce.generation) {
    return {
      type,
      status: 'False',
      reason: 'NotRouted',
      message: 'The API server is not yet told to ask the operator.',
    };
  }
  if (routed.omission !== undefined) {
    const { reason } = routed.omission;
    return { type, status: 'False', reason, message: omissionText(routed.omission).slice(0, LONGEST_CAUSES) };
  }
  if (!inForce.canDeny) {
    return { type, status: 'True', reason: 'NothingToDeny', message: 'No check of the policy denies anything.' };
  }
  const { startsAt } = inForce.enforcement;
  const from =
    startsAt !== undefined && startsAt > now ? ` Until ${new Date(startsAt).toISOString()} it only warns.` : '';
  return {
    type,
    status: 'True',
    reason: 'Routed',
    message: `The API server asks the operator before it admits workloads.${from}`,
  };
}

function omissionText({ reason, why }: Omission): string {
  const consequence = 'so that the API server does not ask the operator for this policy';
  return reason === 'NoRoom'
    ? `The webhook configurations have no room for its entries, ${consequence}. Give policies the same match, or remove some.`
    : `The API server refuses its webhook entries, ${consequence}. Change spec.match. It said: ${why}`;
}

/** Whatever can't be read makes checks Unknown, or leaves what runs unreported; here is where one sees why. */
function informed({ state: { inForce }, kinds, workloadState, unreadable }: StatusFacts): Said {
  const type = 'Informed';
  const causes: string[] = [];
  for (const kind of inForce?.reads ?? []) {
    const cause = unreadable(kind);
    if (cause === undefined) continue;
    const concerned = inForce?.enabled
      .filter(({ check }) => check.reads?.includes(kind))
      .map(({ check }) => check.name);
    causes.push(`${RELATED_KINDS[kind].resource}: ${cause} (Unknown: ${concerned?.join(', ')})`);
  }
  for (const { kind, resource } of kinds) {
    const state = workloadState(kind);
    if (state?.state !== 'failed' || inForce?.match.spec.kinds?.includes(kind) === false) continue;
    causes.push(`${resource}: ${state.cause} (those that run are not reported)`);
  }
  if (causes.length === 0) {
    return { type, status: 'True', reason: 'AllRead', message: 'All that the checks need can be read.' };
  }
  return { type, status: 'False', reason: 'NotRead', message: `${causes.join('; ')}.`.slice(0, LONGEST_CAUSES) };
}

function notCovered({
  state: { inForce },
  kinds,
  workloadState,
  unserved,
  exemptNamespaces,
}: StatusFacts): NonNullable<PolicyStatus['notCovered']> {
  const known = kinds.map(({ kind }) => kind);
  return [
    ...exemptNamespaces.map((namespace) => ({ namespace, reason: 'SystemNamespace' as const })),
    ...(inForce?.match.spec.kinds ?? known)
      .filter((kind) => !known.includes(kind) || workloadState(kind)?.state === 'notServed')
      .map((kind) => ({ kind, reason: 'NotServed' as const })),
    ...(inForce?.enabled ?? [])
      .filter(({ check: { needs } }) => needs?.every(unserved) === true)
      .flatMap(({ check: { name, needs = [] } }) =>
        needs.map((kind) => ({ check: name, kind, reason: 'NotServed' as const })),
      ),
  ];
}
