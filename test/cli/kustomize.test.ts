import { expect, test } from '@jest/globals';
import { readObjects } from '../../src/cli/objects.ts';

const DEPLOYMENT = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}';

/** What is left out of files of that text, as `file: reason`, and the files of which objects are read. */
function read(files: Record<string, string>): { judged: string[]; skipped: string[] } {
  const list = Object.entries(files).map(([file, text]) => ({ file, text }));
  const { sources, skipped } = readObjects({ files: list, skipped: [] });
  return {
    judged: sources.filter(({ kind }) => kind === 'Deployment').map(({ file }) => file),
    skipped: skipped
      .filter(({ reason }) => reason.startsWith('a patch of kustomize'))
      .map(({ file, kind, name }) => `${file} ${kind} ${name}`),
  };
}

test.each([
  ['patches', 'patches:\n- path: web.yaml'],
  ['patches with a target', 'patches:\n- path: ./web.yaml\n  target: {kind: Deployment}'],
  ['patchesStrategicMerge', 'patchesStrategicMerge: [web.yaml]'],
  ['patchesJson6902', 'patchesJson6902:\n- path: web.yaml\n  target: {kind: Deployment, name: web}'],
  [
    'a kustomization that says what it is',
    'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches: [{path: web.yaml}]',
  ],
])('a patch is no workload: %s', (_, kustomization) => {
  for (const name of ['kustomization.yaml', 'kustomization.yml']) {
    expect(
      read({ [`app/overlay/${name}`]: kustomization, 'app/overlay/web.yaml': DEPLOYMENT, 'app/web.yaml': DEPLOYMENT }),
    ).toEqual({
      judged: ['app/web.yaml'],
      skipped: ['app/overlay/web.yaml null null'],
    });
  }
});

test('a patch in another directory, read before the kustomization', () => {
  expect(
    read({ './app/a/web.yaml': DEPLOYMENT, 'app/b/kustomization.yaml': 'patches: [{path: ../a/web.yaml}]' }),
  ).toEqual({
    judged: [],
    skipped: ['./app/a/web.yaml null null'],
  });
});

test.each([
  ['a resource', 'resources: [web.yaml]'],
  ['a resource that is a patch too', 'resources: [web.yaml]\npatches: [{path: web.yaml}]'],
  [
    'a patch that stands in the kustomization itself',
    `patchesStrategicMerge:\n- |-\n  ${DEPLOYMENT.replaceAll('\n', '\n  ')}`,
  ],
  ['patches that are none', 'patches: [1, null, {patch: "web.yaml"}]\npatchesStrategicMerge: true'],
])('%s is judged', (_, kustomization) => {
  expect(read({ 'kustomization.yaml': kustomization, 'web.yaml': DEPLOYMENT })).toEqual({
    judged: ['web.yaml'],
    skipped: [],
  });
});

test('only a kustomization.yaml names patches', () => {
  expect(read({ 'values.yaml': 'patches: [{path: web.yaml}]', 'web.yaml': DEPLOYMENT }).judged).toEqual(['web.yaml']);
});
