import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { matchesNamePattern } from '../engine/names.ts';
import { Names } from '../engine/parameters.ts';
import { eachConfigMapUsed } from '../engine/references.ts';

export default defineCheck({
  name: 'configMapCredentials',
  title: 'ConfigMap credentials',
  metWhen:
    'No credential stands in a ConfigMap that the workload uses: known token formats, private keys, URLs with a password, literals and placeholders under a name that says secret, also as settings in a file.',
  group: 'Secret references',
  items: ['security.secrets.no-hardcoded-credentials', 'deploy.environments.secrets-management'],
  scope: 'reference',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  perContainer: true,
  reads: ['ConfigMap'],
  parameters: Type.Object({
    allow: Names('Keys of ConfigMaps, and settings in their files, that hold no credential; `*` at the end allowed.'),
  }),
  rationale:
    'A ConfigMap is configuration: nearly everyone may read it, it is not encrypted at rest, and it stands in the repository.',
  remediation: 'move it into a Secret',
  source: 'https://kubernetes.io/docs/concepts/configuration/configmap/',
  prepare: ({ allow = [] }) => ({ allow }),
  run(input, report) {
    const { workload, related } = input;
    const { allow } = input.parameters;
    for (const { name, path, container } of eachConfigMapUsed(input)) {
      const answer = related.find('ConfigMap', workload.namespace, name);
      if (answer.state === 'unknown') report({ type: 'unknown', cause: `ConfigMap ${name}: ${answer.cause}` });
      const credentials = answer.state === 'found' ? answer.values[0]?.credentials : undefined;
      if (credentials === undefined) continue;
      const open = credentials.found.filter(
        ({ key, setting = key }) => !matchesNamePattern(key, allow) && !matchesNamePattern(setting, allow),
      );
      for (const { key, setting, what } of open) {
        report({
          type: 'unmet',
          path,
          message: `ConfigMap ${name} holds ${what} in ${key}${setting === undefined ? '' : ` (${setting})`}`,
          ...(container === undefined ? {} : { container }),
        });
      }
      if (open.length === 0 && credentials.more) {
        report({ type: 'unknown', cause: `ConfigMap ${name}: it holds more that looks like credentials than is kept` });
      }
    }
  },
});
