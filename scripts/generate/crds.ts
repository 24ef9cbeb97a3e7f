/** CustomResourceDefinitions, made from the schemas that the operator itself validates with. */
import type { TSchema } from 'typebox';
import { ExceptionStatusSchema } from '../../src/controller/exception-status.ts';
import { PolicyStatusSchema } from '../../src/controller/policy-status.ts';
import type { Check } from '../../src/engine/check.ts';
import { EXCEPTION_RULES, ExceptionSpecSchema } from '../../src/policy/exception-schema.ts';
import { LABEL_KEY_RULE, LABEL_VALUE_RULE } from '../../src/policy/label-syntax.ts';
import { ReportSchema } from '../../src/policy/report.ts';
import { GROUP, LONGEST_POLICY_NAME, policySpecSchema, VERSION } from '../../src/policy/schema.ts';

type Json = Record<string, unknown>;

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** 1: shown by `-o wide` alone. */
  readonly priority?: 1;
}

const AGE: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

export function policyCrd(checks: readonly Check[]): Json {
  const spec = structural(policySpecSchema(checks));
  preserveUnknownChecks(spec);
  return crd({
    kind: 'ReadinessPolicy',
    plural: 'readinesspolicies',
    shortName: 'rpol',
    scope: 'Cluster',
    status: true,
    columns: [
      { name: 'Profile', type: 'string', jsonPath: '.spec.profile' },
      {
        name: 'Critical',
        type: 'string',
        jsonPath: '.spec.enforcement.critical',
        description: 'What an unmet Critical check does.',
      },
      { name: 'Matched', type: 'integer', jsonPath: '.status.workloads.matched' },
      { name: 'Ready', type: 'integer', jsonPath: '.status.workloads.ready' },
      { name: 'Not Ready', type: 'integer', jsonPath: '.status.workloads.notReady' },
      AGE,
    ],
    schema: {
      type: 'object',
      description: 'ReadinessPolicy says which workloads must pass which checks, and what happens when they do not.',
      required: ['spec'],
      properties: { spec, status: structural(PolicyStatusSchema) },
      'x-kubernetes-validations': [
        {
          rule: `self.metadata.name.size() <= ${LONGEST_POLICY_NAME}`,
          message: `the name must have at most ${LONGEST_POLICY_NAME} characters: names of webhooks are made of it`,
        },
      ],
    },
  });
}

export function exceptionCrd(): Json {
  const spec = structural(ExceptionSpecSchema);
  spec['x-kubernetes-validations'] = EXCEPTION_RULES.map(({ rule, message }) => ({ rule, message }));
  return crd({
    kind: 'ReadinessException',
    plural: 'readinessexceptions',
    shortName: 'rexc',
    scope: 'Namespaced',
    status: true,
    columns: [
      { name: 'Active', type: 'string', jsonPath: '.status.conditions[?(@.type=="Active")].status' },
      // Not of type date: kubectl shows those as an age, and a time to come as invalid.
      { name: 'Expires', type: 'string', jsonPath: '.spec.expiresAt' },
      { name: 'Workloads', type: 'integer', jsonPath: '.status.workloads' },
      { name: 'Requested By', type: 'string', jsonPath: '.spec.requestedBy.username' },
      { name: 'Reason', type: 'string', jsonPath: '.spec.reason', priority: 1 },
      AGE,
    ],
    schema: {
      type: 'object',
      description:
        'ReadinessException lets some workloads of its namespace miss some checks until a date, for a stated reason.',
      required: ['spec'],
      properties: { spec, status: structural(ExceptionStatusSchema) },
    },
  });
}

export function reportCrd(): Json {
  const report = structural(ReportSchema);
  return crd({
    kind: 'ReadinessReport',
    plural: 'readinessreports',
    shortName: 'rrep',
    scope: 'Namespaced',
    status: false,
    columns: [
      { name: 'Workload', type: 'string', jsonPath: '.workload.name' },
      { name: 'Kind', type: 'string', jsonPath: '.workload.kind' },
      { name: 'Ready', type: 'string', jsonPath: '.ready' },
      { name: 'Score', type: 'integer', jsonPath: '.score' },
      { name: 'Critical', type: 'integer', jsonPath: '.counts.critical' },
      { name: 'Important', type: 'integer', jsonPath: '.counts.important' },
      { name: 'Nice', type: 'integer', jsonPath: '.counts.niceToHave' },
      AGE,
    ],
    schema: {
      ...report,
      description: 'ReadinessReport is the newest evaluation of one workload. The operator alone writes it.',
    },
  });
}

interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly scope: 'Cluster' | 'Namespaced';
  readonly status: boolean;
  readonly columns: readonly Column[];
  readonly schema: Json;
}

function crd({ kind, plural, shortName, scope, status, columns, schema }: Kind): Json {
  const properties = schema['properties'] as Json;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['readiness'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          ...(status ? { subresources: { status: {} } } : {}),
          schema: {
            openAPIV3Schema: {
              ...schema,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                ...properties,
              },
            },
          },
        },
      ],
    },
  };
}

/** A schema as apiextensions/v1 takes it: plain data, lists declared atomic, the syntax of labels as rules. */
function structural(schema: TSchema): Json {
  const copy = JSON.parse(JSON.stringify(schema)) as Json;
  walk(copy, (node) => {
    if (node['type'] === 'array') node['x-kubernetes-list-type'] = 'atomic';
    ruleLabels(node);
  });
  const conditions = (copy['properties'] as Json)['conditions'] as Json | undefined;
  if (conditions !== undefined) {
    conditions['x-kubernetes-list-type'] = 'map';
    conditions['x-kubernetes-list-map-keys'] = ['type'];
  }
  return copy;
}

/** The formats that the API server knows only in rules, with its own names for them. */
const LABEL_FORMATS: Readonly<Record<string, { readonly name: string; readonly message: string }>> = {
  'label-key': { name: 'qualifiedName', message: LABEL_KEY_RULE },
  'label-value': { name: 'labelValue', message: LABEL_VALUE_RULE },
};

/** Puts a rule in the place of the format of a label, and of what a schema says about the keys of a map. */
function ruleLabels(node: Json): void {
  const format = LABEL_FORMATS[String(node['format'])];
  if (format !== undefined) {
    delete node['format'];
    node['x-kubernetes-validations'] = [
      { rule: `!format.${format.name}().validate(self).hasValue()`, message: format.message },
    ];
  }
  const keys = node['propertyNames'] as Json | undefined;
  if (keys !== undefined) {
    delete node['propertyNames'];
    const { name, message } = LABEL_FORMATS[String(keys['format'])] as (typeof LABEL_FORMATS)[string];
    node['x-kubernetes-validations'] = [
      { rule: `self.all(key, !format.${name}().validate(key).hasValue())`, message: `each key ${message}` },
    ];
  }
}

/**
 * A misspelt check or parameter must reach the operator, which names the right one, instead of being pruned into a
 * weaker policy; and a default in the schema would override the profile's parameters.
 */
function preserveUnknownChecks(spec: Json): void {
  const checks = (spec['properties'] as Json)['checks'] as Json;
  checks['x-kubernetes-preserve-unknown-fields'] = true;
  for (const check of Object.values(checks['properties'] as Record<string, Json>)) {
    check['x-kubernetes-preserve-unknown-fields'] = true;
    const properties = check['properties'] as Record<string, Json>;
    for (const parameter of Object.values(properties)) {
      if (!('default' in parameter)) continue;
      parameter['description'] = `${String(parameter['description'])} Default: ${textOf(parameter['default'])}.`;
      delete parameter['default'];
    }
    if ('min' in properties && 'max' in properties) check['x-kubernetes-validations'] = [MIN_UP_TO_MAX];
  }
}

const MIN_UP_TO_MAX = {
  rule: '!has(self.min) || !has(self.max) || !isQuantity(string(self.min)) || !isQuantity(string(self.max)) || quantity(string(self.min)).compareTo(quantity(string(self.max))) <= 0',
  message: 'min must not be above max',
};

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return String(value);
}

function walk(node: unknown, visit: (node: Json) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) visit(node as Json);
  for (const child of Object.values(node)) walk(child, visit);
}
