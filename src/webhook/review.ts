/** The admission decision: which requests are judged, by which policies, and what is answered. */
import type { Aspect } from '../engine/check.ts';
import { apiVersionOf, workloadKindOf, type WorkloadKind } from '../engine/kinds.ts';
import { formatPath, valueAt } from '../engine/path.ts';
import { printable } from '../engine/printable.ts';
import type { Related } from '../engine/related.ts';
import type { Labels } from '../engine/selectors.ts';
import { hasTemplate, readWorkload, type RawObject, type Workload } from '../engine/workload.ts';
import type { ClusterEvent } from '../kube/events.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import { MIRROR_POD_ANNOTATION, NODE_USER_PREFIX } from '../policy/exemptions.ts';
import { sharingEvaluator } from '../engine/evaluate.ts';
import { denies, denyingChecks, judgeFor, type Admission, type Verdict } from '../policy/judge.ts';
import { reportNameOf } from '../policy/report.ts';
import { judges, type PolicySet, type Route } from '../policy/routes.ts';
import { andThen, type Awaitable } from './awaitable.ts';
import { breakGlass, type BreakGlass } from './break-glass.ts';
import { refreshed } from './live.ts';
import { breakGlassUsed, policyLeft, rolloutDenied, workloadSubject } from './events.ts';
import { denialMessage, leavingWarnings, nameOf, warningsOf } from './message.ts';
import type { AdmissionRequest, AdmissionResponse } from './protocol.ts';
import { mapInTurns, type Turns } from '../kube/turns.ts';
import { changesTemplateAlone, countOf, scopeOf, templateChanged, type Subject } from './scope.ts';
import type { Leniency, World } from './world.ts';

/** Our own time limit for one request, live reads included; the API server gives 5 s. Milliseconds. */
export const DEADLINE = 3000;

/** How much of the reason for breaking the glass the audit log is given, in characters. */
const LONGEST_REASON = 1024;

/** What was decided and why, for metrics and the log. */
export interface Decision {
  readonly response: AdmissionResponse;
  readonly decision: 'allowed' | 'warned' | 'denied' | 'notJudged';
  readonly kind: string;
  readonly errors: Verdict['errors'];
  /** Names of the policies that would have denied and were bypassed; told by one of several calls for a request. */
  readonly bypassed?: readonly string[];
  /** To be recorded unless the request is a dry-run; each told by one of several calls for a request. */
  readonly events?: readonly ClusterEvent[];
  /** What the calls for the same request by other routes are answered, by the names of those routes. */
  readonly elsewhere?: ReadonlyMap<string, Decision>;
}

/** A request while it is decided. */
interface Asked {
  readonly request: AdmissionRequest;
  /** Those in force when it came: what is decided about it is decided by them, also after waiting. */
  readonly policies: PolicySet;
  /** By which the API server came; undefined: the policy has gone meanwhile. */
  readonly route: Route | undefined;
  readonly world: World;
  /** When it must be answered; milliseconds since 1970. */
  readonly deadline: number;
  readonly turns: Turns;
}

/**
 * Decides one request.
 *
 * @param policy - the one whose route the API server took
 * @param turns - in which it is judged
 * @throws only what is a fault of ours; the caller then answers with an HTTP error and never "allowed". CallerGone
 */
export function review(request: AdmissionRequest, policy: string, world: World, turns: Turns): Awaitable<Decision> {
  const { kind, operation, subResource } = request;
  if (operation !== 'CREATE' && operation !== 'UPDATE')
    return notJudged(kind.kind, 'only creates and updates are judged');
  if (isExempt(request, world)) return notJudged(kind.kind, 'the request of a controller or a node');
  const namespace = request.namespace ?? '';
  if (world.exemptions.namespaces.has(namespace)) return notJudged(kind.kind, 'a system namespace');

  const policies = world.policies();
  const deadline = world.now() + DEADLINE;
  const asked: Asked = { request, policies, route: policies.route(policy), world, deadline, turns };
  const reading = subResource === 'scale' ? scaledSubject(asked) : subjectOf(asked);
  return andThen(reading, (subject) => {
    if ('response' in subject) return subject;
    const labels = world.namespaceLabels(namespace) ?? world.live.namespaceLabels(namespace, DEADLINE);
    return andThen(labels, (known) => decide(subject, known ?? {}, asked));
  });
}

/** @param labels - those of the namespace */
function decide(subject: Subject, labels: Labels, asked: Asked): Awaitable<Decision> {
  const { request, policies, route, world } = asked;
  const { workload } = subject;
  const { kind } = workload;
  const routes = policies.routesFor(
    { kind: kind.kind, namespace: request.namespace ?? '', namespaceLabels: labels, labels: workload.labels },
    route,
  );
  const judged: Judged[] = [];
  for (const { policies: sharing } of routes) {
    for (const policy of sharing) {
      const scope = scopeOf(policy, subject, request.operation);
      if (scope !== 'none') judged.push({ policy, scope });
    }
  }
  // Only where the template is judged: what is stored already can still be scaled, relabelled and let go of.
  if (workload.excess !== undefined && judged.some(({ scope }) => scope === 'all')) {
    return malformed(kind, workload.excess, route);
  }
  const telling = (decision: Decision, routed: Route | undefined): Decision =>
    tellingWhatIsLeft(decision, subject, routed, request);
  if (judged.length === 0) return telling(notJudged(kind.kind, 'nothing that a policy judges has changed'), route);
  const settled = andThen(settle(judged, subject, asked), (made) =>
    // To describe what was found takes a turn of its own.
    andThen(judged.length > 1 ? asked.turns.next() : undefined, () => made),
  );
  return andThen(settled, (made) => {
    const answers = answersTo(subject, made, routes, request, world.now());
    const own = telling(answers(route), route);
    if (routes.length === 1) return own;
    // What a check threw is told once.
    const others = routes.filter((other) => other !== route);
    const elsewhere = others.map((other) => [other.name, { ...telling(answers(other), other), errors: [] }] as const);
    return { ...own, elsewhere: new Map(elsewhere) };
  });
}

/**
 * Labels that no longer match a workloadSelector take a workload out of its policies: the API server asks once more, by
 * their route, because the old labels matched.
 */
function tellingWhatIsLeft(
  decision: Decision,
  { workload, old }: Subject,
  route: Route | undefined,
  { userInfo }: AdmissionRequest,
): Decision {
  const selects = route?.policies[0]?.match.workload;
  if (route === undefined || selects === undefined || old === undefined || !decision.response.allowed) return decision;
  if (!selects(old.labels) || selects(workload.labels)) return decision;
  const left = route.policies.map(({ name }) => name);
  const [what, regarding] = [nameOf(workload), workloadSubject(workload, old.uid)];
  const warnings = leavingWarnings(what, 'workloadSelector', left);
  return {
    ...decision,
    response: { ...decision.response, warnings: [...warnings, ...(decision.response.warnings ?? [])] },
    decision: 'warned',
    events: [...(decision.events ?? []), policyLeft(userInfo, regarding, what, left)],
  };
}

function notJudged(kind: string, reason: string): Decision {
  return {
    response: { allowed: true, auditAnnotations: { decision: `not judged: ${reason}` } },
    decision: 'notJudged',
    kind,
    errors: [],
  };
}

/** Rule 4: what Kubernetes' own controllers and nodes do always passes; never a whole group. */
function isExempt({ userInfo, object }: AdmissionRequest, { exemptions }: World): boolean {
  const username = userInfo.username ?? '';
  if (exemptions.users.has(username)) return true;
  if (!username.startsWith(NODE_USER_PREFIX)) return false;
  const annotations = valueAt(object, ['metadata', 'annotations']);
  return typeof annotations === 'object' && annotations !== null && MIRROR_POD_ANNOTATION in annotations;
}

/** Reads what a request is about. A Decision instead if that settles it. */
function subjectOf({ request, route, world }: Asked): Subject | Decision {
  const { subResource, object, oldObject, kind } = request;
  if (subResource && subResource !== 'resize') return notJudged(kind.kind, `the subresource ${subResource}`);

  const workloadKind = workloadKindOf(
    apiVersionOf({ group: kind.group ?? '', version: kind.version }),
    kind.kind,
    world.kinds,
  );
  if (workloadKind === undefined) return notJudged(kind.kind, 'not a kind of workload');
  if (!hasTemplate(object as RawObject, workloadKind)) return notJudged(kind.kind, 'it holds no pod template');
  const read = readWorkload(object as RawObject, workloadKind, request.namespace ?? '');
  if ('problem' in read) return malformed(workloadKind, read.problem, route);
  if (read.workload.deleting) return notJudged(kind.kind, 'it is being deleted');
  const readOld =
    request.operation === 'UPDATE' && oldObject
      ? readWorkload(oldObject, workloadKind, request.namespace ?? '')
      : undefined;
  const old = readOld !== undefined && 'workload' in readOld ? readOld.workload : undefined;
  return { workload: read.workload, old, aspect: subResource === 'resize' ? 'Resources' : undefined };
}

/** Rule 3: a Scale object has no labels and no template, so it is judged with its parent. */
async function scaledSubject({ request, route, world, deadline }: Asked): Promise<Subject | Decision> {
  const { object, oldObject, namespace = '', name } = request;
  const parentKind = world.kinds.find(({ resource, group, replicas }) => {
    const asked = request.resource;
    return replicas !== undefined && resource === asked.resource && group === (asked.group ?? '');
  });
  if (parentKind === undefined || !name) return notJudged('Scale', 'the scale of another kind');
  const parent =
    world.parent(parentKind, namespace ?? '', name) ??
    (await world.live.parent(parentKind, namespace ?? '', name, deadline - world.now()));
  if (parent === undefined) return notJudged(parentKind.kind, 'its parent does not exist');
  if (!hasTemplate(parent, parentKind)) return notJudged(parentKind.kind, 'its parent holds no pod template');
  const before = readWorkload(parent, parentKind);
  if ('problem' in before) return malformed(parentKind, before.problem, route);
  if (before.workload.deleting) return notJudged(parentKind.kind, 'it is being deleted');
  const scaledTo = (scale: RawObject | null | undefined): Workload => ({
    ...before.workload,
    replicas: { count: Number(valueAt(scale, ['spec', 'replicas']) ?? 0), path: parentKind.replicas ?? [] },
  });
  return { workload: scaledTo(object), old: scaledTo(oldObject), aspect: 'Replicas' };
}

/**
 * Rule 7: never allowed by accident, and told which field is wrong. Policies that deny nothing do not deny this either: the
 * API server lets no such object of Kubernetes' own kinds through, but a custom kind may be named with a wrong path.
 *
 * @param route - by which the request came; undefined: refused in any case
 */
function malformed(
  kind: WorkloadKind,
  problem: { readonly path: readonly (string | number)[]; readonly message: string },
  route: Route | undefined,
): Decision {
  const message = printable(`${kind.kind}: ${formatPath(problem.path)}: ${problem.message}`);
  const allowed = route?.canDeny === false;
  const decision = allowed ? 'warned' : 'denied';
  return {
    response: {
      allowed,
      ...(allowed
        ? { warnings: [`[${route.name}] can not be judged: ${message}`] }
        : { status: { code: 422, reason: 'Invalid', message } }),
      auditAnnotations: { decision: `${decision}: malformed` },
    },
    decision,
    kind: kind.kind,
    errors: [],
  };
}

/** A policy that judges a change, and by which of its checks. */
interface Judged {
  readonly policy: CompiledPolicy;
  readonly scope: 'all' | Aspect;
}

interface Settled {
  readonly verdicts: readonly Verdict[];
  /** What became of the wish to break the glass; undefined: there was none, or no need. */
  readonly glass: BreakGlass | undefined;
}

/**
 * Judges with what is in memory; only if that denies, asks the API server for what could change it: references that the
 * cache may not know yet, older templates, the owner, and whether the requester may break the glass.
 */
function settle(judged: readonly Judged[], subject: Subject, asked: Asked): Awaitable<Settled> {
  const { workload, old } = subject;
  const { request, world, turns } = asked;
  const change = old === undefined ? 0 : (countOf(workload) ?? 0) - (countOf(old) ?? 0);
  const now = world.now();
  const judgeAll: JudgeAll = (related, lenient) => {
    const judge = judgeFor(judged.length, workload, related, now, world.exceptions);
    const before = old === undefined ? undefined : sharingEvaluator(old, related, now);
    return mapInTurns(judged, turns, ({ policy, scope }) =>
      // Grace is measured from the old object's creation: a new one has not begun to wait.
      judge(policy, {
        operation: request.operation === 'CREATE' ? 'CREATE' : 'UPDATE',
        dryRun: request.dryRun === true,
        aspect: scope === 'all' ? undefined : scope,
        raisesReplicas: change > 0,
        lowersReplicas: change < 0,
        lenient: lenient(policy),
        old: before,
      }),
    );
  };

  let isUndecidable = false;
  const noting: Related = {
    find: (kind, namespace, key) => {
      const found = world.related.find(kind, namespace, key);
      if (found.state === 'unknown' && found.live === true) isUndecidable = true;
      return found;
    },
  };
  return andThen(
    judgeAll(noting, () => undefined),
    (verdicts): Awaitable<Settled> =>
      !isUndecidable && !verdicts.some(denies)
        ? { verdicts, glass: undefined }
        : settleByAsking(verdicts, isUndecidable, judgeAll, subject, asked),
  );
}

/** Judges by all policies, with what is known of other objects, and what speaks for leniency. */
type JudgeAll = (related: Related, lenient: (policy: CompiledPolicy) => Admission['lenient']) => Awaitable<Verdict[]>;

async function settleByAsking(
  inMemory: readonly Verdict[],
  isUndecidable: boolean,
  judgeAll: JudgeAll,
  { workload, old, aspect }: Subject,
  { request, world, deadline }: Asked,
): Promise<Settled> {
  let verdicts = inMemory;
  const remaining = (): number => Math.max(1, deadline - world.now());
  let related = world.related;
  if (isUndecidable || verdicts.some(deniesByReference)) {
    related = await refreshed(workload, verdicts, world, remaining());
    verdicts = await judgeAll(related, () => undefined);
    if (!verdicts.some(denies)) return { verdicts, glass: undefined };
  }
  const replaced = old !== undefined && aspect === undefined && templateChanged(old, workload) ? old : undefined;
  const lenient = await world.live.leniency(workload, replaced, request, remaining());
  const leniency = (policy: CompiledPolicy): Admission['lenient'] => leniencyOf(lenient, policy, workload, old);
  if (lenient !== undefined) verdicts = await judgeAll(related, leniency);
  const denying = verdicts.filter(denies).map(({ policy }) => policy);
  if (denying.length === 0) return { verdicts, glass: undefined };
  const glass = await breakGlass(denying, workload, old, request, world.live, remaining());
  if (glass === undefined || glass.granted.size === 0) return { verdicts, glass };
  return {
    verdicts: await judgeAll(related, (policy) =>
      glass.granted.has(policy.name) ? { reason: 'the glass is broken' } : leniency(policy),
    ),
    glass,
  };
}

/** What a reason to be lenient means to one policy. @param old - undefined for a creation */
function leniencyOf(
  lenient: Leniency | undefined,
  { match, createdAt, enforcement }: CompiledPolicy,
  workload: Workload,
  old: Workload | undefined,
): Admission['lenient'] {
  switch (lenient?.by) {
    case undefined:
      return undefined;
    case 'Rollback': {
      // It ran under policies that concerned it; one that begins to by this very request has never let it pass.
      if (old === undefined || !match.workload(old.labels)) return undefined;
      if (lenient.madeAt !== undefined && lenient.madeAt >= createdAt) return undefined;
      const { reason } = lenient;
      return changesTemplateAlone(old, workload) ? { reason } : { reason, within: workload.kind.template };
    }
    case 'Owner':
      return enforcement.unverifiedOwners === 'Deny' ? undefined : { reason: lenient.reason };
    case 'CronJob':
      return { reason: lenient.reason };
  }
}

/** Does a verdict deny for what it found out about other objects that are named? */
function deniesByReference(verdict: Verdict): boolean {
  const denying = denyingChecks(verdict);
  return verdict.policy.enabled.some(({ check }) => check.scope === 'reference' && denying.has(check.name));
}

/**
 * kubectl shows one entry's denial and every entry's warnings: all deny with one text, the first alone warns.
 *
 * @returns what is answered to the call by a route
 */
function answersTo(
  { workload, old, aspect }: Subject,
  { verdicts, glass }: Settled,
  routes: readonly Route[],
  { operation, userInfo }: AdmissionRequest,
  now: number,
): (routed: Route | undefined) => Decision {
  const denied = verdicts.some(denies);
  const judging = new Set(verdicts.map(({ policy }) => policy));
  // A route is asked about a change that its policies judge; about a subresource, if any of their checks judges that.
  const first = routes.find(
    (route) => (aspect === undefined || judges(route, aspect)) && route.policies.some((policy) => judging.has(policy)),
  );
  const bypassedPolicies =
    denied || glass === undefined
      ? []
      : verdicts.map(({ policy }) => policy).filter(({ name }) => glass.granted.has(name));
  const bypassed = bypassedPolicies.map(({ name }) => name).toSorted();
  const status = denied ? denialOf(workload, verdicts, operation, now, glass?.refusals) : undefined;
  const annotationsFor = annotationsOf(verdicts, bypassed, glass?.reason ?? '');
  const errors = verdicts.flatMap((verdict) => verdict.errors);
  return (routed) => {
    const isFirst = first !== undefined && first === routed;
    const warnings = isFirst ? warningsOf(workload, verdicts) : [];
    const warned = warnings.length > 0;
    const decision = denied ? 'denied' : warned ? 'warned' : 'allowed';
    const events = !isFirst
      ? []
      : denied
        ? rolloutDenied(userInfo, workload, old, verdicts)
        : breakGlassUsed(userInfo, workload, old, bypassedPolicies, glass?.reason ?? '');
    const auditAnnotations = { decision, ...annotationsFor };
    const response: AdmissionResponse =
      status === undefined ? { allowed: true, auditAnnotations } : { allowed: false, status, auditAnnotations };
    return {
      response: warned ? { ...response, warnings } : response,
      decision,
      kind: workload.kind.kind,
      errors,
      bypassed: isFirst ? bypassed : [],
      events,
    };
  };
}

function denialOf(
  workload: Workload,
  verdicts: readonly Verdict[],
  operation: AdmissionRequest['operation'],
  now: number,
  refusals: readonly string[] | undefined,
): NonNullable<AdmissionResponse['status']> {
  const report = operation === 'CREATE' ? undefined : reportNameOf(workload.kind.kind, workload.name);
  return { code: 403, reason: 'Forbidden', message: denialMessage(workload, verdicts, report, now, refusals) };
}

/** What the audit log is told beside the decision: by which policies, for which checks. */
function annotationsOf(
  verdicts: readonly Verdict[],
  bypassed: readonly string[],
  reason: string,
): Record<string, string> {
  const checks: string[] = [];
  const exceptions = new Set<string>();
  for (const { findings, undecided, excepted } of verdicts) {
    // What one check says stands together.
    for (const { check } of findings) if (check !== checks.at(-1)) checks.push(check);
    for (const { check } of undecided) if (check !== checks.at(-1)) checks.push(check);
    for (const { exception } of excepted) exceptions.add(exception.name);
  }
  const annotations: Record<string, string> = { policies: verdicts.map(({ policy }) => policy.name).join(',') };
  if (checks.length > 0) annotations['checks'] = (verdicts.length > 1 ? [...new Set(checks)] : checks).join(',');
  if (exceptions.size > 0) annotations['exception'] = [...exceptions].join(',');
  if (bypassed.length > 0) annotations['breakGlass'] = `${bypassed.join(',')}: ${reason.slice(0, LONGEST_REASON)}`;
  return annotations;
}
