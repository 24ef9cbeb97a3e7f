/** The chart, rendered by helm and taken by a real API server. */
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { helm } from '../cluster/kubectl.ts';
import { attempt, kube } from './stage.ts';

jest.setTimeout(60_000);
const CHART = join(import.meta.dirname, '../../charts/readiness-operator');
const target = { kubeconfig: process.env['READINESS_TEST_KUBECONFIG'] ?? '' };
const IMAGE = ['--set', 'image.repository=registry.example.com/readiness-operator'];
const template = (...more: string[]) =>
  helm(target, ['template', 'readiness-operator', CHART, '--namespace', 'readiness-operator', ...more], {
    allowFailure: true,
  });

test('helm lint', async () => {
  const { code, stdout, stderr } = await helm(target, ['lint', '--strict', CHART, ...IMAGE], { allowFailure: true });
  expect([code, stdout + stderr]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
});

test.each([
  ['defaults', []],
  [
    'everything set',
    [
      '--set',
      'excludedNamespaces={a,b},excludedUsers={system:serviceaccount:argo:argo},log.format=text,nodeSelector.disk=ssd,imagePullSecrets[0].name=pull,image.tag=1.2.3',
    ],
  ],
])('%s: the API server takes it', async (_name, more) => {
  const { code, stdout, stderr } = await template(...IMAGE, ...more);
  expect([code, stderr]).toEqual([0, '']);
  const applied = await attempt(['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-'], stdout);
  expect([applied.code, applied.stderr]).toEqual([0, '']);
});

test('a missing image and a misspelt value are refused readably', async () => {
  expect((await template()).stderr).toContain('/image/repository');
  expect((await template(...IMAGE, '--set', 'exludedNamespaces={a}')).stderr).toContain('exludedNamespaces');
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

test('its own Deployment passes every Critical check of production-v1', async () => {
  const { checkManifests } = await import('../../src/cli/check.ts');
  const report = checkManifests({
    paths: [join(CHART, '../../manifests/install.yaml')],
    policyFiles: [],
    profile: 'production-v1',
    namespace: 'default',
    namespaceLabels: undefined,
    now: Date.now(),
  });
  const critical = report.workloads
    .flatMap(({ findings }) => findings)
    .filter(({ priority }) => priority === 'Critical');
  expect(critical).toEqual([]);
});
