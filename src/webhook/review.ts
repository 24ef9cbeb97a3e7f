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
import { denies, denyingChecks, judge, type Admission, type Verdict } from '../policy/judge.ts';
import { reportNameOf } from '../policy/report.ts';
import { judges, type PolicySet, type Route } from '../policy/routes.ts';
import { andThen, type Awaitable } from './awaitable.ts';
import { breakGlass, type BreakGlass } from './break-glass.ts';
import { refreshed } from './live.ts';
import { breakGlassUsed, policyLeft, rolloutDenied, workloadSubject } from './events.ts';
import { denialMessage, leavingWarnings, nameOf, warningsOf } from './message.ts';
import type { AdmissionRequest, AdmissionResponse } from './protocol.ts';
import { changesTemplateAlone, countOf, scopeOf, templateChanged, type Subject } from './scope.ts';
import type { Leniency, World } from './world.ts';

/** Our own time limit for one request, live reads included; the API server gives 5 s. Milliseconds. */
export const DEADLINE = 3000;

/**
 * Containers of one pod template. No node runs a pod with so many; an object of 130 kB can name 2,000 of them, and to judge
 * and describe those holds up all other requests.
 */
const MOST_CONTAINERS = 500;

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
}

/**
 * Decides one request.
 *
 * @param policy - the one whose route the API server took
 * @throws only what is a fault of ours; the caller then answers with an HTTP error and never "allowed"
 */
export function review(request: AdmissionRequest, policy: string, world: World): Awaitable<Decision> {
  const { kind, operation, subResource } = request;
  if (operation !== 'CREATE' && operation !== 'UPDATE')
    return notJudged(kind.kind, 'only creates and updates are judged');
  if (isExempt(request, world)) return notJudged(kind.kind, 'the request of a controller or a node');
  const namespace = request.namespace ?? '';
  if (world.exemptions.namespaces.has(namespace)) return notJudged(kind.kind, 'a system namespace');

  const policies = world.policies();
  const asked: Asked = { request, policies, route: policies.route(policy), world, deadline: world.now() + DEADLINE };
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
  const decision =
    judged.length === 0
      ? notJudged(kind.kind, 'nothing that a policy judges has changed')
      : andThen(settle(judged, subject, asked), (settled) =>
          answer(subject, settled, routes, route, request, world.now()),
        );
  return andThen(decision, (made) => tellingWhatIsLeft(made, subject, route, request));
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
  if (read.workload.containers.length > MOST_CONTAINERS) {
    const message = `has ${read.workload.containers.length} containers; at most ${MOST_CONTAINERS} are judged`;
    return malformed(workloadKind, { path: read.workload.podPath, message }, undefined);
  }
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
  const { request, world } = asked;
  const change = old === undefined ? 0 : (countOf(workload) ?? 0) - (countOf(old) ?? 0);
  const now = world.now();
  const judgeAll = (related: Related, lenient: (policy: CompiledPolicy) => Admission['lenient']): Verdict[] =>
    judged.map(({ policy, scope }) => {
      // Asked for once for each finding.
      let before: Verdict | undefined;
      const admission: Admission = {
        operation: request.operation === 'CREATE' ? 'CREATE' : 'UPDATE',
        dryRun: request.dryRun === true,
        aspect: scope === 'all' ? undefined : scope,
        raisesReplicas: change > 0,
        lowersReplicas: change < 0,
        lenient: lenient(policy),
        old: old === undefined ? undefined : () => (before ??= judge(policy, old, related, now)),
      };
      // Grace is measured from the old object's creation: a new one has not begun to wait.
      return judge(policy, workload, related, now, admission, world.exceptions);
    });

  let isUndecidable = false;
  const noting: Related = {
    find: (kind, namespace, key) => {
      const found = world.related.find(kind, namespace, key);
      if (found.state === 'unknown' && found.live === true) isUndecidable = true;
      return found;
    },
  };
  const verdicts = judgeAll(noting, () => undefined);
  if (!isUndecidable && !verdicts.some(denies)) return { verdicts, glass: undefined };
  return settleByAsking(verdicts, isUndecidable, judgeAll, subject, asked);
}

async function settleByAsking(
  inMemory: readonly Verdict[],
  isUndecidable: boolean,
  judgeAll: (related: Related, lenient: (policy: CompiledPolicy) => Admission['lenient']) => Verdict[],
  { workload, old, aspect }: Subject,
  { request, world, deadline }: Asked,
): Promise<Settled> {
  let verdicts = inMemory;
  const remaining = (): number => Math.max(1, deadline - world.now());
  let related = world.related;
  if (isUndecidable || verdicts.some(deniesByReference)) {
    related = await refreshed(workload, verdicts, world, remaining());
    verdicts = judgeAll(related, () => undefined);
    if (!verdicts.some(denies)) return { verdicts, glass: undefined };
  }
  const replaced = old !== undefined && aspect === undefined && templateChanged(old, workload) ? old : undefined;
  const lenient = await world.live.leniency(workload, replaced, request, remaining());
  const leniency = (policy: CompiledPolicy): Admission['lenient'] => leniencyOf(lenient, policy, workload, old);
  if (lenient !== undefined) verdicts = judgeAll(related, leniency);
  const denying = verdicts.filter(denies).map(({ policy }) => policy);
  if (denying.length === 0) return { verdicts, glass: undefined };
  const glass = await breakGlass(denying, workload, old, request, world.live, remaining());
  if (glass === undefined || glass.granted.size === 0) return { verdicts, glass };
  return {
    verdicts: judgeAll(related, (policy) =>
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

/** kubectl shows one entry's denial and every entry's warnings: all deny with one text, the first alone warns. */
function answer(
  { workload, old, aspect }: Subject,
  { verdicts, glass }: Settled,
  routes: readonly Route[],
  routed: Route | undefined,
  { operation, userInfo }: AdmissionRequest,
  now: number,
): Decision {
  const denied = verdicts.some(denies);
  // A route is asked about a change that its policies judge; about a subresource, if any of their checks judges that.
  const first = routes.find(
    (route) =>
      (aspect === undefined || judges(route, aspect)) && verdicts.some(({ policy }) => route.policies.includes(policy)),
  );
  const isFirst = first !== undefined && first === routed;
  const warnings = isFirst ? warningsOf(workload, verdicts) : [];
  const warned = warnings.length > 0;
  const bypassedPolicies =
    denied || glass === undefined
      ? []
      : verdicts.map(({ policy }) => policy).filter(({ name }) => glass.granted.has(name));
  const bypassed = bypassedPolicies.map(({ name }) => name).toSorted();
  const decision = denied ? 'denied' : warned ? 'warned' : 'allowed';
  const events = !isFirst
    ? []
    : denied
      ? rolloutDenied(userInfo, workload, old, verdicts)
      : breakGlassUsed(userInfo, workload, old, bypassedPolicies, glass?.reason ?? '');
  const auditAnnotations = annotationsOf(decision, verdicts, bypassed, glass?.reason ?? '');
  const response: AdmissionResponse = denied
    ? { allowed: false, status: denialOf(workload, verdicts, operation, now, glass?.refusals), auditAnnotations }
    : { allowed: true, auditAnnotations };
  return {
    response: warned ? { ...response, warnings } : response,
    decision,
    kind: workload.kind.kind,
    errors: verdicts.flatMap(({ errors }) => errors),
    bypassed: isFirst ? bypassed : [],
    events,
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

/** What the audit log is told: the decision, by which policies, for which checks. */
function annotationsOf(
  decision: Decision['decision'],
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
  const annotations: Record<string, string> = {
    decision,
    policies: verdicts.map(({ policy }) => policy.name).join(','),
  };
  if (checks.length > 0) annotations['checks'] = (verdicts.length > 1 ? [...new Set(checks)] : checks).join(',');
  if (exceptions.size > 0) annotations['exception'] = [...exceptions].join(',');
  if (bypassed.length > 0) annotations['breakGlass'] = `${bypassed.join(',')}: ${reason.slice(0, LONGEST_REASON)}`;
  return annotations;
}
