/**
 * Kinds that the cluster begins to serve while the operator runs. All policies of all tests meet them, so nothing else may
 * run against the cluster meanwhile.
 */
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { apply, attempt, kube, Stage, type Json } from '../stage.ts';

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

/** The shortest definitions that the Prometheus operator's kinds can do with. */
function definition(kind: string, plural: string): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  };
}

test('an API that appears later is noticed without a restart: not judged, then unmet, then met', async () => {
  stage = await Stage.open('monitored');
  const checks = { alertRules: { priority: 'Critical' }, metricsScrape: { priority: 'Critical' } };
  await stage.enforce({ profile: 'none', enforcement: { companionGrace: '0s' }, checks });
  expect((await apply(stage.deployment('web'))).stderr).toBe('');
  const uncovered = async (): Promise<Json[]> => {
    const status = JSON.parse(await kube(['get', 'rpol', stage.policy, '-o', 'jsonpath={.status}'])) as Json;
    return (status['notCovered'] as Json[]).filter(({ check }) => check !== undefined);
  };

  const first = await stage.report('deployment-web', { ready: 'True', findings: [] });
  expect(first['notes']).toEqual([
    'alertRules: not judged, the cluster serves no PrometheusRule',
    'metricsScrape: not judged, the cluster serves no ServiceMonitor or PodMonitor',
  ]);
  await until('the policy to tell what is not served', async () => {
    expect(await uncovered()).toEqual([
      { check: 'alertRules', kind: 'PrometheusRule', reason: 'NotServed' },
      { check: 'metricsScrape', kind: 'ServiceMonitor', reason: 'NotServed' },
      { check: 'metricsScrape', kind: 'PodMonitor', reason: 'NotServed' },
    ]);
    return true;
  });

  const kinds: readonly (readonly [string, string])[] = [
    ['PodMonitor', 'podmonitors'],
    ['PrometheusRule', 'prometheusrules'],
  ];
  try {
    for (const [kind, plural] of kinds) await apply(definition(kind, plural));
    await until('both checks to be unmet', async () => {
      const { findings, notes } = (await stage.get('rrep', 'deployment-web')) as { findings: Json[]; notes?: string[] };
      const found = findings.map(({ check }) => String(check)).toSorted();
      return found.join() === 'alertRules,metricsScrape' && notes === undefined;
    });
    await until('the policy to tell that all is served', async () => (await uncovered()).length === 0);
    const denied = await stage.run('set', 'env', 'deployment/web', 'A=1');
    expect(denied.stderr).toContain('no PodMonitor and no ServiceMonitor scrapes these pods');
    expect(denied.stderr).toContain('no PrometheusRule with an alert stands in the namespace');

    const monitoring = (kind: string, spec: Json): Json => ({
      apiVersion: 'monitoring.coreos.com/v1',
      kind,
      metadata: { name: 'web', namespace: stage.namespace },
      spec,
    });
    const rules = [{ alert: 'Down', expr: 'up == 0' }];
    const selector = { matchLabels: { app: 'web' } };
    await until('the APIs to be served', async () => {
      const made = [
        await apply(monitoring('PodMonitor', { selector, podMetricsEndpoints: [{ port: 'http' }] })),
        await apply(monitoring('PrometheusRule', { groups: [{ name: 'web', rules }] })),
      ];
      return made.every(({ code }) => code === 0);
    });
    await stage.report('deployment-web', { ready: 'True' });
    expect((await attempt(['-n', stage.namespace, 'set', 'env', 'deployment/web', 'A=2'])).code).toBe(0);
  } finally {
    for (const [, plural] of kinds)
      await kube(['delete', 'crd', `${plural}.monitoring.coreos.com`, '--ignore-not-found']);
  }
});
