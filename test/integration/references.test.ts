/** What the reference checks learn of a cluster: past a cache that is behind, under the chart's own permissions. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { relatedAmong } from '../../src/cli/related.ts';
import { grantsOf } from '../../src/engine/permissions.ts';
import { RELATED_KINDS } from '../../src/engine/related.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { InformedRelated } from '../../src/kube/related.ts';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, OPERATOR_IDENTITY, startOperator } from '../cluster/operator.ts';
import { credentialsOf } from '../faults/admin.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { until } from '../support/until.ts';

type Json = Record<string, any>;

let cluster: Cluster;
let proxy: FaultProxy;

const run = (...args: string[]): Promise<CommandResult> => kubectl(cluster, args, { allowFailure: true });
const apply = (...objects: Json[]): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    allowFailure: true,
  });

/** A namespace and a policy that runs one check in it. */
async function open(namespace: string, check: string): Promise<void> {
  const metadata = { name: namespace };
  const spec = {
    profile: 'none',
    match: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
    checks: { [check]: { priority: 'Critical' } },
  };
  const policy = { apiVersion: 'readiness-operator.dev/v1alpha1', kind: 'ReadinessPolicy', metadata, spec };
  expect((await apply({ apiVersion: 'v1', kind: 'Namespace', metadata }, policy)).stderr).toBe('');
  await enforced(cluster, namespace);
}

const pod = (namespace: string, name: string, spec: Json): Json => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: { containers: [{ name: 'app', image: 'registry.example.com/app:1.0.0' }], ...spec },
});

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  const identity = await credentialsOf(await cluster.kubeconfigFor(OPERATOR_IDENTITY));
  proxy = await FaultProxy.start('operator', cluster.server, identity, cluster.dir);
  await startOperator(cluster, [], { kubeconfig: proxy.kubeconfig });
});
afterAll(async () => {
  await cluster?.stop();
  proxy?.close();
});

test('the chart lets the operator read what checks read, and write none of it', async () => {
  const { user, groups } = OPERATOR_IDENTITY;
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
  const reviews = Object.values(RELATED_KINDS).flatMap(({ resource, group }) =>
    verbs.map((verb) => ({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, groups, resourceAttributes: { verb, group, resource } },
    })),
  );
  const input = reviews.map((review) => JSON.stringify(review)).join('\n');
  const { stdout } = await kubectl(cluster, ['create', '-f', '-', '-o', 'jsonpath={.status.allowed}{"\\n"}'], {
    input,
  });
  const answers = stdout.trim().split('\n');
  expect(answers.length).toBe(reviews.length);
  for (const { kind, named } of Object.values(RELATED_KINDS)) {
    const allowed = verbs.filter((_, index) => answers[index] === 'true');
    answers.splice(0, verbs.length);
    expect([kind, ...allowed]).toEqual([kind, ...(named === true ? ['get'] : []), 'list', 'watch']);
  }
});

test('a claim that the cache does not know yet is read live before a denial', async () => {
  await open('claims', 'volumeClaimReferences');
  const naming = (name: string, claimName: string): Json =>
    pod('claims', name, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] });
  // From here on no watch brings anything: the caches stay as they are.
  expect(proxy.cut('silent')).toBeGreaterThan(0);
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'late', namespace: 'claims' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
  expect((await apply(claim)).stderr).toBe('');
  const before = proxy.requests;
  expect((await apply(naming('a', 'late'))).stderr).toBe('');
  expect(proxy.requests).toBeGreaterThan(before);
  const { code, stderr } = await apply(naming('b', 'missing'));
  expect(code).not.toBe(0);
  expect(stderr).toContain(
    'volumeClaimReferences  spec.volumes[0].persistentVolumeClaim.claimName: PersistentVolumeClaim missing does not exist; create PersistentVolumeClaim missing first',
  );
  // Else the operator hears nothing of the next tests until it notices by itself, which may take 30 s.
  expect(proxy.cut('reset')).toBeGreaterThan(0);
});

test('what managedFields say of the keys of a Secret is believed for nothing', async () => {
  await open('forged', 'secretReferences');
  const metadata = { name: 'db', namespace: 'forged' };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password: 'xyzzy' } };
  expect((await apply(secret)).stderr).toBe('');
  const fieldsV1 = { 'f:data': { '.': {}, 'f:other': {} } };
  const entry = { manager: 'x', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 };
  const managedFields = [{ ...entry, time: '2026-01-01T00:00:00Z' }];
  const stored = JSON.parse((await run('-n', 'forged', 'get', 'secret', 'db', '-o', 'json')).stdout) as Json;
  const input = JSON.stringify({ ...stored, metadata: { ...stored['metadata'], managedFields } });
  expect((await kubectl(cluster, ['replace', '-f', '-'], { input, allowFailure: true })).stderr).toBe('');
  const shown = await run('-n', 'forged', 'get', 'secret', 'db', '-o', 'json', '--show-managed-fields');
  expect(shown.stdout).toContain('"f:other"');
  expect(shown.stdout).not.toContain('"f:password"');

  const using = (name: string, key: string): Json => {
    const valueFrom = { secretKeyRef: { name: 'db', key } };
    const container = { name: 'app', image: 'registry.example.com/app:1.0.0', env: [{ name: 'PASSWORD', valueFrom }] };
    return pod('forged', name, { containers: [container] });
  };
  expect(await apply(using('a', 'password'))).toMatchObject({ code: 0, stderr: '' });
  const denied = { code: 1, stderr: expect.stringContaining('Secret db has no key other') };
  expect(await apply(using('b', 'other'))).toMatchObject(denied);
  // And once the watch has told of it, too.
  await until('the Secret to be known', async () => (await apply(using('c', 'password'))).stderr === '');
  expect(await apply(using('d', 'other'))).toMatchObject(denied);
});

test('a key that comes to a Secret counts at once, and one that goes from it is noticed', async () => {
  await open('changing', 'secretReferences');
  const put = (...keys: string[]): Promise<unknown> => {
    const data = Object.fromEntries(keys.map((key) => [key, 'eA==']));
    const metadata = { name: 'db', namespace: 'changing' };
    return apply({ apiVersion: 'v1', kind: 'Secret', metadata, data });
  };
  const using = (name: string, key: string): Json => {
    const volumes = [{ name: 'v', secret: { secretName: 'db', items: [{ key, path: 'k' }] } }];
    return pod('changing', name, { volumes });
  };
  await put('one');
  expect(await apply(using('a', 'one'))).toMatchObject({ code: 0, stderr: '' });
  expect((await apply(using('b', 'two'))).stderr).toContain('Secret db has no key two');
  await put('two');
  expect(await apply(using('c', 'two'))).toMatchObject({ code: 0, stderr: '' });
  await until('the key to be known as gone', async () =>
    (await attemptOf(using('d', 'one'))).stderr.includes('Secret db has no key one'),
  );
});

test('bindings of any namespace count, and their roles, which may have no namespace', async () => {
  await open('accounts', 'serviceAccountPermissions');
  const using = (serviceAccountName: string): Json => pod('accounts', serviceAccountName, { serviceAccountName });
  for (const name of ['plain', 'root', 'reader']) await run('-n', 'accounts', 'create', 'serviceaccount', name);
  expect((await apply(using('plain'))).stderr).toBe('');

  await run('create', 'clusterrolebinding', 'root', '--clusterrole=cluster-admin', '--serviceaccount=accounts:root');
  await run('create', 'clusterrole', 'reader', '--verb=get,list', '--resource=secrets');
  await run('-n', 'default', 'create', 'rolebinding', 'r', '--clusterrole=reader', '--serviceaccount=accounts:reader');
  const told = (name: string, what: string) =>
    until(`${name} to be known`, async () => {
      expect((await attemptOf(using(name))).stderr).toContain(`spec.serviceAccountName: ${what}`);
      return true;
    });
  await told('root', 'ClusterRoleBinding root lets ServiceAccount root do everything (ClusterRole cluster-admin)');
  await told(
    'reader',
    'RoleBinding r in namespace default lets ServiceAccount reader read all Secrets (ClusterRole reader)',
  );
  await run('delete', 'clusterrolebinding', 'root');
  await until('the binding to be forgotten', async () => {
    expect(await attemptOf(using('root'))).toMatchObject({ code: 0, stderr: '' });
    return true;
  });
});

/** Creates an object, and removes it again if that worked. */
async function attemptOf(object: Json): Promise<CommandResult> {
  const result = await kubectl(cluster, ['create', '-f', '-'], { input: JSON.stringify(object), allowFailure: true });
  const { namespace, name } = object['metadata'] as { namespace: string; name: string };
  if (result.code === 0)
    await run('-n', namespace, 'delete', 'pod', name, '--force', '--grace-period=0', '--wait=false');
  return result;
}

test.each(['Watch', 'Get'] as const)(
  'a certificate is read behind the scenes, and again when its Secret changes: --secret-access=%s',
  async (secretAccess) => {
    const namespace = `tls-${secretAccess.toLowerCase()}`;
    await run('create', 'namespace', namespace);
    const [from, to] = [new Date('2026-01-01T00:00:00Z'), new Date('2036-01-01T00:00:00Z')];
    const authority = await issueAuthority('test', from, to);
    const put = async (host: string): Promise<void> => {
      const { cert, key } = await issueLeaf(authority, [host], from, to);
      const metadata = { name: 'web', namespace };
      const stringData = { 'tls.crt': cert, 'tls.key': key };
      const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData };
      expect((await apply(secret)).stderr).toBe('');
    };
    await put('a.example.com');

    const client = await KubeClient.load(systemClock, cluster.kubeconfig);
    const changes: (string | undefined)[] = [];
    const related = new InformedRelated({
      client,
      secretAccess,
      onChange: (kind, dependency) => {
        if (kind === 'ServingCertificate') changes.push(dependency);
      },
      onState: () => {},
      onError: () => {},
    });
    const find = (name = 'web'): unknown => related.find('ServingCertificate', namespace, name);
    const holds = (host: string): unknown => ({
      state: 'found',
      values: [{ name: 'web', certificate: { hosts: [host], notAfter: to.getTime() } }],
    });
    const eventually = (what: string, wanted: unknown, ask: () => unknown): Promise<unknown> =>
      until(what, () => {
        expect(ask()).toEqual(wanted);
        return true;
      });
    try {
      await related.ensure(['ServingCertificate']);
      expect(find()).toEqual({ state: 'unknown', cause: 'the operator has not read the certificate yet' });
      await eventually('the certificate', holds('a.example.com'), find);
      expect(changes).toContain(`ServingCertificate/${namespace}/web`);
      await eventually('none', { state: 'absent' }, () => find('missing'));
      if (secretAccess === 'Watch') {
        await put('b.example.com');
        await eventually('the new certificate', holds('b.example.com'), find);
      }
    } finally {
      await related.stop();
      client.close();
    }
  },
);

test("the command line knows Kubernetes' own roles as they are", async () => {
  const related = relatedAmong([], 'default');
  for (const name of ['admin', 'edit', 'view']) {
    const { rules } = JSON.parse((await run('get', 'clusterrole', name, '-o', 'json')).stdout) as { rules: never[] };
    expect(related.find('ClusterRole', '', name)).toEqual({
      state: 'found',
      values: [{ name, grants: grantsOf(rules) }],
    });
  }
});

test('an API that comes later is noticed: what is going to make a Secret counts as the Secret', async () => {
  await open('makers', 'secretReferences');
  const using = pod('makers', 'web', {
    containers: [{ name: 'app', image: 'registry.example.com/app:1.0.0', envFrom: [{ secretRef: { name: 'db' } }] }],
  });
  expect((await apply(using)).stderr).toContain('envFrom[0].secretRef: Secret db does not exist');
  const names = { kind: 'VaultStaticSecret', plural: 'vaultstaticsecrets', singular: 'vaultstaticsecret' };
  await apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'vaultstaticsecrets.secrets.hashicorp.com' },
    spec: {
      group: 'secrets.hashicorp.com',
      scope: 'Namespaced',
      names,
      versions: [
        {
          name: 'v1beta1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  await run('wait', '--for=condition=Established', 'crd/vaultstaticsecrets.secrets.hashicorp.com');
  const maker = {
    apiVersion: 'secrets.hashicorp.com/v1beta1',
    kind: 'VaultStaticSecret',
    metadata: { name: 'v', namespace: 'makers' },
    spec: { destination: { name: 'db', create: true } },
  };
  await until('the API to be served', async () => (await apply(maker)).code === 0);
  await until('the maker to count', async () => (await apply(using)).code === 0);
});
