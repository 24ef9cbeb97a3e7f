/** Companions through the API server: while a workload is new they only warn, later they hold its rollouts up. */
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { apply, Stage, type Json } from './stage.ts';

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
    const denied = await until('the grace to be over', async () => {
      const { code, stderr } = await rollout(String(performance.now()));
      return code !== 0 && stderr;
    });
    expect(denied).toContain('denied the request');
    expect(denied).toContain(said);

    const companion = { apiVersion, kind, metadata: { name: 'web', namespace: stage.namespace }, spec };
    expect((await apply(companion)).stderr).toBe('');
    // The operator hears of it a moment later.
    await until('the companion to count', async () => (await rollout('3')).code === 0);
  },
);
