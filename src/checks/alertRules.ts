import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { notServed, podLabels, podLabelsPath } from '../engine/companions.ts';
import { applicationOf, RULES_FOR, WHOLE_CLUSTER } from '../engine/related.ts';

export default defineCheck({
  name: 'alertRules',
  title: 'Alert rules',
  metWhen:
    'A PrometheusRule with an alert stands in the namespace, or one elsewhere bears the label app.kubernetes.io/name (or app) of the workload.',
  group: 'Around the workload',
  items: ['observability.infra.alerting'],
  scope: 'companion',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  reads: ['PrometheusRule'],
  needs: ['PrometheusRule'],
  parameters: NO_PARAMETERS,
  rationale: 'Metrics that no rule looks at wake nobody.',
  remediation: 'create a PrometheusRule with alerts in the namespace of the workload',
  source: 'https://kubernetes.io/docs/concepts/cluster-administration/observability/',
  run({ workload, related }, report) {
    const application = applicationOf(podLabels(workload)) ?? applicationOf(workload.labels);
    const keys = [RULES_FOR.namespace(workload.namespace)];
    if (application !== undefined) keys.push(RULES_FOR.application(application));
    let unknown: string | undefined;
    for (const key of keys) {
      const answer = related.find('PrometheusRule', WHOLE_CLUSTER, key);
      if (answer.state === 'found') return;
      if (answer.state === 'unknown') unknown = answer.cause;
      else if (answer.notServed === true) {
        notServed('alertRules', 'PrometheusRule', report);
        return;
      }
    }
    if (unknown !== undefined) {
      report({ type: 'unknown', cause: `whether a PrometheusRule is there for it: ${unknown}` });
      return;
    }
    report({
      type: 'unmet',
      path: podLabelsPath(workload),
      message:
        'no PrometheusRule with an alert stands in the namespace, and none elsewhere is labelled for this workload',
    });
  },
});
