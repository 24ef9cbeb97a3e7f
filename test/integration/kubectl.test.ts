/** What a person with kubectl meets, on a real API server with the controller-manager. */
import { afterEach, expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import { until } from '../support/until.ts';
import { apply, attempt, kube, nextSecond, Stage, type Json, latest } from './stage.ts';

const PRODUCTION = { profile: 'production-v1' };
const only = (check: string, settings: Json = {}): Json => ({
  profile: 'none',
  checks: { [check]: { priority: 'Critical', ...settings } },
});

let stage: Stage;
let extra: string[] = [];
afterEach(async () => {
  await stage?.close(...extra);
  extra = [];
});

test('CRD and policy applied', async () => {
  stage = await Stage.open('applied', PRODUCTION);
  const status = await until('all conditions to be true', async () => {
    const { status } = await stage.get('rpol', 'applied');
    expect(status.conditions.map((condition: Json) => [condition.type, condition.status])).toEqual([
      ['Ready', 'True'],
      ['Enforced', 'True'],
      ['Informed', 'True'],
    ]);
    return status as Json;
  });
  expect(await kube(['get', 'rpol', 'applied', '--no-headers'])).toMatch(/applied\s+production-v1\s+Deny\s+0\s+0\s+0/);
  expect(status['notCovered']).toContainEqual({ namespace: 'kube-system', reason: 'SystemNamespace' });
});

test('explain shows each check', async () => {
  const text = await kube(['explain', 'readinesspolicy.spec.checks']);
  for (const { name, title } of CHECKS) {
    expect(text).toContain(name);
    expect(text).toContain(title);
  }
});

test('denied', async () => {
  stage = await Stage.open('denied', PRODUCTION);
  const bad = stage.deployment('web', (_spec, container) => delete container['resources']['limits']);
  const { code, stderr } = await apply(bad);
  expect(code).not.toBe(0);
  expect(stderr).toContain('admission webhook "denied.workloads.readiness-operator.dev" denied the request');
  expect(stderr).toContain('Deployment denied/web is not ready for production: 1 critical finding (policy denied)');
  expect(stderr).toContain(
    'memoryLimits  spec.template.spec.containers[app].resources.limits: no memory limit; set resources.limits.memory',
  );
});

test('denied for requests and limits that Kubernetes takes and that mean none', async () => {
  stage = await Stage.open('amounts', {
    profile: 'none',
    checks: {
      cpuRequests: { priority: 'Critical' },
      memoryRequests: { priority: 'Critical' },
      memoryLimits: { priority: 'Critical' },
    },
  });
  const sayOf = async (resources: Json): Promise<string> =>
    (await apply(stage.deployment('web', (_spec, container) => (container['resources'] = resources)))).stderr;
  const limits = { memory: '64Mi' };
  expect(await sayOf({ requests: { cpu: '1n', memory: '1n' }, limits })).toMatch(
    /is 1m, less than 2m.*is 1m, less than a byte/s,
  );
  expect(await sayOf({ requests: { cpu: '10m', memory: '0' }, limits })).toContain('is 0, which means none');
  expect(await sayOf({ requests: { cpu: '10m' }, limits: { memory: '0' } })).toContain('limits.memory: is 0');
  expect(await sayOf({ requests: { cpu: '10m' }, limits: { memory: '512m' } })).toContain('is 512m, less than a byte');
});

test('warned', async () => {
  stage = await Stage.open('warned', { ...only('imageTag'), enforcement: { critical: 'Warn' } });
  const { code, stderr } = await apply(stage.deployment('web', latest));
  expect(code).toBe(0);
  expect(stderr).toContain('Warning: [warned] Critical imageTag: containers[app].image: the tag latest is not allowed');
});

test('audited', async () => {
  stage = await Stage.open('audited', { ...only('imageTag'), enforcement: { critical: 'Audit' } });
  const { code, stderr } = await apply(stage.deployment('web', latest));
  expect([code, stderr]).toEqual([0, '']);
  const report = await stage.report('deployment-web', { ready: 'False', score: 0, counts: { critical: 1 } });
  expect(report['findings'][0]).toMatchObject({
    check: 'imageTag',
    action: 'Audit',
    path: 'spec.template.spec.containers[0].image',
    container: 'app',
    policies: ['audited'],
  });
  await until('the policy to count it', async () => {
    const { status } = await stage.get('rpol', 'audited');
    return status.workloads.notReady === 1 && status.topChecks[0]?.name === 'imageTag';
  });
});

test('allowed', async () => {
  stage = await Stage.open('allowed', PRODUCTION);
  await stage.run('create', 'serviceaccount', 'web');
  const metadata = { name: 'web', namespace: 'allowed' };
  const selector = { matchLabels: { app: 'web' } };
  const companions: Json[] = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      spec: { selector: selector.matchLabels, ports: [{ port: 80, targetPort: 'http' }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: { podSelector: selector, policyTypes: ['Ingress'] },
    },
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec: { selector, maxUnavailable: 1 } },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      spec: {
        minReplicas: 2,
        maxReplicas: 4,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      },
    },
  ];
  const everythingMet = stage.deployment('web', ({ template }, container) => {
    template.metadata.annotations = { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' };
    template.spec.serviceAccountName = 'web';
    template.spec.automountServiceAccountToken = false;
    template.spec.securityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
    template.spec.topologySpreadConstraints = [
      {
        topologyKey: 'kubernetes.io/hostname',
        maxSkew: 1,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { app: 'web' } },
      },
    ];
    container['image'] = `registry.example.com/shop/app:1.0.0@sha256:${'ab'.repeat(32)}`;
    container['securityContext'] = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    };
  });
  await apply({ apiVersion: 'v1', kind: 'List', items: companions.map((one) => ({ ...one, metadata })) });
  // Companions are looked up in the cache, which is a moment behind.
  await until('all companions to be known', async () => {
    return (await apply(everythingMet, '--dry-run=server')).stderr === '';
  });
  const { code, stdout, stderr } = await apply(everythingMet);
  expect([code, stdout.trim(), stderr]).toEqual([0, 'deployment.apps/web created', '']);
  await stage.report('deployment-web', { ready: 'True', score: 100, findings: [] });
  await stage.run('delete', 'deployment', 'web');
  await stage.unreported('deployment-web');
});

test('startsAt', async () => {
  stage = await Stage.open('starts', { ...only('imageTag'), enforcement: { startsAt: '2999-01-01T00:00:00Z' } });
  const early = await apply(stage.deployment('web', latest));
  expect(early.code).toBe(0);
  expect(early.stderr).toContain('denied from 2999-01-01T00:00:00.000Z');
  await stage.enforce({ ...only('imageTag'), enforcement: { startsAt: '2020-01-01T00:00:00Z' } });
  expect((await apply(stage.deployment('other', latest))).code).not.toBe(0);
});

test('scale down denied, up passes', async () => {
  stage = await Stage.open('scaling', only('minReplicas', { replicas: 3 }));
  await stage.enforce({ ...only('minReplicas', { replicas: 3 }), enforcement: { critical: 'Audit' } });
  expect((await apply(stage.deployment('web'))).code).toBe(0);
  await stage.enforce({ ...only('minReplicas', { replicas: 3 }), enforcement: { critical: 'Deny' } });
  const down = await stage.run('scale', 'deployment', 'web', '--replicas=1');
  expect(down.stderr).toContain('admission webhook "scaling.scale.readiness-operator.dev" denied the request');
  expect(down.stderr).toContain('minReplicas  spec.replicas: is 1, at least 3 are required');
  const patched = await stage.run('patch', 'deployment', 'web', '-p', '{"spec":{"replicas":1}}');
  expect(patched.stderr).toContain('is 1, at least 3 are required');
  // The cache may be a moment behind an object that was made just now; the parent is then read live.
  expect((await stage.run('scale', 'deployment', 'web', '--replicas=4')).code).toBe(0);
  expect((await stage.run('scale', 'deployment', 'web', '--replicas=0')).code).toBe(0);
});

test('HPA minimum counts', async () => {
  stage = await Stage.open('autoscaled', only('minReplicas'));
  const single = stage.deployment('web', (spec) => (spec['replicas'] = 1));
  expect((await apply(single)).stderr).toContain('is 1, at least 2 are required');
  const scaler = (minReplicas: number): Json => ({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'autoscaled' },
    spec: { minReplicas, maxReplicas: 5, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
  });
  await apply(scaler(1));
  const low = await until('the autoscaler to be named', async () => {
    const { stderr } = await apply(single);
    return stderr.includes('HorizontalPodAutoscaler web keeps at least 1') && stderr;
  });
  expect(low).toContain('set minReplicas: 2 in HorizontalPodAutoscaler web');
  await apply(scaler(2));
  await until('the autoscaler to count', async () => (await apply(single)).code === 0);
  // A change of the autoscaler re-judges the workload that it scales.
  await stage.report('deployment-web', { ready: 'True' });
  await apply(scaler(1));
  await stage.report('deployment-web', { ready: 'False' });
});

test('Secret missing, then created', async () => {
  stage = await Stage.open('secrets', only('secretReferences'));
  const web = stage.deployment('web', (_spec, container) => {
    container['env'] = [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }];
  });
  expect((await apply(web)).stderr).toContain('env[0].valueFrom.secretKeyRef: Secret db does not exist');
  await stage.run('create', 'secret', 'generic', 'db', '--from-literal=user=x');
  expect((await apply(web)).stderr).toContain('Secret db has no key password');
  await stage.run('patch', 'secret', 'db', '-p', '{"stringData":{"password":"x"}}');
  // At once: the webhook reads live before it denies for something that its cache does not know.
  expect((await apply(web)).stderr).toBe('');
  await stage.report('deployment-web', { ready: 'True' });
  await stage.run('delete', 'secret', 'db');
  await stage.report('deployment-web', { ready: 'False' });
});

test('ConfigMap key missing', async () => {
  stage = await Stage.open('configmaps', only('configMapReferences'));
  await stage.run('create', 'configmap', 'settings', '--from-literal=a=1');
  const { stderr } = await apply(
    stage.deployment('web', (spec) => {
      spec['template']['spec']['volumes'] = [
        { name: 'v', configMap: { name: 'settings', items: [{ key: 'b', path: 'b' }] } },
      ];
    }),
  );
  expect(stderr).toContain('spec.template.spec.volumes[0].configMap: ConfigMap settings has no key b');
});

test('dry-run', async () => {
  stage = await Stage.open('dry', {
    profile: 'none',
    checks: { imageTag: { priority: 'Critical' }, secretReferences: { priority: 'Critical' } },
  });
  expect((await apply(stage.deployment('web', latest), '--dry-run=server')).stderr).toContain('denied the request');
  const missing = await apply(
    stage.deployment('web', (_spec, container) => (container['envFrom'] = [{ secretRef: { name: 'later' } }])),
    '--dry-run=server',
  );
  expect(missing.code).toBe(0);
  expect(missing.stderr).toContain('Critical secretReferences (a dry-run)');
});

test('unrelated update, finalizer and label pass with violations present', async () => {
  stage = await Stage.open('unrelated');
  await apply(stage.deployment('web', latest));
  await stage.enforce(only('imageTag'));
  expect((await stage.run('label', 'deployment', 'web', 'team=shop')).code).toBe(0);
  expect((await stage.run('annotate', 'deployment', 'web', 'note=x')).code).toBe(0);
  expect(
    (await stage.run('patch', 'deployment', 'web', '-p', '{"metadata":{"finalizers":["example.com/f"]}}')).code,
  ).toBe(0);
  expect((await stage.run('rollout', 'pause', 'deployment/web')).code).toBe(0);
  expect((await stage.run('rollout', 'resume', 'deployment/web')).code).toBe(0);
  expect((await stage.run('rollout', 'restart', 'deployment/web')).code).toBe(0);
  expect((await stage.run('set', 'env', 'deployment/web', 'A=B')).stderr).toContain('denied the request');
  expect((await stage.run('delete', 'deployment', 'web', '--wait=false')).code).toBe(0);
  expect((await stage.run('patch', 'deployment', 'web', '-p', '{"metadata":{"finalizers":null}}')).code).toBe(0);
});

test('rollout undo warns', async () => {
  stage = await Stage.open('undo');
  await apply(stage.deployment('web', latest));
  await until('a ReplicaSet', async () => (await stage.names('rs')).length === 1);
  await apply(stage.deployment('web'));
  await until('its second ReplicaSet', async () => (await stage.names('rs')).length === 2);
  await nextSecond();
  await stage.enforce(only('imageTag'));
  const { code, stderr } = await stage.run('rollout', 'undo', 'deployment/web');
  expect(stderr).toContain('Critical imageTag (a template that ran before)');
  expect(code).toBe(0);
});

test("controllers' Pods pass", async () => {
  stage = await Stage.open('controllers');
  await apply(stage.deployment('web', latest));
  const before = await until('two Pods', async () => {
    const names = await stage.names('pods');
    return names.length === 2 && names;
  });
  await stage.enforce(only('imageTag'));
  const bare = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'bare', namespace: 'controllers' },
    spec: { containers: [{ name: 'app', image: 'x:latest' }] },
  };
  expect((await apply(bare)).stderr).toContain('denied the request');
  await kube(['-n', 'controllers', 'delete', 'pods', '-l', 'app=web', '--force', '--grace-period=0']);
  await until('two others', async () => {
    const names = await stage.names('pods');
    return names.length === 2 && !names.some((name) => before.includes(name));
  });
});

test("hand-written owner reference doesn't", async () => {
  stage = await Stage.open('owners');
  await apply(stage.deployment('web', latest));
  const set = await until('the ReplicaSet', async () => {
    const { items } = JSON.parse(await kube(['-n', 'owners', 'get', 'rs', '-o', 'json'])) as Json;
    return items[0] as Json | undefined;
  });
  await stage.enforce(only('imageTag'));
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: set['metadata'].name,
    uid: set['metadata'].uid,
    controller: true,
  };
  const forged = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'forged', namespace: 'owners', labels: { app: 'web' }, ownerReferences: [owner] },
    spec: { containers: [{ name: 'app', image: 'evil:latest' }] },
  };
  expect((await apply(forged)).stderr).toContain('Pod owners/forged is not ready for production');
});

test('List and CronJob paths', async () => {
  stage = await Stage.open('paths', only('imageTag'));
  const cron = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'nightly', namespace: 'paths' },
    spec: {
      schedule: '0 3 * * *',
      jobTemplate: {
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'job:latest' }] } } },
      },
    },
  };
  const { code, stdout, stderr } = await apply({
    apiVersion: 'v1',
    kind: 'List',
    items: [cron, stage.deployment('web')],
  });
  expect(code).not.toBe(0);
  expect(stderr).toContain(
    'imageTag  spec.jobTemplate.spec.template.spec.containers[job].image: the tag latest is not allowed',
  );
  expect(stdout).toContain('deployment.apps/web created');
});

test('policy changed, policy deleted', async () => {
  stage = await Stage.open('replaced', only('imageTag'));
  expect((await apply(stage.deployment('web', latest))).code).not.toBe(0);
  await stage.enforce(only('imageTag', { forbidden: ['edge'] }));
  expect((await apply(stage.deployment('web', latest))).code).toBe(0);
  await stage.report('deployment-web');
  await kube(['delete', 'rpol', 'replaced']);
  await stage.unreported('deployment-web');
  await until('the route to go', async () => {
    const configuration = await kube(['get', 'validatingwebhookconfiguration', 'readiness-operator', '-o', 'yaml']);
    return !configuration.includes('replaced.workloads');
  });
  expect((await apply(stage.deployment('edge', (_spec, container) => (container['image'] = 'x:edge')))).code).toBe(0);
});

test('invalid policy, misspelt check with `--validate=false`', async () => {
  stage = await Stage.open('misspelt');
  const misspelt = stage.policyObject({ profile: 'production-v1', checks: { memoryLimts: { max: '1Gi' } } });
  const refused = await apply(misspelt, '--validate=false');
  expect(refused.stderr).toContain('spec.checks.memoryLimts: unknown check; did you mean memoryLimits?');
  const parameter = stage.policyObject({ profile: 'production-v1', checks: { memoryLimits: { maximum: '1Gi' } } });
  expect((await apply(parameter, '--validate=false')).stderr).toContain(
    'spec.checks.memoryLimits.maximum: unknown field',
  );
  const above = stage.policyObject({ profile: 'production-v1', checks: { memoryLimits: { min: '2Gi', max: '1Gi' } } });
  expect((await apply(above)).stderr).toContain('min must not be above max');
  const negative = stage.policyObject({ profile: 'production-v1', checks: { memoryLimits: { max: '-1' } } });
  expect((await apply(negative)).stderr).toContain('spec.checks.memoryLimits.max in body should match');
  const none = stage.policyObject({ profile: 'production-v1', checks: { memoryLimits: { max: '0' } } });
  expect((await apply(none)).stderr).toContain('spec.checks.memoryLimits.max: is 0, which means none');
  const needsPriority = stage.policyObject({ profile: 'production-v1', checks: { cpuLimits: { max: '2' } } });
  expect((await apply(needsPriority)).stderr).toContain('set priority');
});

test('two policies', async () => {
  stage = await Stage.open('both', only('imageTag'));
  extra = ['both-warn'];
  await stage.enforce({ ...only('imageTag'), enforcement: { critical: 'Warn' } }, 'both-warn');
  const { stderr } = await apply(stage.deployment('web', latest));
  expect(stderr).toContain('1 critical finding (policies both, both-warn)');
  // Policies with one match share one entry.
  const configuration = await kube(['get', 'validatingwebhookconfiguration', 'readiness-operator', '-o', 'yaml']);
  expect(configuration).toContain('both.workloads.readiness-operator.dev');
  expect(configuration).not.toContain('both-warn.workloads');
});

test('explain of a denial by `kubectl apply`, `create`, `patch`, `set image`, server-side apply', async () => {
  stage = await Stage.open('verbs', only('imageTag'));
  const bad = stage.deployment('web', latest);
  const cure = 'name a version (image: app:1.2.3) or a digest';
  expect((await apply(bad)).stderr).toContain(cure);
  expect((await attempt(['create', '-f', '-'], bad)).stderr).toContain(cure);
  expect((await apply(bad, '--server-side')).stderr).toContain(cure);
  await apply(stage.deployment('web'));
  const patch = JSON.stringify([{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'x:latest' }]);
  expect((await stage.run('patch', 'deployment', 'web', '--type=json', '-p', patch)).stderr).toContain(cure);
  expect((await stage.run('set', 'image', 'deployment/web', 'app=x:latest')).stderr).toContain(cure);
});

test('pods/resize is judged by the resource checks alone, where it is served', async () => {
  const { resources } = JSON.parse(await kube(['get', '--raw', '/api/v1'])) as Json;
  const { minor } = JSON.parse(await kube(['get', '--raw', '/version'])) as Json;
  const isServed = resources.some(({ name }: Json) => name === 'pods/resize');
  // Before 1.33 the feature is off by default, and nobody can resize a pod.
  expect(isServed).toBe(Number(minor) >= 33);
  if (!isServed) return;
  stage = await Stage.open('resize', {
    profile: 'none',
    checks: {
      memoryLimits: { priority: 'Critical', max: '64Mi' },
      imageTag: { priority: 'Critical', forbidden: ['x'] },
    },
  });
  const { spec } = stage.deployment('web')['spec']['template'] as Json;
  expect(
    (await apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'resize' }, spec })).code,
  ).toBe(0);
  const patch = { spec: { containers: [{ name: 'app', resources: { limits: { memory: '128Mi' } } }] } };
  const { stderr } = await stage.run('patch', 'pod', 'p', '--subresource=resize', '-p', JSON.stringify(patch));
  expect(stderr).toContain('is 128Mi, above the allowed maximum 64Mi');
});
