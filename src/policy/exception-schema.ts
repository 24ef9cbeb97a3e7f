/**
 * The shape of a ReadinessException's spec: the source of the CRD, of the types and of the validation in webhook,
 * controller and command line.
 */
import { Type, type Static } from 'typebox';
import { LabelSelectorSchema, LONGEST_POLICY_NAME } from './schema.ts';

export const EXCEPTION_KIND = 'ReadinessException';

/** Stands for every check, and alone. */
export const EVERY_CHECK = '*';

/** How many of the requester's groups are kept, and how long each may be. */
export const MOST_GROUPS = 64;
export const LONGEST_GROUP = 256;

const WorkloadReferenceSchema = Type.Object({
  kind: Type.String({
    minLength: 1,
    maxLength: 63,
    pattern: '^[A-Z][A-Za-z0-9]*$',
    description: 'Kind of the workload, for example Deployment.',
  }),
  name: Type.String({ minLength: 1, maxLength: 253, description: 'Name of the workload.' }),
});

const RequesterSchema = Type.Object(
  {
    username: Type.String({ minLength: 1, maxLength: 1024, description: 'User name.' }),
    groups: Type.Optional(
      Type.Array(Type.String({ maxLength: LONGEST_GROUP }), {
        maxItems: MOST_GROUPS,
        description: `The user's groups, at most ${MOST_GROUPS}.`,
      }),
    ),
  },
  {
    description:
      'Who asked for the exception as it is. Written by the operator from the request; what is written by hand does not count.',
  },
);

export const ExceptionSpecSchema = Type.Object({
  policies: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: LONGEST_POLICY_NAME }), {
      minItems: 1,
      maxItems: 64,
      description: 'Names of the policies concerned. Absent: all of them.',
    }),
  ),
  workloads: Type.Optional(
    Type.Array(WorkloadReferenceSchema, {
      minItems: 1,
      maxItems: 64,
      description: 'The workloads of the namespace that it is for. Either these or a selector.',
    }),
  ),
  selector: Type.Optional(
    Type.Unsafe<Static<typeof LabelSelectorSchema>>({
      ...LabelSelectorSchema,
      description:
        "The workloads that it is for, by the workload's own labels; an empty selector means all of the namespace. Either this or workloads.",
    }),
  ),
  containers: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
      minItems: 1,
      maxItems: 64,
      description: 'Names of the containers that it is for. Absent: all, and what is not about one container too.',
    }),
  ),
  checks: Type.Array(Type.String({ minLength: 1, maxLength: 63, pattern: '^([a-z][A-Za-z0-9]*|\\*)$' }), {
    minItems: 1,
    maxItems: 128,
    description: 'Names of the checks that may be missed; `*` alone means every check.',
  }),
  reason: Type.String({
    minLength: 1,
    maxLength: 1024,
    pattern: '\\S',
    description: 'Why, for those who read it later; a ticket helps.',
  }),
  expiresAt: Type.String({
    format: 'date-time',
    maxLength: 40,
    description:
      'From this second on it no longer counts. At most exceptions.maxDuration of the policies concerned ahead.',
  }),
  requestedBy: Type.Optional(RequesterSchema),
});

export type ExceptionSpec = Static<typeof ExceptionSpecSchema>;
export type Requester = Static<typeof RequesterSchema>;

/** What the CRD's schema can't say in structure alone. */
export const EXCEPTION_RULES = [
  {
    rule: 'has(self.workloads) != has(self.selector)',
    message: 'name the workloads either by workloads or by selector',
  },
  { rule: "!('*' in self.checks) || self.checks.size() == 1", message: "'*' means every check and stands alone" },
] as const;
