/**
 * What the webhook configurations say, derived from the policies in force: the API server itself routes by namespace and
 * labels, and leaves out what is never judged, so that it works with every replica of the operator gone.
 */
import type { WorkloadKind } from '../engine/kinds.ts';
import type { Exemptions } from '../policy/exemptions.ts';
import { judges, judgesRaises, type Route } from '../policy/routes.ts';
import { GROUP, VERSION } from '../policy/schema.ts';
import type { CompiledPolicy } from '../policy/compile.ts';
import {
  changesWhatIsJudged,
  LABELS_CHANGE,
  neverJudged,
  RESIZES,
  SCALES,
  SCALES_DOWN,
  SPEC_CHANGES,
} from './match-conditions.ts';

/** Where the API server finds the webhook: a Service of the cluster, or a base URL (`https://127.0.0.1:9443`). */
export type WebhookAddress =
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port: number } }
  | { readonly url: string };

export interface WebhookConfigurationInput {
  readonly routes: readonly Route[];
  readonly kinds: readonly WorkloadKind[];
  readonly exemptions: Exemptions;
  readonly address: WebhookAddress;
  /** PEM certificates that sign, or signed, the serving certificate; empty: those that the API server trusts anyway. */
  readonly caBundle: string;
  /** URL paths of the webhook for workloads (the route's name follows) and for our own kinds. */
  readonly paths: {
    readonly workloads: string;
    readonly policies: string;
    readonly exceptions: string;
    readonly namespaces: string;
    readonly stamp: string;
  };
}

/** Seconds the API server waits for us; our own limit is shorter. */
const TIMEOUT_SECONDS = 5;

/** A webhook of a configuration, admissionregistration.k8s.io/v1. */
export type Entry = Readonly<Record<string, unknown>>;

/** Entries that belong together: those of one route, or the standing ones. */
export interface EntryGroup {
  /** The route's name; empty for the standing entries. */
  readonly name: string;
  readonly entries: readonly Entry[];
}

/** All validating entries. Every field that the API server would fill in is written, so that equal means unchanged. */
export function validatingEntries(input: WebhookConfigurationInput): EntryGroup[] {
  return [
    {
      name: '',
      entries: [exceptionEntry(input, input.paths.exceptions), ...namespaceEntries(input), policyEntry(input)],
    },
    ...input.routes.map((route) => ({ name: route.name, entries: routeEntries(route, input) })),
  ];
}

/** All mutating entries: the stamp of exceptions, and nothing that workloads wait for. */
export function mutatingEntries(input: WebhookConfigurationInput): EntryGroup[] {
  // IfNeeded: what another webhook does to the stamp after us is undone.
  const entry = { ...exceptionEntry(input, input.paths.stamp), reinvocationPolicy: 'IfNeeded' };
  return [{ name: '', entries: [entry] }];
}

/** The entry names of a route: what kubectl shows as the webhook that denied. */
export function entryName(route: string, what: 'workloads' | 'scale' | 'resize'): string {
  return `${route}.${what}.${GROUP}`;
}

/** Policies are checked when they are written; Ignore, so that one can be relaxed while the operator is down. */
function policyEntry(input: WebhookConfigurationInput): Entry {
  return {
    ...common(input, input.paths.policies),
    name: `policies.${GROUP}`,
    rules: [rule(GROUP, VERSION, ['readinesspolicies'], ['CREATE', 'UPDATE'], 'Cluster')],
    failurePolicy: 'Ignore',
    sideEffects: 'None',
    namespaceSelector: {},
    objectSelector: {},
  };
}

/**
 * An exception that nobody looked at could reach further than any policy allows, or say that somebody else asked for it, so
 * Fail; and as long as its spec stays as it is, nobody needs to look: its finalizers can be removed with the operator gone.
 */
function exceptionEntry(input: WebhookConfigurationInput, path: string): Entry {
  return {
    ...common(input, path),
    name: `exceptions.${GROUP}`,
    rules: [rule(GROUP, VERSION, ['readinessexceptions'], ['CREATE', 'UPDATE'], 'Namespaced')],
    failurePolicy: 'Fail',
    sideEffects: 'None',
    namespaceSelector: {},
    objectSelector: {},
    matchConditions: [SPEC_CHANGES],
  };
}

/** Where a policy selects namespaces, a change of their labels is looked at, to tell what leaves it; never to refuse it. */
function namespaceEntries(input: WebhookConfigurationInput): Entry[] {
  const { routes, exemptions, paths } = input;
  if (!routes.some(({ policies }) => policies[0]?.match.spec.namespaceSelector !== undefined)) return [];
  return [
    {
      ...common(input, paths.namespaces),
      name: `namespaces.${GROUP}`,
      rules: [rule('', 'v1', ['namespaces'], ['UPDATE'], 'Cluster')],
      failurePolicy: 'Ignore',
      sideEffects: 'NoneOnDryRun',
      namespaceSelector: notIn(exemptions),
      objectSelector: {},
      matchConditions: [LABELS_CHANGE],
    },
  ];
}

function routeEntries(route: Route, input: WebhookConfigurationInput): Entry[] {
  const policy = route.policies[0] as CompiledPolicy;
  const { kinds, workloadSelector } = policy.match.spec;
  const matched = input.kinds.filter(({ kind }) => kinds === undefined || kinds.includes(kind));
  const shared = {
    ...common(input, `${input.paths.workloads}/${encodeURIComponent(route.name)}`),
    failurePolicy: route.canDeny ? 'Fail' : 'Ignore',
    sideEffects: 'NoneOnDryRun',
    namespaceSelector: namespaceSelector(policy, input.exemptions),
  };
  const entries: Entry[] = [];
  if (matched.length > 0) {
    entries.push({
      ...shared,
      name: entryName(route.name, 'workloads'),
      rules: rulesOf(matched, '', ['CREATE', 'UPDATE']),
      objectSelector: workloadSelector ?? {},
      matchConditions: [changesWhatIsJudged(matched, workloadSelector !== undefined), ...neverJudged(input.exemptions)],
    });
  }
  const scaled = matched.filter(({ replicas }) => replicas !== undefined);
  if (scaled.length > 0 && judges(route, 'Replicas')) {
    entries.push({
      ...shared,
      name: entryName(route.name, 'scale'),
      rules: rulesOf(scaled, '/scale', ['UPDATE']),
      // A Scale object has no labels: the webhook asks its parent.
      objectSelector: {},
      matchConditions: [judgesRaises(route) ? SCALES : SCALES_DOWN, ...neverJudged(input.exemptions)],
    });
  }
  const pods = matched.filter(({ kind, group }) => kind === 'Pod' && group === '');
  if (pods.length > 0 && judges(route, 'Resources')) {
    entries.push({
      ...shared,
      name: entryName(route.name, 'resize'),
      rules: rulesOf(pods, '/resize', ['UPDATE']),
      objectSelector: workloadSelector ?? {},
      matchConditions: [RESIZES, ...neverJudged(input.exemptions)],
    });
  }
  return entries;
}

function common({ address, caBundle }: WebhookConfigurationInput, path: string): Entry {
  return {
    admissionReviewVersions: ['v1'],
    clientConfig: {
      ...(caBundle === '' ? {} : { caBundle: Buffer.from(caBundle).toString('base64') }),
      ...('url' in address ? { url: address.url + path } : { service: { ...address.service, path } }),
    },
    matchPolicy: 'Equivalent',
    timeoutSeconds: TIMEOUT_SECONDS,
  };
}

function rulesOf(kinds: readonly WorkloadKind[], subresource: string, operations: readonly string[]): Entry[] {
  const byVersion = new Map<string, WorkloadKind[]>();
  for (const kind of kinds) {
    const key = `${kind.group}/${kind.version}`;
    byVersion.set(key, [...(byVersion.get(key) ?? []), kind]);
  }
  return [...byVersion.values()].map((same) => {
    const { group, version } = same[0] as WorkloadKind;
    return rule(
      group,
      version,
      same.map(({ resource }) => resource + subresource),
      operations,
      'Namespaced',
    );
  });
}

function rule(
  group: string,
  version: string,
  resources: readonly string[],
  operations: readonly string[],
  scope: string,
): Entry {
  return { apiGroups: [group], apiVersions: [version], resources, operations, scope };
}

function namespaceSelector({ match }: CompiledPolicy, exemptions: Exemptions): Entry {
  const { matchLabels, matchExpressions = [] } = match.spec.namespaceSelector ?? {};
  return {
    ...(matchLabels === undefined ? {} : { matchLabels }),
    matchExpressions: [...matchExpressions, ...notIn(exemptions).matchExpressions],
  };
}

/** Selects all namespaces but those that no policy concerns. */
function notIn({ namespaces }: Exemptions) {
  return {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...namespaces].toSorted() }],
  };
}
