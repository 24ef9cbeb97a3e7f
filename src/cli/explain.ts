/** `explain` and `profiles`: what the checks' metadata says, for people. */
import type { TSchema } from 'typebox';
import { CHECKS } from '../checks/index.ts';
import { GROUPS, type Check, type Scope } from '../engine/check.ts';
import { nearestName } from '../engine/names.ts';
import { checkSchema } from '../policy/schema.ts';

const SCOPES: Record<Scope, string> = {
  workload: 'the workload itself',
  reference: 'objects that the workload names',
  companion: 'objects that name the workload',
};

/** All checks, by group. */
export function explainAll(): string {
  const width = Math.max(...CHECKS.map(({ name }) => name.length));
  const lines = GROUPS.flatMap((group) => {
    const checks = CHECKS.filter((check) => check.group === group);
    return checks.length === 0
      ? []
      : [
          group,
          ...checks.map(
            (check) =>
              `  ${check.name.padEnd(width)}  ${check.priorities['production-v1'].padEnd(10)}  ${check.metWhen}`,
          ),
          '',
        ];
  });
  return `${lines.join('\n')}Explained: readiness-operator explain CHECK\n`;
}

/** One check; undefined and a hint if there is none of that name. */
export function explainCheck(name: string): { readonly text: string } | { readonly unknown: string } {
  const check = CHECKS.find((candidate) => candidate.name === name);
  if (check === undefined) {
    const near = nearestName(
      name,
      CHECKS.map((candidate) => candidate.name),
    );
    return { unknown: `no check is named ${name}${near === undefined ? '' : `; did you mean ${near}?`}` };
  }
  return {
    text: [
      `${check.name}: ${check.title}`,
      '',
      `Met when    ${check.metWhen}`,
      `Why         ${check.rationale}`,
      `Cure        ${check.remediation}`,
      `Cause in    ${SCOPES[check.scope]}`,
      `Priority    ${check.priorities['production-v1']} in production-v1, ${check.priorities['baseline-v1']} in baseline-v1`,
      `Checklist   ${check.items.join(', ')}`,
      `Source      ${check.source}`,
      '',
      `Fields of spec.checks.${check.name} in a ReadinessPolicy:`,
      ...parametersOf(check),
      '',
    ].join('\n'),
  };
}

function parametersOf(check: Check): string[] {
  const { properties } = checkSchema(check) as TSchema & {
    properties: Record<string, { description?: string; default?: unknown }>;
  };
  return Object.entries(properties).map(([name, { description, default: fallback }]) => {
    const tail = fallback === undefined ? '' : ` Default: ${JSON.stringify(fallback)}.`;
    return `  ${name}: ${description ?? ''}${tail}`;
  });
}

/** The profiles' rows. */
export function profilesTable(): string {
  const width = Math.max(...CHECKS.map(({ name }) => name.length));
  const row = (name: string, production: string, baseline: string): string =>
    `${name.padEnd(width)}  ${production.padEnd(13)}  ${baseline}`;
  return `${[
    row('CHECK', 'PRODUCTION-V1', 'BASELINE-V1'),
    ...CHECKS.map(({ name, priorities }) => row(name, priorities['production-v1'], priorities['baseline-v1'])),
  ].join('\n')}\n`;
}
