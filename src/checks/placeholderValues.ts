import { Type } from 'typebox';
import { defineCheck, unmetAt, type Report } from '../engine/check.ts';
import { flaggedWords } from '../engine/flags.ts';
import { isPlaceholder } from '../engine/placeholders.ts';
import { roleOfName, saysSecret } from '../engine/secret-names.ts';
import { MOST_TEXT, TOO_LONG } from '../engine/settings.ts';
import { textSearchOf } from '../engine/text-search.ts';
import { matchesNamePattern } from '../engine/names.ts';
import { Names } from '../engine/parameters.ts';
import type { Container } from '../engine/workload.ts';

export default defineCheck({
  name: 'placeholderValues',
  title: 'Placeholder values',
  metWhen:
    'No environment variable, and no flag of command or args whose name says secret, holds a placeholder: changeme, replace-me, your-api-key-here, TODO, <...>, xxx; bare words such as test, admin or password count only under a name that says secret, also as settings in JSON or YAML.',
  group: 'Secret references',
  items: ['security.secrets.no-hardcoded-credentials'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  perContainer: true,
  parameters: Type.Object({
    allow: Names(
      'Names of environment variables, of settings in them, and of flags, whose values are meant as they stand; `*` at the end allowed.',
    ),
  }),
  rationale:
    'A placeholder in production is a forgotten step: the workload starts, and fails or is open to anyone later.',
  remediation: 'write the real value, for a secret with valueFrom.secretKeyRef',
  source: 'https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/',
  prepare: ({ allow = [] }) => ({ allow }),
  run({ workload, containers, parameters: { allow } }, report) {
    const texts = textSearchOf(workload);
    const holdsPlaceholder = (text: string): boolean =>
      texts.placeholdersIn(text).some((name) => !matchesNamePattern(name, allow));
    let left = MOST_TEXT;
    for (const container of containers) {
      const env = container.spec.env ?? [];
      for (let index = 0; index < env.length; index++) {
        const { name, value } = env[index] as (typeof env)[number];
        if (!value || matchesNamePattern(name, allow)) continue;
        left -= value.length;
        if (isPlaceholder(value, saysSecret(name)) || (left >= 0 && holdsPlaceholder(value))) {
          report(unmetAt(container, ['env', index, 'value'], `${name} holds a placeholder`));
        }
      }
      for (const at of ['command', 'args'] as const) judgeFlags(container, at, allow, report);
    }
    if (left < 0) report({ type: 'unknown', cause: `the variables hold ${TOO_LONG}` });
  },
});

/** Flags whose names say that their value is a secret, and not the name of an object that holds one. */
function judgeFlags(container: Container, at: 'command' | 'args', allow: readonly string[], report: Report): void {
  for (const [index, { flag, value }] of flaggedWords(container.spec[at] ?? []).entries()) {
    if (flag === undefined || value === undefined || matchesNamePattern(flag.name, allow)) continue;
    // A word behind the name of a key can be that of a Secret: `--secret-key=password`.
    if (roleOfName(flag.name) !== 'secret' || !isPlaceholder(value, !/key$/i.test(flag.name))) continue;
    report(unmetAt(container, [at, index], `${flag.dashes}${flag.name} holds a placeholder`));
  }
}
