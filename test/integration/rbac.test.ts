/** The operator may do exactly what it does: each grant has its use here, and what it has no use for is refused. */
import { afterAll, expect, test } from '@jest/globals';
import { shardNames } from '../../src/controller/webhook-shards.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { attempt, kube, type Json } from './stage.ts';

const NAME = 'readiness-operator';
const USER = `system:serviceaccount:${NAME}:${NAME}`;
const GROUPS = ['system:serviceaccounts', `system:serviceaccounts:${NAME}`, 'system:authenticated'];
const AS = [`--as=${USER}`, ...GROUPS.map((group) => `--as-group=${group}`)];
const client = await KubeClient.load(systemClock, process.env['READINESS_TEST_KUBECONFIG']);
afterAll(() => client.close());

/** Where, `group/resource` (with `:name` where it is limited to that), verbs, and what for. */
type Use = readonly [where: 'cluster' | 'own namespace', resource: string, verbs: string, use: string];

const WATCHED = 'list watch';
const ALSO_READ = 'get list watch';
const USES: readonly Use[] = [
  ['cluster', 'apps/deployments', ALSO_READ, 'audited; the parent of a Scale'],
  ['cluster', 'apps/statefulsets', ALSO_READ, 'audited; the parent of a Scale'],
  ['cluster', 'apps/replicasets', ALSO_READ, 'audited; the parent of a Scale; earlier templates'],
  ['cluster', 'apps/daemonsets', WATCHED, 'audited'],
  ['cluster', 'apps/controllerrevisions', 'list', 'earlier templates'],
  ['cluster', '/replicationcontrollers', ALSO_READ, 'audited; the parent of a Scale'],
  ['cluster', '/pods', WATCHED, 'audited'],
  ['cluster', 'batch/jobs', WATCHED, 'audited'],
  ['cluster', 'batch/cronjobs', ALSO_READ, 'audited; the template of a Job that is made of it'],
  ['cluster', '/namespaces', ALSO_READ, 'their labels'],
  ['cluster', '/configmaps', ALSO_READ, 'named by workloads'],
  ['cluster', '/serviceaccounts', ALSO_READ, 'named by workloads'],
  ['cluster', '/secrets', ALSO_READ, 'named by workloads (rbac.secrets: Watch)'],
  ['cluster', '/limitranges', WATCHED, 'defaults of resources'],
  ['cluster', '/resourcequotas', WATCHED, 'which pods are refused'],
  ['cluster', 'autoscaling/horizontalpodautoscalers', WATCHED, 'replicas'],
  ['cluster', 'keda.sh/scaledobjects', WATCHED, 'replicas'],
  ['cluster', 'external-secrets.io/externalsecrets', WATCHED, 'Secrets that are going to be'],
  ['cluster', 'bitnami.com/sealedsecrets', WATCHED, 'Secrets that are going to be'],
  ['cluster', 'cert-manager.io/certificates', WATCHED, 'Secrets that are going to be'],
  ['cluster', 'secrets.hashicorp.com/vaultstaticsecrets', WATCHED, 'Secrets that are going to be'],
  ['cluster', 'secrets.hashicorp.com/vaultdynamicsecrets', WATCHED, 'Secrets that are going to be'],
  ['cluster', 'secrets.hashicorp.com/vaultpkisecrets', WATCHED, 'Secrets that are going to be'],
  ['cluster', 'secrets-store.csi.x-k8s.io/secretproviderclasses', WATCHED, 'Secrets that are going to be'],
  ['cluster', '/persistentvolumeclaims', ALSO_READ, 'named by workloads'],
  ['cluster', '/services', WATCHED, 'what is in front of workloads'],
  ['cluster', 'networking.k8s.io/ingresses', WATCHED, 'what is in front of workloads'],
  ['cluster', 'networking.k8s.io/networkpolicies', WATCHED, 'who may reach workloads'],
  ['cluster', 'policy/poddisruptionbudgets', WATCHED, 'how much of a workload may go at one time'],
  ['cluster', 'monitoring.coreos.com/podmonitors', WATCHED, 'whether metrics are scraped'],
  ['cluster', 'monitoring.coreos.com/servicemonitors', WATCHED, 'whether metrics are scraped'],
  ['cluster', 'monitoring.coreos.com/prometheusrules', WATCHED, 'whether there are alerts'],
  ...['roles', 'clusterroles'].map((what): Use => [
    'cluster',
    `rbac.authorization.k8s.io/${what}`,
    ALSO_READ,
    'what ServiceAccounts may do',
  ]),
  ...['rolebindings', 'clusterrolebindings'].map((what): Use => [
    'cluster',
    `rbac.authorization.k8s.io/${what}`,
    WATCHED,
    'what ServiceAccounts may do',
  ]),
  ['cluster', 'readiness-operator.dev/readinesspolicies', ALSO_READ, 'its work'],
  ['cluster', 'readiness-operator.dev/readinesspolicies/status', 'patch', 'its work'],
  ['cluster', 'readiness-operator.dev/readinessexceptions', WATCHED, 'its work'],
  ['cluster', 'readiness-operator.dev/readinessexceptions/status', 'patch', 'its work'],
  [
    'cluster',
    'readiness-operator.dev/readinessreports',
    'create delete get list update watch',
    'its work; what ran before',
  ],
  ['cluster', 'authorization.k8s.io/subjectaccessreviews', 'create', 'may this user act for that owner'],
  ['cluster', 'events.k8s.io/events', 'create patch', 'what people are told; the count of what repeats'],
  ...['validating', 'mutating'].map((what): Use => [
    'cluster',
    `admissionregistration.k8s.io/${what}webhookconfigurations`,
    'create list watch',
    'a role can not limit these to names',
  ]),
  ...shardNames(NAME).map((name): Use => [
    'cluster',
    `admissionregistration.k8s.io/validatingwebhookconfigurations:${name}`,
    'get update',
    'what the API server is told',
  ]),
  [
    'cluster',
    `admissionregistration.k8s.io/mutatingwebhookconfigurations:${NAME}`,
    'get update',
    'the stamp of exceptions',
  ],
  ['cluster', `rbac.authorization.k8s.io/clusterroles:${NAME}`, 'get', 'owner of the webhook configuration'],
  ['own namespace', '/secrets', 'create', 'the certificate; a role can not limit creation to a name'],
  ['own namespace', `/secrets:${NAME}-tls`, 'get list update watch', 'the certificate'],
  ['own namespace', 'coordination.k8s.io/leases', 'create', 'who leads; a role can not limit creation to a name'],
  ['own namespace', `coordination.k8s.io/leases:${NAME}`, 'get update', 'who leads'],
  ['own namespace', 'discovery.k8s.io/endpointslices', 'list', 'is the Service reachable'],
  ['own namespace', `apps/deployments:${NAME}`, 'get', 'is this a stop for good'],
];

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

/** One line for each resource and verb. */
function linesOf(where: Use[0], { apiGroups = [], resources = [], resourceNames = [''], verbs }: Rule): string[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      resourceNames.flatMap((name) =>
        verbs.map((verb) => `${where}: ${verb} ${group}/${resource}${name === '' ? '' : `:${name}`}`),
      ),
    ),
  );
}

test('what is granted is what is used, no more and no less', async () => {
  const rules = async (...what: string[]): Promise<Rule[]> =>
    (JSON.parse(await kube(['get', ...what, '-o', 'json'])) as { rules: Rule[] }).rules;
  const clusterWide = await rules('clusterrole', NAME);
  const own = await rules('-n', NAME, 'role', NAME);
  expect([...clusterWide, ...own].filter(({ nonResourceURLs }) => nonResourceURLs !== undefined)).toEqual([]);
  const granted = [
    ...clusterWide.flatMap((rule) => linesOf('cluster', rule)),
    ...own.flatMap((rule) => linesOf('own namespace', rule)),
  ];
  const used = USES.flatMap(([where, resource, verbs]) =>
    verbs.split(' ').map((verb) => `${where}: ${verb} ${resource}`),
  );
  expect(new Set(granted)).toEqual(new Set(used));
});

test('no other role is bound to it', async () => {
  const { items } = JSON.parse(await kube(['get', 'clusterrolebindings,rolebindings', '-A', '-o', 'json'])) as Json;
  const roles = (items as Json[])
    .filter(({ subjects }) =>
      ((subjects ?? []) as Json[]).some(
        ({ kind, name, namespace }) => kind === 'ServiceAccount' && name === NAME && namespace === NAME,
      ),
    )
    .map(({ roleRef }) => `${roleRef.kind} ${roleRef.name}`);
  expect(roles.toSorted()).toEqual([`ClusterRole ${NAME}`, `Role ${NAME}`]);
});

async function may(verb: string, what: string, namespace?: string): Promise<boolean> {
  const [address = '', name] = what.split(':');
  const [group = '', resource, subresource] = address.split('/');
  const { status } = await client.request<{ status: { allowed: boolean } }>(
    'POST',
    pathOf({ group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews' }),
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: USER,
          groups: GROUPS,
          resourceAttributes: { verb, group, resource, subresource, name, namespace },
        },
      },
    },
  );
  return status.allowed;
}

test('the API server grants each use', async () => {
  const refused: string[] = [];
  for (const [where, resource, verbs] of USES) {
    for (const verb of verbs.split(' ')) {
      if (!(await may(verb, resource, where === 'cluster' ? undefined : NAME))) refused.push(`${verb} ${resource}`);
    }
  }
  expect(refused).toEqual([]);
});

const OWN = NAME;
const ELSEWHERE = 'default';
/** Verbs, resource, and the namespace; absent: cluster-wide. */
const NOT_NEEDED: readonly (readonly [string, string, string?])[] = [
  ...[
    'apps/deployments',
    'apps/statefulsets',
    'apps/daemonsets',
    'apps/replicasets',
    'batch/jobs',
    'batch/cronjobs',
  ].map((resource) => ['create update patch delete deletecollection', resource, ELSEWHERE] as const),
  ['create update patch delete get', '/pods', ELSEWHERE],
  ['create get', '/pods/exec', ELSEWHERE],
  ['create get', '/pods/attach', ELSEWHERE],
  ['create', '/pods/portforward', ELSEWHERE],
  ['create', '/pods/eviction', ELSEWHERE],
  ['get', '/pods/log', ELSEWHERE],
  ['update patch', '/pods/ephemeralcontainers', ELSEWHERE],
  ['update patch', 'apps/deployments/scale', ELSEWHERE],
  ['create update patch delete', '/secrets', ELSEWHERE],
  ['update patch delete', '/secrets', OWN],
  ['delete patch', `/secrets:${NAME}-tls`, OWN],
  ['create update patch delete', '/configmaps', ELSEWHERE],
  ['create update patch delete', '/configmaps', OWN],
  ['create update patch delete', '/serviceaccounts', ELSEWHERE],
  ['create', '/serviceaccounts/token', ELSEWHERE],
  ['create', '/serviceaccounts/token', OWN],
  ['create update patch delete', '/namespaces'],
  ['get list watch update', '/nodes'],
  ['create get', '/nodes/proxy'],
  ['get create update patch delete', '/services', ELSEWHERE],
  ['get list watch', '/persistentvolumes'],
  ['get list', '/endpoints', ELSEWHERE],
  ['create update patch delete', 'readiness-operator.dev/readinesspolicies'],
  ['bypass', 'readiness-operator.dev/readinesspolicies'],
  ['update delete', 'readiness-operator.dev/readinesspolicies/status'],
  ['create update patch delete get', 'readiness-operator.dev/readinessexceptions', ELSEWHERE],
  ['update', 'readiness-operator.dev/readinessexceptions/status', ELSEWHERE],
  ...['validating', 'mutating'].flatMap((what) => {
    const resource = `admissionregistration.k8s.io/${what}webhookconfigurations`;
    return [
      ['delete patch', `${resource}:${NAME}`],
      ['get update patch delete', `${resource}:somebody-elses`],
    ] as const;
  }),
  ['get list watch update delete', 'events.k8s.io/events', ELSEWHERE],
  ['create patch', '/events', ELSEWHERE],
  ['create update patch delete', 'admissionregistration.k8s.io/validatingadmissionpolicies'],
  ['update patch delete bind escalate', `rbac.authorization.k8s.io/clusterroles:${NAME}`],
  ['bind', 'rbac.authorization.k8s.io/clusterroles:cluster-admin'],
  ['create update patch delete', 'rbac.authorization.k8s.io/clusterrolebindings'],
  ['create update patch delete', 'rbac.authorization.k8s.io/rolebindings', OWN],
  ['create update patch delete get', 'apiextensions.k8s.io/customresourcedefinitions'],
  ['impersonate', '/users:admin'],
  ['impersonate', '/groups:system:masters'],
  ['impersonate', '/serviceaccounts', 'kube-system'],
  ['create', 'authentication.k8s.io/tokenreviews'],
  ['create update approve', 'certificates.k8s.io/certificatesigningrequests'],
  ['update delete', 'coordination.k8s.io/leases:kube-controller-manager', 'kube-system'],
  ['update delete', 'coordination.k8s.io/leases:somebody-elses', OWN],
  ['update patch delete', `apps/deployments:${NAME}`, OWN],
];

test('what it has no use for is refused', async () => {
  const granted: string[] = [];
  for (const [verbs, resource, namespace] of NOT_NEEDED) {
    for (const verb of verbs.split(' ')) {
      if (await may(verb, resource, namespace)) granted.push(`${verb} ${resource} in ${namespace ?? 'all namespaces'}`);
    }
  }
  expect(granted).toEqual([]);
});

test('real requests in its name: what it does works, what it does not do is forbidden', async () => {
  const run = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await attempt([...args, ...AS]);
    return code === 0 ? 'works' : /forbidden/i.test(stderr) ? 'forbidden' : stderr;
  };
  await kube(['create', 'configmap', 'rbac-test', '--from-literal=a=b']);
  expect({
    lists: await run('get', 'deployments,pods,cronjobs,secrets,limitranges,horizontalpodautoscalers', '-A'),
    policies: await run('get', 'rpol,rexc,rrep', '-A'),
    configMap: await run('get', 'configmap', 'rbac-test'),
    configuration: await run('get', 'validatingwebhookconfiguration', NAME),
    certificate: await run('-n', NAME, 'get', 'secret', `${NAME}-tls`),
    lease: await run('-n', NAME, 'get', 'lease', NAME),
  }).toEqual({
    lists: 'works',
    policies: 'works',
    configMap: 'works',
    configuration: 'works',
    certificate: 'works',
    lease: 'works',
  });
  expect({
    deletes: await run('delete', 'configmap', 'rbac-test'),
    creates: await run('create', 'deployment', 'x', '--image=x'),
    nodes: await run('get', 'nodes'),
    token: await run('create', 'token', 'default'),
    secret: await run('create', 'secret', 'generic', 'x'),
    binds: await run('create', 'clusterrolebinding', 'x', '--clusterrole=cluster-admin', '--user=x'),
  }).toEqual({
    deletes: 'forbidden',
    creates: 'forbidden',
    nodes: 'forbidden',
    token: 'forbidden',
    secret: 'forbidden',
    binds: 'forbidden',
  });
  await kube(['delete', 'configmap', 'rbac-test']);
});
