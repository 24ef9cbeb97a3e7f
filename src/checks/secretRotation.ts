import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { formatDuration, parseDuration } from '../engine/duration.ts';
import { Duration } from '../engine/parameters.ts';
import { eachSecretUsed } from '../engine/references.ts';

const MAX_AGE = '2160h';

export default defineCheck({
  name: 'secretRotation',
  title: 'Secret rotation',
  metWhen:
    'The data of each Secret that the workload uses changed within maxAge, as its field managers tell; any change by the manager of the data counts.',
  group: 'Secret references',
  items: ['security.secrets.key-rotation'],
  scope: 'reference',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  perContainer: true,
  reads: ['Secret', 'ServiceAccount'],
  parameters: Type.Object({ maxAge: Duration(MAX_AGE, 'Longest time since the data changed.') }),
  rationale:
    'A credential leaks without a trace: through a log, a backup, a laptop. One that is renewed now and then is of use to nobody for ever.',
  remediation: 'renew the credential and the Secret',
  source: 'https://kubernetes.io/docs/concepts/security/secrets-good-practices/',
  prepare: ({ maxAge = MAX_AGE }) => ({ maxAge: parseDuration(maxAge) ?? 0 }),
  run(input, report) {
    const { workload, related, now } = input;
    const { maxAge } = input.parameters;
    for (const { reference, via } of eachSecretUsed(input)) {
      const { name, path, container } = reference;
      const answer = related.find('Secret', workload.namespace, name);
      if (answer.state === 'unknown') report({ type: 'unknown', cause: `Secret ${name}: ${answer.cause}` });
      // That it is missing, secretReferences says.
      if (answer.state !== 'found') continue;
      const changedAt = answer.values[0]?.changedAt;
      if (changedAt === undefined) {
        report({ type: 'unknown', cause: `when the data of Secret ${name} changed: it is not in a cluster yet` });
      } else if (now - changedAt <= maxAge) {
        report({ type: 'until', at: changedAt + maxAge });
      } else {
        const date = new Date(changedAt).toISOString().slice(0, 10);
        report({
          type: 'unmet',
          path,
          message: `${via}Secret ${name} was last changed on ${date}, longer than ${formatDuration(maxAge)} ago`,
          remediation: `renew the credential and Secret ${name}`,
          ...(container === undefined ? {} : { container }),
        });
      }
    }
  },
});
