import { describe, expect, test } from '@jest/globals';
import { formatPath, valueAt } from '../../src/engine/path.ts';
import { referencesOf, serviceAccountOf, type Reference } from '../../src/engine/references.ts';
import { workloadOf } from '../support/workloads.ts';

/** A reference in one line: kind, name, keys, marks, container, path. */
function shown({ kind, name, keys, optional, pull, path, container }: Reference): string {
  const marks = `${optional ? '?' : ''}${pull ? '!' : ''}`;
  return `${kind} ${name}${marks} [${keys.join(',')}] ${container ?? '-'} ${formatPath(path)}`;
}

const POD = {
  containers: [
    {
      name: 'app',
      env: [
        { name: 'A', valueFrom: { secretKeyRef: { name: 's1', key: 'k1' } } },
        { name: 'B', value: 'literal' },
        { name: 'C', valueFrom: { configMapKeyRef: { name: 'c1', key: 'k2', optional: true } } },
        { name: 'D', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      envFrom: [{ secretRef: { name: 's2' } }, { configMapRef: { name: 'c2', optional: true } }],
    },
  ],
  initContainers: [
    { name: 'init', envFrom: [{ configMapRef: { name: 'c3' } }] },
    {
      name: 'side',
      restartPolicy: 'Always',
      env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's3', key: 'k3' } } }],
    },
  ],
  ephemeralContainers: [{ name: 'debug', envFrom: [{ secretRef: { name: 'never' } }] }],
  volumes: [
    { name: 'v0', secret: { secretName: 's4', items: [{ key: 'a' }, { key: 'b' }] } },
    { name: 'v1', configMap: { name: 'c4', optional: true, items: [{ key: 'c' }] } },
    {
      name: 'v2',
      projected: {
        sources: [
          { serviceAccountToken: {} },
          { secret: { name: 's5', items: [{ key: 'd' }] } },
          { configMap: { name: 'c5' } },
        ],
      },
    },
    { name: 'v3', csi: { driver: 'd', nodePublishSecretRef: { name: 's6' } } },
    { name: 'v4', azureFile: { secretName: 's7' } },
    { name: 'v5', cephfs: { secretRef: { name: 's8' } } },
    { name: 'v6', cinder: { secretRef: { name: 's9' } } },
    { name: 'v7', flexVolume: { secretRef: { name: 's10' } } },
    { name: 'v8', iscsi: { secretRef: { name: 's11' } } },
    { name: 'v9', rbd: { secretRef: { name: 's12' } } },
    { name: 'v10', scaleIO: { secretRef: { name: 's13' } } },
    { name: 'v11', storageos: { secretRef: { name: 's14' } } },
    { name: 'v12', emptyDir: {} },
  ],
  imagePullSecrets: [{ name: 's15' }, {}],
};

describe('referencesOf', () => {
  test('lists every place, in the order of the manifest', () => {
    expect(referencesOf(workloadOf('Pod', POD)).map(shown)).toEqual([
      'Secret s1 [k1] app spec.containers[0].env[0].valueFrom.secretKeyRef',
      'ConfigMap c1? [k2] app spec.containers[0].env[2].valueFrom.configMapKeyRef',
      'Secret s2 [] app spec.containers[0].envFrom[0].secretRef',
      'ConfigMap c2? [] app spec.containers[0].envFrom[1].configMapRef',
      'ConfigMap c3 [] init spec.initContainers[0].envFrom[0].configMapRef',
      'Secret s3 [k3] side spec.initContainers[1].env[0].valueFrom.secretKeyRef',
      'Secret s4 [a,b] - spec.volumes[0].secret',
      'ConfigMap c4? [c] - spec.volumes[1].configMap',
      'Secret s5 [d] - spec.volumes[2].projected.sources[1].secret',
      'ConfigMap c5 [] - spec.volumes[2].projected.sources[2].configMap',
      'Secret s6 [] - spec.volumes[3].csi.nodePublishSecretRef',
      'Secret s7 [] - spec.volumes[4].azureFile.secretName',
      'Secret s8 [] - spec.volumes[5].cephfs.secretRef',
      'Secret s9 [] - spec.volumes[6].cinder.secretRef',
      'Secret s10 [] - spec.volumes[7].flexVolume.secretRef',
      'Secret s11 [] - spec.volumes[8].iscsi.secretRef',
      'Secret s12 [] - spec.volumes[9].rbd.secretRef',
      'Secret s13 [] - spec.volumes[10].scaleIO.secretRef',
      'Secret s14 [] - spec.volumes[11].storageos.secretRef',
      'Secret s15! [] - spec.imagePullSecrets[0]',
    ]);
  });

  test.each(['Deployment', 'CronJob'])('names places in a %s as the user wrote it', (kind) => {
    const workload = workloadOf(kind, POD);
    const references = referencesOf(workload);
    expect(references).toHaveLength(20);
    for (const { path } of references) expect(valueAt(workload.object, path)).toBeDefined();
  });

  test.each([
    [{}],
    [{ containers: [{ name: 'a', env: [{ name: 'X', valueFrom: {} }], envFrom: [{}] }] }],
    [{ containers: [{ name: 'a', env: [{ name: 'X', valueFrom: { secretKeyRef: { key: 'k' } } }] }] }],
    [{ containers: [{ name: 'a', envFrom: [{ secretRef: { name: '' } }, { configMapRef: { name: null } }] }] }],
    [
      {
        volumes: [
          { name: 'v', secret: {} },
          { name: 'w', csi: {} },
          { name: 'x', projected: {} },
        ],
      },
    ],
    [{ imagePullSecrets: [{}, { name: null }] }],
  ])('leaves out what names nothing: %j', (pod) => {
    expect(referencesOf(workloadOf('Pod', pod))).toEqual([]);
  });
});

describe('serviceAccountOf', () => {
  test.each([
    [{ serviceAccountName: 'a' }, 'a', 'spec.serviceAccountName'],
    [{ serviceAccount: 'b' }, 'b', 'spec.serviceAccount'],
    [{ serviceAccountName: 'a', serviceAccount: 'b' }, 'a', 'spec.serviceAccountName'],
    [{ serviceAccountName: '', serviceAccount: 'b' }, 'b', 'spec.serviceAccount'],
    [{ serviceAccountName: null }, 'default', 'spec'],
    [{}, 'default', 'spec'],
  ])('of %j is %s at %s', (pod, name, path) => {
    const account = serviceAccountOf(workloadOf('Pod', pod));
    expect([account.name, formatPath(account.path)]).toEqual([name, path]);
  });
});
