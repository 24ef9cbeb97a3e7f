/** The chart, rendered by helm and taken by a real API server. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { renderChart } from '../../scripts/generate/chart.ts';
import { installFile } from '../../scripts/generate/files.ts';
import { SUPPORTED } from '../cluster/catalog.ts';
import { startCluster } from '../cluster/cluster.ts';
import { helm, kubectl } from '../cluster/kubectl.ts';
import { until } from '../support/until.ts';
import { attempt, kube, type Json } from './stage.ts';

const CHART = join(import.meta.dirname, '../../charts/readiness-operator');
const target = { kubeconfig: process.env['READINESS_TEST_KUBECONFIG'] ?? '' };
const IMAGE = ['--set', 'image.repository=registry.example.com/readiness-operator'];
const template = (...more: string[]) =>
  helm(target, ['template', 'readiness-operator', CHART, '--namespace', 'readiness-operator', ...more], {
    allowFailure: true,
  });

test('the oldest Kubernetes that we support is taken; one that is older is not', async () => {
  const [oldest = ''] = SUPPORTED;
  const [major, minor] = oldest.split('.').map(Number);
  const takes = async (version: string) => (await template(...IMAGE, `--kube-version=${version}`)).code === 0;
  expect(await takes(`${oldest}.0`)).toBe(true);
  expect(await takes(`${major}.${Number(minor) - 1}.99`)).toBe(false);
});

test('helm lint', async () => {
  const { code, stdout, stderr } = await helm(target, ['lint', '--strict', CHART, ...IMAGE], { allowFailure: true });
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
});

const MONITORING = 'serviceMonitor.enabled=true,serviceMonitor.labels.release=prometheus,prometheusRule.enabled=true';
const MATRIX: [string, string[]][] = [
  ['defaults', []],
  ['one replica', ['--set', 'replicas=1,podDisruptionBudget.enabled=false,networkPolicy.enabled=false']],
  ['none, to stop it', ['--set', 'replicas=0']],
  [
    'names and scheduling',
    [
      '--set',
      'excludedNamespaces={a,b},excludedUsers={system:serviceaccount:argo:argo},log.format=text,log.level=debug,nodeSelector.disk=ssd,imagePullSecrets[0].name=pull,image.tag=1.2.3,priorityClassName=system-cluster-critical,tolerations[0].operator=Exists,podLabels.team=platform,podAnnotations.note=x',
    ],
  ],
  ["in the nodes' network", ['--set', 'hostNetwork=true,port=10250']],
  [
    'client certificates',
    ['--set', 'clientCertificates.configMapName=webhook-clients,clientCertificates.allowedNames={kube-apiserver}'],
  ],
  ['a Secret of your own', ['--set', 'certificate.source=Provided,certificate.secretName=webhook-tls']],
  [
    'spread by yourself',
    [
      '--set-json',
      'topologySpreadConstraints=[{"topologyKey":"rack","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app.kubernetes.io/name":"readiness-operator"}}}]',
    ],
  ],
  [
    'custom kinds',
    [
      '--set-json',
      'workloadKinds=[{"group":"argoproj.io","version":"v1alpha1","kind":"Rollout","resource":"rollouts","template":"spec.template","replicas":"spec.replicas"}]',
    ],
  ],
  ['secrets one by one', ['--set', 'rbac.secrets=Get']],
  ['secrets never', ['--set', 'rbac.secrets=None']],
  ['without CRDs', ['--set', 'crds.install=false']],
];

test.each(MATRIX)('%s: the API server takes it', async (_name, more) => {
  const { code, stdout, stderr } = await template(...IMAGE, ...more);
  expect([code, stderr]).toEqual([0, '']);
  const applied = await attempt(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'], stdout);
  expect([applied.code, applied.stderr]).toEqual([0, '']);
});

test('cert-manager and the Prometheus operator get objects of their own kinds', async () => {
  const { code, stdout, stderr } = await template(...IMAGE, '--set', `certificate.source=CertManager,${MONITORING}`);
  expect([code, stderr]).toEqual([0, '']);
  const kinds = parseAllDocuments(stdout).map((document) => String(document.toJS()?.kind));
  expect(kinds).toEqual(
    expect.arrayContaining(['Issuer', 'Certificate', 'ServiceMonitor', 'PrometheusRule', 'Deployment']),
  );
  const own = await template(...IMAGE, '--set', 'certificate.source=CertManager,certificate.issuerRef.name=internal');
  expect(parseAllDocuments(own.stdout).map((document) => document.toJS()?.kind)).not.toContain('Issuer');
});

test('a Secret of somebody else may be read and nothing more', async () => {
  const onSecrets = async (source: string): Promise<string[]> => {
    const { stdout } = await template(...IMAGE, '--set', `certificate.source=${source}`);
    const role = parseAllDocuments(stdout)
      .map((document) => document.toJS() as Json | null)
      .find((object) => object?.['kind'] === 'Role') as Json;
    const rules = (role['rules'] as Json[]).filter(({ resources }) => resources.includes('secrets'));
    return rules.flatMap(({ verbs }) => verbs as string[]);
  };
  expect(await onSecrets('Provided')).toEqual(['get', 'list', 'watch']);
  expect(await onSecrets('CertManager')).toEqual(['get', 'list', 'watch']);
  expect(await onSecrets('Managed')).toEqual(['get', 'list', 'watch', 'update', 'create']);
});

test.each(
  [
    ['excludedUsrs={a}', 'excludedUsrs'],
    ['excludedNamespaces={web app}', '/excludedNamespaces/0'],
    [`excludedNamespaces={${'a,'.repeat(256)}a}`, '/excludedNamespaces'],
    [`excludedUsers={${'a,'.repeat(256)}a}`, '/excludedUsers'],
    [`excludedUsers={${'a'.repeat(254)}}`, '/excludedUsers/0'],
    ['replicas=two', '/replicas'],
    ['rbac.secrets=Wacth', '/rbac/secrets'],
    ['networkPolicy.enable=false', 'enable'],
    ['workloadKinds[0].kind=Rollout', '/workloadKinds/0'],
  ].map(([setting = '', said = '']) => [setting.slice(0, 60), setting, said] as const),
)('%s is refused, and the message says where', async (_, setting, said) => {
  const { code, stderr } = await template(...IMAGE, '--set', setting);
  expect(code).not.toBe(0);
  expect(stderr).toContain(said);
});

test('a second installation is refused with the name of the first', async () => {
  // Stands for the first release: what Helm writes on everything that it installs.
  const role = 'clusterrole/readiness-operator';
  const owner = ['meta.helm.sh/release-name=first', 'meta.helm.sh/release-namespace=platform'];
  await kube(['annotate', role, ...owner]);
  try {
    const { code, stderr } = await helm(
      target,
      ['install', 'second', CHART, '--namespace', 'default', '--dry-run=server', ...IMAGE],
      { allowFailure: true },
    );
    expect(code).not.toBe(0);
    expect(stderr).toContain('is installed in this cluster already, as release first in namespace platform');
  } finally {
    await kube(['annotate', role, ...owner.map((annotation) => `${annotation.split('=')[0]}-`)]);
  }
});

test('an upgrade brings new fields of the CRDs, and an uninstallation leaves the CRDs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'readiness-chart-'));
  const cluster = await startCluster();
  try {
    await cp(CHART, folder, { recursive: true });
    const release = ['readiness-operator', folder, '--namespace', 'operator', ...IMAGE];
    await helm(cluster, ['install', ...release, '--create-namespace']);
    const explains = async (field: string): Promise<boolean> =>
      (await kubectl(cluster, ['explain', `readinesspolicy.spec.${field}`], { allowFailure: true })).code === 0;
    // The API server takes a CRD at once and publishes what it says some time later.
    await until('the CRD to be published', () => explains('match'));
    expect(await explains('owner')).toBe(false);
    const file = join(folder, 'files/crds/readinesspolicies.yaml');
    const crd = parse(await readFile(file, 'utf8')) as Json;
    crd['spec'].versions[0].schema.openAPIV3Schema.properties.spec.properties.owner = { type: 'string' };
    await writeFile(file, stringify(crd));
    await helm(cluster, ['upgrade', ...release]);
    await until('the new field to be published', () => explains('owner'));
    await helm(cluster, ['rollback', 'readiness-operator', '1', '--namespace', 'operator']);
    await helm(cluster, ['uninstall', 'readiness-operator', '--namespace', 'operator']);
    const { stdout } = await kubectl(cluster, [
      'get',
      'crd',
      '-l',
      'app.kubernetes.io/part-of=readiness-operator',
      '-o',
      'name',
    ]);
    expect(stdout).toContain('customresourcedefinition.apiextensions.k8s.io/readinesspolicies.readiness-operator.dev');
  } finally {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test('the kustomization names the image', async () => {
  const text = await kube(['kustomize', join(CHART, '../../manifests')]);
  expect(text).toContain('image: readiness-operator:0.1.0');
  const applied = await attempt(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'], text);
  expect([applied.code, applied.stderr]).toEqual([0, '']);
});

test('a missing image and a misspelt value are refused readably', async () => {
  expect((await template()).stderr).toContain('/image/repository');
  expect((await template(...IMAGE, '--set', 'exludedNamespaces={a}')).stderr).toContain('exludedNamespaces');
});

test('manifests/install.yaml: what helm renders', async () => {
  const committed = await readFile(join(CHART, '../../manifests/install.yaml'), 'utf8');
  const rendered = await renderChart();
  const objects = (manifests: string) => parseAllDocuments(manifests).map((document) => document.toJS() as Json);
  expect(objects(committed)).toEqual(objects(rendered));
  // Comments, too.
  expect(committed).toBe(await installFile(rendered));
});

test('manifests/install.yaml: taken by the API server, and small enough for a client-side apply', async () => {
  const file = join(CHART, '../../manifests/install.yaml');
  expect(await kube(['apply', '--dry-run=server', '--server-side', '--force-conflicts', '-f', file])).toContain(
    'readiness-operator',
  );
  // kubectl keeps the whole object in an annotation; annotations may have 262144 bytes in all.
  for (const object of (await kube(['create', '--dry-run=client', '-o', 'json', '-f', file])).split(/\n(?=\{)/)) {
    expect(JSON.stringify(JSON.parse(object)).length).toBeLessThan(250_000);
  }
});

test('its own Deployment passes every Critical check of production-v1, save that it may read Secrets where that is wanted', async () => {
  const { checkManifests } = await import('../../src/cli/check.ts');
  const criticalIn = (manifests: string): string[] =>
    checkManifests({
      paths: ['-'],
      stdin: Buffer.from(manifests),
      policyFiles: [],
      profile: 'production-v1',
      namespace: 'default',
      namespaceLabels: undefined,
      now: Date.now(),
    })
      .workloads.filter(({ workload }) => workload.kind.kind === 'Deployment')
      .flatMap(({ findings }) => findings)
      .filter(({ priority, exception }) => priority === 'Critical' && exception === undefined)
      .map(({ check, message }) => `${check}: ${message}`);
  const manifests = await readFile(join(CHART, '../../manifests/install.yaml'), 'utf8');
  expect(criticalIn(manifests)).toEqual([
    'serviceAccountPermissions: ClusterRoleBinding readiness-operator lets ServiceAccount readiness-operator read all Secrets (ClusterRole readiness-operator)',
  ]);
  expect(criticalIn((await template(...IMAGE, '--set', 'rbac.secrets=None')).stdout)).toEqual([]);

  // What the README offers for it, signed today.
  const readme = await readFile(join(CHART, 'README.md'), 'utf8');
  const [, exception = ''] = /```yaml\n(apiVersion: [^]*?kind: ReadinessException[^]*?)```/.exec(readme) ?? [];
  const month = new Date(Date.now() + 30 * 24 * 3600 * 1000).toISOString();
  const signed = exception.replace(/expiresAt: .*/, `expiresAt: '${month}'`);
  expect(criticalIn(`${manifests}\n---\n${signed}`)).toEqual([]);
});
