import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';

export default defineCheck({
  name: 'secretsAsFiles',
  title: 'Secrets as files',
  metWhen: 'Secrets arrive as files, not as environment variables.',
  group: 'Secret references',
  items: ['security.secrets.managed-secret-store'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale:
    'Environment variables end up in crash reports, child processes and `docker inspect`, and do not follow a rotation; the checklist itself accepts them, so no profile enables this.',
  remediation: 'mount the Secret as a volume',
  source: 'https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod',
  run({ containers }, report) {
    for (const container of containers) {
      for (const [index, { name, valueFrom }] of (container.spec.env ?? []).entries()) {
        const secret = valueFrom?.secretKeyRef;
        if (secret) {
          report(
            unmetAt(
              container,
              ['env', index, 'valueFrom', 'secretKeyRef'],
              `the variable ${name} holds a key of Secret ${secret.name ?? ''}`,
            ),
          );
        }
      }
      for (const [index, { secretRef }] of (container.spec.envFrom ?? []).entries()) {
        if (secretRef) {
          report(
            unmetAt(
              container,
              ['envFrom', index, 'secretRef'],
              `variables hold all keys of Secret ${secretRef.name ?? ''}`,
            ),
          );
        }
      }
    }
  },
});
