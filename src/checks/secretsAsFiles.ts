import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { referencesOf } from '../engine/references.ts';

export default defineCheck({
  name: 'secretsAsFiles',
  title: 'Secrets as files',
  metWhen: 'Secrets are mounted as files, and none is handed over as an environment variable.',
  group: 'Secret references',
  items: ['security.secrets.secure-api-key-storage'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale:
    'Environment variables are passed on to child processes, end up in crash reports, and keep their old value when the Secret is rotated.',
  remediation: 'mount the Secret as a volume and read the file',
  source: 'https://kubernetes.io/docs/concepts/configuration/secret/#using-secrets-as-files-from-a-pod',
  *run({ workload, containers }) {
    const judged = new Set(containers.map(({ name }) => name));
    for (const { kind, name, path, container } of referencesOf(workload)) {
      if (kind !== 'Secret' || container === undefined || !judged.has(container)) continue;
      const message = `Secret ${name} is handed over as environment variables`;
      yield { type: 'unmet', path, message, container };
    }
  },
});
