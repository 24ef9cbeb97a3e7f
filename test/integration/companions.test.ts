/** Companions through the API server: while a workload is new they only warn, later they hold its rollouts up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import { apply, attempt, kube, Stage, type Json } from './stage.ts';

jest.setTimeout(180_000);

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

const only = (check: string, enforcement: Json = {}): Json => ({
  profile: 'none',
  enforcement,
  checks: { [check]: { priority: 'Critical' } },
});

/** Each companion check with what is said without a companion, and a companion that meets it. */
const COMPANIONS: readonly (readonly [check: string, said: string, apiVersion: string, kind: string, spec: Json])[] = [
  [
    'podDisruptionBudget',
    'no PodDisruptionBudget selects these pods',
    'policy/v1',
    'PodDisruptionBudget',
    { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } },
  ],
  [
    'service',
    'no Service selects these pods',
    'v1',
    'Service',
    { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
  ],
  [
    'networkPolicy',
    'no NetworkPolicy selects these pods for Ingress',
    'networking.k8s.io/v1',
    'NetworkPolicy',
    { podSelector: { matchLabels: { app: 'web' } } },
  ],
  [
    'horizontalAutoscaler',
    'no HorizontalPodAutoscaler scales it',
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, minReplicas: 2, maxReplicas: 4 },
  ],
];

test.each(COMPANIONS)(
  '%s: warns on creation, denies a rollout after companionGrace, and passes once it is there',
  async (check, said, apiVersion, kind, spec) => {
    stage = await Stage.open(check.toLowerCase());
    await stage.enforce(only(check, { companionGrace: '1h' }));
    const created = await apply(stage.deployment('web'));
    expect([created.code, created.stderr]).toEqual([
      0,
      expect.stringContaining(`[${stage.policy}] Critical ${check} (it may still come)`),
    ]);
    const rollout = (value: string) => stage.run('set', 'env', 'deployment/web', `A=${value}`);
    const within = await rollout('1');
    expect([within.code, within.stderr]).toEqual([0, expect.stringContaining('(it may still come)')]);

    await stage.enforce(only(check, { companionGrace: '1s' }));
    await sleep(1500);
    const denied = await rollout('2');
    expect(denied.code).not.toBe(0);
    expect(denied.stderr).toContain('denied the request');
    expect(denied.stderr).toContain(said);

    const companion = { apiVersion, kind, metadata: { name: 'web', namespace: stage.namespace }, spec };
    expect((await apply(companion)).stderr).toBe('');
    // The operator hears of it a moment later.
    await stage.until(async () => ((await rollout('3')).code === 0 ? true : undefined), 60);
  },
);

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
  const report = () => stage.get('rrep', 'deployment-web');
  const uncovered = async (): Promise<Json[]> => {
    const status = JSON.parse(await kube(['get', 'rpol', stage.policy, '-o', 'jsonpath={.status}'])) as Json;
    return (status['notCovered'] as Json[]).filter(({ check }) => check !== undefined);
  };

  const first = await stage.until(report, 60);
  expect(first).toMatchObject({ ready: 'True', findings: [] });
  expect(first['notes']).toEqual([
    'alertRules: not judged, the cluster serves no PrometheusRule',
    'metricsScrape: not judged, the cluster serves no ServiceMonitor or PodMonitor',
  ]);
  await stage.until(async () => ((await uncovered()).length === 3 ? true : undefined), 60);
  expect(await uncovered()).toEqual([
    { check: 'alertRules', kind: 'PrometheusRule', reason: 'NotServed' },
    { check: 'metricsScrape', kind: 'ServiceMonitor', reason: 'NotServed' },
    { check: 'metricsScrape', kind: 'PodMonitor', reason: 'NotServed' },
  ]);

  const kinds: readonly (readonly [string, string])[] = [
    ['PodMonitor', 'podmonitors'],
    ['PrometheusRule', 'prometheusrules'],
  ];
  try {
    for (const [kind, plural] of kinds) await apply(definition(kind, plural));
    await stage.until(async () => {
      const { findings, notes } = (await report()) as { findings: Json[]; notes?: string[] };
      const found = findings.map(({ check }) => String(check)).toSorted();
      return found.join() === 'alertRules,metricsScrape' && notes === undefined ? true : undefined;
    }, 90);
    await stage.until(async () => ((await uncovered()).length === 0 ? true : undefined), 60);
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
    await stage.until(async () => {
      const made = [
        await apply(monitoring('PodMonitor', { selector, podMetricsEndpoints: [{ port: 'http' }] })),
        await apply(monitoring('PrometheusRule', { groups: [{ name: 'web', rules }] })),
      ];
      return made.every(({ code }) => code === 0) ? true : undefined;
    }, 60);
    await stage.until(async () => ((await report())['ready'] === 'True' ? true : undefined), 60);
    expect((await attempt(['-n', stage.namespace, 'set', 'env', 'deployment/web', 'A=2'])).code).toBe(0);
  } finally {
    for (const [, plural] of kinds)
      await kube(['delete', 'crd', `${plural}.monitoring.coreos.com`, '--ignore-not-found']);
  }
});
