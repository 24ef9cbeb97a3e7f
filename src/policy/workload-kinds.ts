/**
 * Custom kinds that hold a pod template, as an installation names them (`workloadKinds` of the chart, --workload-kinds).
 * The schema is that of the chart's value too.
 */
import { Type, type Static } from 'typebox';
import { WORKLOAD_KINDS, type WorkloadKind } from '../engine/kinds.ts';
import type { Path } from '../engine/path.ts';
import type { FieldProblem } from '../engine/workload.ts';
import { strictValidator } from './validate.ts';

/** A policy names at most 32 kinds, those of Kubernetes included. */
const MOST = 24;

const FieldPath = (description: string) =>
  Type.Optional(
    Type.String({ maxLength: 253, pattern: '^[A-Za-z][A-Za-z0-9]*(\\.[A-Za-z][A-Za-z0-9]*)*$', description }),
  );

/** What controllers of custom kinds make: ReplicaSets (Argo Rollouts), Pods (CloneSets), Jobs (cron jobs of others). */
const MADE_BY_CUSTOM_KINDS = ['ReplicaSet', 'Pod', 'Job'];

/** The names of namespaces, and of what else is part of a host name (RFC 1123); at most 63 characters. */
export const DNS_LABEL = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';

export const CustomKindSchema = Type.Object(
  {
    group: Type.String({
      maxLength: 253,
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
      description: 'API group, such as argoproj.io.',
    }),
    version: Type.String({ maxLength: 63, pattern: DNS_LABEL, description: 'A served version, such as v1alpha1.' }),
    kind: Type.String({ maxLength: 63, pattern: '^[A-Z][A-Za-z0-9]*$', description: 'As manifests write it.' }),
    resource: Type.String({ maxLength: 63, pattern: DNS_LABEL, description: 'Plural name, as in URLs.' }),
    template: FieldPath('Where the pod template stands. Default: spec.template.'),
    replicas: FieldPath('Where the replica count stands. Absent: the kind has none.'),
    selector: FieldPath('Where the selector of its pods stands. Default: spec.selector.'),
    history: Type.Optional(
      Type.Unsafe<'ReplicaSet' | 'ControllerRevision'>({
        type: 'string',
        enum: ['ReplicaSet', 'ControllerRevision'],
        description: 'What keeps its older templates, so that a rollback only warns. Absent: nothing does.',
      }),
    ),
    runsToCompletion: Type.Optional(
      Type.Boolean({ description: 'Its pods run until they are done: no probes, no replica counts.' }),
    ),
  },
  { additionalProperties: false },
);

export const CustomKindsSchema = Type.Array(CustomKindSchema, { maxItems: MOST });

const validate = strictValidator(CustomKindsSchema);

/**
 * Reads the custom kinds of an installation.
 *
 * @param value - parsed JSON or YAML
 * @returns the kinds of Kubernetes with the custom ones after them, or everything that is wrong, each with its field
 *   (`workloadKinds[0].kind`)
 */
export function readWorkloadKinds(
  value: unknown,
): { readonly kinds: readonly WorkloadKind[] } | { readonly problems: readonly FieldProblem[] } {
  const root: Path = ['workloadKinds'];
  const problems = validate(value, root);
  if (problems.length > 0) return { problems };
  const kinds = [...WORKLOAD_KINDS];
  for (const [index, custom] of (value as Static<typeof CustomKindsSchema>).entries()) {
    problems.push(...contradictionsOf(custom, kinds, [...root, index]));
    kinds.push(workloadKind(custom));
  }
  return problems.length > 0 ? { problems } : { kinds };
}

function contradictionsOf(
  custom: Static<typeof CustomKindSchema>,
  before: readonly WorkloadKind[],
  at: Path,
): FieldProblem[] {
  const { group, kind, resource } = custom;
  const problems: FieldProblem[] = [];
  // Policies, exceptions and reports name workloads by their kind alone.
  const same = before.find((other) => other.kind === kind);
  if (same !== undefined) {
    const whose = same.custom === true ? `of ${same.group} is named already` : 'is a kind of Kubernetes itself';
    problems.push({ path: [...at, 'kind'], message: `${kind} ${whose}; each kind can be judged in one group only` });
  } else if (before.some((other) => other.group === group && other.resource === resource)) {
    problems.push({ path: [...at, 'resource'], message: `${resource} of ${group} is named already` });
  }
  for (const field of ['template', 'replicas', 'selector'] as const) {
    const [first = ''] = stepsOf(custom[field]) ?? [];
    if (!['apiVersion', 'kind', 'metadata', 'status'].includes(first)) continue;
    problems.push({ path: [...at, field], message: `must name a field that users write, not one of ${first}` });
  }
  return problems;
}

function workloadKind(custom: Static<typeof CustomKindSchema>): WorkloadKind {
  const { group, version, kind, resource, template, replicas, selector, history, runsToCompletion } = custom;
  return {
    kind,
    group,
    version,
    resource,
    template: stepsOf(template) ?? ['spec', 'template'],
    ...(replicas === undefined ? {} : { replicas: stepsOf(replicas) as Path }),
    selector: stepsOf(selector) ?? ['spec', 'selector'],
    ...(history === undefined ? {} : { history }),
    ...(runsToCompletion === true ? { runsToCompletion } : {}),
    makes: MADE_BY_CUSTOM_KINDS,
    custom: true,
  };
}

function stepsOf(path: string | undefined): string[] | undefined {
  return path?.split('.');
}
