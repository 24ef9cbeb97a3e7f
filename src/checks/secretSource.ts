import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { makerOf } from '../engine/missing.ts';
import { eachSecretUsed } from '../engine/references.ts';
import { SECRET_MAKERS } from '../engine/related.ts';
import { SECRET_SOURCE_ANNOTATION } from '../engine/secret.ts';

export default defineCheck({
  name: 'secretSource',
  title: 'Secret source',
  metWhen: `A secrets manager makes each Secret that the workload uses: an ExternalSecret, SealedSecret, Certificate, object of the Vault Secrets Operator or SecretProviderClass owns or names it, or an annotation names its source (${SECRET_SOURCE_ANNOTATION}, or one that such a manager sets).`,
  group: 'Secret references',
  items: ['security.secrets.managed-secret-store', 'deploy.environments.secrets-management'],
  scope: 'reference',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  perContainer: true,
  reads: ['Secret', 'ServiceAccount', ...SECRET_MAKERS],
  parameters: NO_PARAMETERS,
  rationale:
    'A Secret that somebody typed in can neither be renewed nor be made again after a loss, and nobody knows who else has it.',
  remediation: `make it with a secrets manager, or name its source in the annotation ${SECRET_SOURCE_ANNOTATION}`,
  source: 'https://kubernetes.io/docs/concepts/security/secrets-good-practices/#use-third-party-secret-store-providers',
  run(input, report) {
    const { workload, related } = input;
    for (const { reference, via } of eachSecretUsed(input)) {
      const { name, path, container } = reference;
      const answer = related.find('Secret', workload.namespace, name);
      if (answer.state === 'unknown') report({ type: 'unknown', cause: `Secret ${name}: ${answer.cause}` });
      // That it is missing, secretReferences says.
      if (answer.state !== 'found' || answer.values[0]?.managed === true) continue;
      const maker = makerOf(related, workload.namespace, name);
      if (maker === undefined) {
        report({
          type: 'unmet',
          path,
          message: `${via}no secrets manager makes Secret ${name}`,
          ...(container === undefined ? {} : { container }),
        });
      } else if (maker.type === 'unknown') report(maker);
    }
  },
});
