import { Type } from 'typebox';
import { defineCheck, unmetAt } from '../engine/check.ts';
import { isPlaceholder } from '../engine/placeholders.ts';
import { saysSecret } from '../engine/secret-names.ts';
import { MOST_TEXT, SettingsReader, TOO_LONG } from '../engine/settings.ts';
import { matchesNamePattern } from '../engine/names.ts';
import { Names } from '../engine/parameters.ts';

export default defineCheck({
  name: 'placeholderValues',
  title: 'Placeholder values',
  metWhen:
    'No environment variable holds a placeholder: changeme, replace-me, your-api-key-here, TODO, <...>, xxx; bare words such as test, admin or password count only under a name that says secret, also as settings in JSON or YAML.',
  group: 'Secret references',
  items: ['security.secrets.no-hardcoded-credentials'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  perContainer: true,
  parameters: Type.Object({
    allow: Names(
      'Names of environment variables, and of settings in them, whose values are meant as they stand; `*` at the end allowed.',
    ),
  }),
  rationale:
    'A placeholder in production is a forgotten step: the workload starts, and fails or is open to anyone later.',
  remediation: 'write the real value, for a secret with valueFrom.secretKeyRef',
  source: 'https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/',
  prepare: ({ allow = [] }) => ({ allow }),
  run({ containers, parameters: { allow } }, report) {
    let left = MOST_TEXT;
    for (const container of containers) {
      const env = container.spec.env ?? [];
      for (let index = 0; index < env.length; index++) {
        const { name, value } = env[index] as (typeof env)[number];
        if (!value || matchesNamePattern(name, allow)) continue;
        left -= value.length;
        if (isPlaceholder(value, saysSecret(name)) || (left >= 0 && holdsPlaceholder(value, allow))) {
          report(unmetAt(container, ['env', index, 'value'], `${name} holds a placeholder`));
        }
      }
    }
    if (left < 0) report({ type: 'unknown', cause: `the variables hold ${TOO_LONG}` });
  },
});

/** Does a secret setting in a text hold one: `{"db": {"password": "changeme"}}`? */
function holdsPlaceholder(text: string, allow: readonly string[]): boolean {
  const reader = new SettingsReader('config');
  return text
    .split('\n')
    .flatMap((line) => reader.read(line))
    .some(({ name, value }) => !matchesNamePattern(name, allow) && saysSecret(name) && isPlaceholder(value, true));
}
