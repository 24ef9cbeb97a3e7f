/**
 * The shape of a ReadinessPolicy's spec. This schema is the source of the CRD, of the types and of the validation in
 * webhook, controller and command line; its part that lists the checks comes from the checks' own metadata.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { PRIORITIES, PROFILES, type Check } from '../engine/check.ts';
import { DURATION_PATTERN } from '../engine/duration.ts';
import { LONGEST_LABEL_KEY, LONGEST_LABEL_VALUE } from './label-syntax.ts';

export const GROUP = 'readiness-operator.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Names of webhooks, at most 253 characters long, are made of the policy's name. */
export const LONGEST_POLICY_NAME = 200;

/** What an unmet check does at admission, in the words of Kubernetes' own validationActions. */
export const ACTIONS = ['Deny', 'Warn', 'Audit'] as const;
export type Action = (typeof ACTIONS)[number];

/** One of some words. */
export function words<const T extends readonly string[]>(values: T, description: string, fallback?: T[number]) {
  return Type.Unsafe<T[number]>({
    type: 'string',
    enum: [...values],
    description,
    ...(fallback === undefined ? {} : { default: fallback }),
  });
}

const LabelKey = Type.String({ format: 'label-key', maxLength: LONGEST_LABEL_KEY });
const LabelValue = Type.String({ format: 'label-value', maxLength: LONGEST_LABEL_VALUE });

/** A label selector (meta/v1) that the API server takes in a webhook entry; policy/selector-problems.ts has the rules too. */
export const LabelSelectorSchema = Type.Object({
  matchLabels: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      propertyNames: LabelKey,
      additionalProperties: LabelValue,
      maxProperties: 32,
    }),
  ),
  matchExpressions: Type.Optional(
    Type.Array(
      Type.Object(
        {
          key: LabelKey,
          operator: words(['In', 'NotIn', 'Exists', 'DoesNotExist'], 'How the label is compared.'),
          values: Type.Optional(Type.Array(LabelValue, { maxItems: 64 })),
        },
        {
          'x-kubernetes-validations': [
            {
              rule: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
              message: 'values must not be empty with operator In or NotIn',
            },
            {
              rule: "self.operator in ['In', 'NotIn'] || !has(self.values) || self.values.size() == 0",
              message: 'values must be empty with operator Exists or DoesNotExist',
            },
          ],
        },
      ),
      { maxItems: 32 },
    ),
  ),
});

const MatchSchema = Type.Object(
  {
    kinds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Z][A-Za-z0-9]*$' }), {
        description:
          'Kinds of workloads: Deployment, StatefulSet, DaemonSet, CronJob, Job, Pod, ReplicaSet, ReplicationController, and custom kinds that the operator was told of. Absent: all of them.',
        minItems: 1,
        maxItems: 32,
      }),
    ),
    namespaceSelector: Type.Optional(
      Type.Unsafe<Static<typeof LabelSelectorSchema>>({
        ...LabelSelectorSchema,
        description: 'Labels of the namespaces concerned. Absent: all but the system namespaces.',
      }),
    ),
    workloadSelector: Type.Optional(
      Type.Unsafe<Static<typeof LabelSelectorSchema>>({
        ...LabelSelectorSchema,
        description: "The workload's own labels. Absent: all workloads.",
      }),
    ),
  },
  { description: 'Which workloads must pass. Absent: all, in all namespaces but the system namespaces.' },
);

const EnforcementSchema = Type.Object(
  {
    critical: Type.Optional(words(ACTIONS, 'What an unmet Critical check does at admission.', 'Deny')),
    important: Type.Optional(words(ACTIONS, 'What an unmet Important check does at admission.', 'Warn')),
    niceToHave: Type.Optional(words(ACTIONS, 'What an unmet NiceToHave check does at admission.', 'Audit')),
    startsAt: Type.Optional(
      Type.String({
        format: 'date-time',
        maxLength: 40,
        description: 'Until then Deny acts as Warn, and the warning names the date.',
      }),
    ),
    existingViolations: Type.Optional(
      words(['Deny', 'Warn'], 'Warn: on an update, a finding that the old object had too only warns.', 'Deny'),
    ),
    onUnknown: Type.Optional(
      words(['Warn', 'Deny'], 'What it means that a check whose action is Deny could not find out.', 'Warn'),
    ),
    onError: Type.Optional(
      words(
        ['Deny', 'Warn'],
        'What it means that a check whose action is Deny failed on this object, unless it fails on the old object too.',
        'Deny',
      ),
    ),
    unverifiedOwners: Type.Optional(
      words(
        ['Warn', 'Deny'],
        'Warn: a Pod, ReplicaSet or Job that a service account makes for its owner only warns, if it may update or patch the status of the kind of owner in all namespaces, so that custom controllers can recreate their Pods.',
        'Warn',
      ),
    ),
    companionGrace: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        maxLength: 32,
        default: '10m',
        description: 'How long after its creation a workload may wait for its companions (autoscaler, PDB ...).',
      }),
    ),
    breakGlass: Type.Optional(
      Type.Object(
        {
          serviceAccounts: Type.Optional(
            words(
              ['Deny', 'Allow'],
              'May service accounts that hold the verb bypass on this policy break the glass.',
              'Deny',
            ),
          ),
        },
        {
          description: 'Who may let a rollout through with the annotation readiness-operator.dev/break-glass.',
          default: {},
        },
      ),
    ),
  },
  { description: 'What happens when a check is unmet.', default: {} },
);

/** How far ahead an exception may expire, unless the policy says otherwise: 90 days. */
export const LONGEST_EXCEPTION = '2160h';

const ExceptionsSchema = Type.Object(
  {
    maxDuration: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        maxLength: 32,
        default: LONGEST_EXCEPTION,
        description: 'How far ahead a ReadinessException from this policy may expire, for example 720h.',
      }),
    ),
  },
  { description: 'What exceptions from this policy may be.', default: {} },
);

/** The fields that every check has in a policy, and its own parameters. */
export function checkSchema(check: Check): TSchema {
  const { properties } = check.parameters as { properties: Record<string, TSchema> };
  return Type.Object(
    {
      priority: Type.Optional(words(PRIORITIES, 'Critical, Important or NiceToHave; Disabled switches the check off.')),
      ...(check.perContainer === true
        ? {
            exclude: Type.Optional(
              Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
                maxItems: 64,
                description: 'Names of containers that it does not judge; `*` at the end allowed.',
              }),
            ),
          }
        : {}),
      ...properties,
    },
    { description: `${check.title}. ${check.metWhen}` },
  );
}

/** The spec's schema with one typed field for each check. */
export function policySpecSchema(checks: readonly Check[]) {
  return Type.Object({
    profile: words(PROFILES, 'A named, versioned set of checks with priorities. Frozen: an upgrade never changes it.'),
    match: Type.Optional(MatchSchema),
    enforcement: Type.Optional(EnforcementSchema),
    exceptions: Type.Optional(ExceptionsSchema),
    checks: Type.Optional(
      Type.Unsafe<Record<string, CheckSettings>>({
        type: 'object',
        description: 'Overrides of the profile, one field a check.',
        properties: Object.fromEntries(checks.map((check) => [check.name, checkSchema(check)])),
      }),
    ),
  });
}

/** A check's settings as they stand in a policy: the common fields and the check's own parameters. */
export interface CheckSettings {
  readonly priority?: (typeof PRIORITIES)[number];
  readonly exclude?: readonly string[];
  readonly [parameter: string]: unknown;
}

export type PolicySpec = Static<ReturnType<typeof policySpecSchema>>;
export type MatchSpec = Static<typeof MatchSchema>;
