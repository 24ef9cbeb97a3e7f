/** Turns a schema into a strict validator whose messages name the field, what is wrong and the nearest right word. */
import { Ajv, type ErrorObject } from 'ajv';
import type { TSchema } from 'typebox';
import { DURATION_PATTERN } from '../engine/duration.ts';
import { nearestName } from '../engine/names.ts';
import { fromPointer, type Path } from '../engine/path.ts';
import { QUANTITY_PATTERN } from '../engine/quantity.ts';
import type { FieldProblem } from '../engine/workload.ts';
import { isLabelKey, isLabelValue, LABEL_KEY_RULE, LABEL_VALUE_RULE } from './label-syntax.ts';

const MOST_PROBLEMS = 20;
/** Say only that something within is wrong, which is told by itself. */
const WRAPPERS: ReadonlySet<string> = new Set(['anyOf', 'propertyNames']);
/** The formats of text that schemas name, and what a person is told who wrote something else. */
const FORMATS: Readonly<Record<string, { readonly holds: (text: string) => boolean; readonly rule: string }>> = {
  'date-time': { holds: isDateTime, rule: 'must be a date and time, for example 2027-01-31T00:00:00Z' },
  'label-key': { holds: isLabelKey, rule: LABEL_KEY_RULE },
  'label-value': { holds: isLabelValue, rule: LABEL_VALUE_RULE },
};

/** Checks a value; an empty list means that it is valid. At most 20 problems are returned. */
export type Validator = (value: unknown, root: Path) => FieldProblem[];

/** Compiles a schema. Fields that it does not name are problems, at every depth. */
export function strictValidator(schema: TSchema): Validator {
  const ajv = new Ajv({
    // A start waits for this, and few objects are validated: neither our own schema is checked nor the code improved.
    validateSchema: false,
    meta: false,
    code: { optimize: false },
    strict: false,
    allErrors: true,
    verbose: true,
    formats: Object.fromEntries(Object.entries(FORMATS).map(([name, { holds }]) => [name, holds])),
  });
  const validate = ajv.compile(closed(schema));
  return (value, root) => {
    if (validate(value)) return [];
    const errors = (validate.errors ?? []).filter(({ keyword }) => !WRAPPERS.has(keyword));
    return errors.slice(0, MOST_PROBLEMS).map((error) => problemOf(error, root));
  };
}

/** RFC 3339, as the API server's date-time format. */
function isDateTime(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i.test(text) &&
    !Number.isNaN(Date.parse(text))
  );
}

/** Forbids unknown fields wherever a schema lists properties. */
function closed(schema: unknown): object {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema as never;
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema))
    copy[key] = key === 'enum' || key === 'default' ? value : closed(value);
  if (typeof copy['properties'] === 'object' && !('additionalProperties' in copy) && copy['type'] === 'object') {
    copy['additionalProperties'] = false;
  }
  return copy;
}

function problemOf(error: ErrorObject, root: Path): FieldProblem {
  // What is wrong with a key stands at the map that has it.
  const key = error.propertyName === undefined ? [] : [error.propertyName];
  const path = [...root, ...fromPointer(error.instancePath), ...key];
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {});
      const near = nearestName(field, known);
      const what = path.at(-1) === 'checks' ? 'check' : 'field';
      return {
        path: [...path, field],
        message: `unknown ${what}${near === undefined ? '' : `; did you mean ${near}?`}`,
      };
    }
    case 'required':
      return { path: [...path, String(params['missingProperty'])], message: 'is required' };
    case 'enum':
      return {
        path,
        message: `must be one of ${(params['allowedValues'] as string[]).join(', ')}; is ${show(error.data)}`,
      };
    case 'type':
      return { path, message: `must be of type ${String(params['type'])}; is ${show(error.data)}` };
    case 'pattern':
      return { path, message: `${explainPattern(String(params['pattern']))}; is ${show(error.data)}` };
    case 'format':
      return { path, message: `${FORMATS[String(params['format'])]?.rule}; is ${show(error.data)}` };
    default:
      return { path, message: `${error.message ?? 'is not valid'}; is ${show(error.data)}` };
  }
}

function explainPattern(pattern: string): string {
  if (pattern === DURATION_PATTERN) return 'must be a duration, for example 90s, 10m or 2160h';
  if (pattern === QUANTITY_PATTERN) return 'must be a quantity, for example 500m or 8Gi';
  return `must match ${pattern}`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
