import { describe, expect, test } from '@jest/globals';
import { checkText, expectGolden, fixture, run, textOf, type Outcome } from './run.ts';

interface Json {
  readonly workloads: readonly {
    readonly name: string;
    readonly namespace: string;
    readonly ready: string;
    readonly line: number;
    readonly findings: readonly Readonly<Record<string, string | number | null>>[];
    readonly unknown: readonly { readonly check: string; readonly cause: string }[];
  }[];
  readonly skipped: readonly { readonly kind: string; readonly name: string; readonly reason: string }[];
}

function json({ stdout, stderr }: Outcome): Json {
  expect(stderr.replaceAll(/^note: .*\n/gm, '')).toBe('');
  return JSON.parse(stdout) as Json;
}

const READY = textOf('ready.yaml');
const NO_LIMIT = textOf('no-limit.yaml');
const MEMORY = textOf('memory-policy.yaml');
const OWNED_POD = `apiVersion: v1
kind: Pod
metadata:
  name: web-0
  ownerReferences: [{ apiVersion: apps/v1, kind: StatefulSet, name: web, uid: '1', controller: true }]
spec: { containers: [{ name: app }] }
`;
const STATEFUL_SET = NO_LIMIT.replace('kind: Deployment', 'kind: StatefulSet');
/** A policy that asks for memory limits alone, with more lines at the end of its spec. */
const policy = (more: string, name = 'memory'): string =>
  `${MEMORY.replace('name: memory', `name: ${name}`)}${more.replaceAll(/^/gm, '  ')}\n---\n`;
/** As kubectl writes what is in a cluster. */
const created = (text: string): string =>
  text.replace('metadata:', 'metadata:\n  creationTimestamp: 2026-01-01T00:00:00Z');
const namespace = (labels: string): string =>
  `---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: ${labels}\n---\n`;
const inNamespace = (text: string, name: string): string =>
  text.replace('name: web\n', `name: web\n  namespace: ${name}\n`);

describe('golden output of realistic manifests', () => {
  const shop = fixture('shop.yaml');
  test.each([
    ['shop.txt', []],
    ['shop.json', ['-o', 'json']],
  ])('%s', async (golden, args) => {
    const { status, stdout, stderr } = await run([
      'check',
      '-f',
      shop,
      '--policy',
      fixture('shop-policy.yaml'),
      ...args,
    ]);
    expect([status, stderr]).toEqual([1, '']);
    expectGolden(golden, stdout);
  });

  test.each([
    ['shop-80-columns.txt', 80, {}],
    ['shop-160-columns-no-colour.txt', 160, { NO_COLOR: '1' }],
  ])('on a terminal: %s', async (golden, columns, env) => {
    expectGolden(
      golden,
      (await run(['check', '-f', shop, '--policy', fixture('shop-policy.yaml')], { columns, env })).stdout,
    );
  });
});

describe('exit status', () => {
  test.each<[string, number, string, string[]]>([
    ['nothing unmet', 0, READY, []],
    ['a Critical finding', 1, NO_LIMIT, []],
    ['a ready workload and one that is not', 1, `${READY}\n---\n${NO_LIMIT}`, []],
    ['only findings that warn', 0, policy('enforcement: { critical: Warn }') + NO_LIMIT, []],
    [
      'an Important finding that denies',
      1,
      policy('enforcement: { important: Deny }').replace('Critical', 'Important') + NO_LIMIT,
      [],
    ],
    [
      'before a policy begins to deny',
      0,
      policy('enforcement: { startsAt: "2027-01-01T00:00:00Z" }') + NO_LIMIT,
      ['--as-of', '2026-12-31'],
    ],
    [
      'one second before',
      0,
      policy('enforcement: { startsAt: "2027-01-01T00:00:00Z" }') + NO_LIMIT,
      ['--as-of', '2026-12-31T23:59:59Z'],
    ],
    [
      'from then on',
      1,
      policy('enforcement: { startsAt: "2027-01-01T00:00:00Z" }') + NO_LIMIT,
      ['--as-of', '2027-01-01T01:00:00+01:00'],
    ],
    ['no workload', 2, namespace('{}'), []],
    ['no workload, which is right', 0, namespace('{}'), ['--allow-empty']],
    ['nothing at all', 2, '', []],
    ['nothing at all, which is right', 0, '', ['--allow-empty']],
    ['a workload that no policy matches', 2, policy('match: { kinds: [Job] }') + NO_LIMIT, []],
    [
      'a workload that no policy matches, which is right',
      0,
      policy('match: { kinds: [Job] }') + NO_LIMIT,
      ['--allow-empty'],
    ],
    ['Pods alone, whose owner is elsewhere', 1, OWNED_POD, []],
  ])('%s: %i', async (_, status, manifests, args) => {
    const outcome = await checkText(manifests, ...args);
    expect(outcome.status).toBe(status);
    expect(outcome.stdout === '').toBe(status === 2);
    expect(outcome.stderr === '').toBe(status !== 2);
  });

  test.each<[string, string[], string]>([
    ['no file', ['check'], 'error: nothing to check'],
    ['an unknown option', ['check', '--no-such'], "error: unknown option '--no-such'"],
    [
      'an unknown format',
      ['check', '-f', '-', '-o', 'xml'],
      "error: option '-o, --output <format>' argument 'xml' is invalid",
    ],
    ['an unknown profile', ['check', '-f', '-', '--profile', 'production'], "error: option '--profile <name>'"],
    ['the profile that has no checks', ['check', '-f', '-', '--profile', 'none'], "error: option '--profile <name>'"],
    ['a policy and a profile', ['check', '-f', '-', '--profile', 'baseline-v1', '--policy', 'x'], 'error: option'],
    ['a time that is none', ['check', '-f', '-', '--as-of', '2027-02-31T25:00:00Z'], "error: option '--as-of <time>'"],
    ['a time of another form', ['check', '-f', '-', '--as-of', 'tomorrow'], "error: option '--as-of <time>'"],
    [
      'labels that are none',
      ['check', '-f', '-', '--namespace-labels', 'a=b,c'],
      "error: option '--namespace-labels <k=v,...>'",
    ],
    [
      'a missing file',
      ['check', fixture('ready.yaml'), 'no-such.yaml'],
      'error: no-such.yaml: no such file or directory\n',
    ],
    [
      'a policy that is not there',
      ['check', '-f', fixture('ready.yaml'), '--policy', 'no-such.yaml'],
      'error: no-such.yaml: no such',
    ],
    [
      'a policy file without one',
      ['check', '-f', fixture('ready.yaml'), '--policy', fixture('shop.yaml')],
      'error: test/cli/fixtures/shop.yaml: holds no ReadinessPolicy\n',
    ],
  ])('%s: 2', async (_, args, message) => {
    const { status, stdout, stderr } = await run(args, { stdin: READY });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.slice(0, message.length)).toBe(message);
  });

  test('no workload: says what was left out and why', async () => {
    expect((await checkText('replicas: 1')).stderr).toBe(
      'error: no workload was judged in - (--allow-empty if that is right)\n  stdin: not a Kubernetes object: it has no apiVersion and no kind\n',
    );
  });
});

describe('input that can not be used: nothing is called ready, and everything wrong is named', () => {
  test.each<[string, string, string[]]>([
    ['YAML', `${READY}---\na: [\n`, ['stdin:28:1: not valid YAML: ']],
    [
      'containers',
      READY.replace(/containers:[^]*/, 'containers: x'),
      ['stdin:13:19: Deployment: spec.template.spec.containers: must be array'],
    ],
    [
      'null entries',
      READY.replace('        - name: web\n', '        -\n        - name: web\n'),
      ['stdin:14:10: Deployment: spec.template.spec.containers[0]: must be object'],
    ],
    [
      'a number for a name',
      READY.replace('- name: web', '- name: 5'),
      ['stdin:14:17: Deployment: spec.template.spec.containers[0].name: must be string'],
    ],
    [
      'a boolean for text',
      NO_LIMIT.replace('tier: web', 'tier: on'),
      ['stdin:6:11: Deployment: metadata.labels.tier: must be string'],
    ],
    [
      'no spec',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}',
      ['stdin:1:1: Deployment: spec.template: is required'],
    ],
    [
      'replicas',
      READY.replace('replicas: 2', 'replicas: two'),
      ['stdin:6:13: Deployment: spec.replicas: must be an integer'],
    ],
    [
      'two workloads',
      `${READY.replace('replicas: 2', 'replicas: two')}---\n${NO_LIMIT.replace('replicas: 2', 'replicas: 1.5')}`,
      ['stdin:6:13: ', 'stdin:34:13: '],
    ],
    [
      'a Secret without a name',
      `${READY}---\napiVersion: v1\nkind: Secret\nmetadata: {}`,
      ['stdin:29:1: Secret: metadata.name: is required'],
    ],
    [
      'an autoscaler without a target',
      `${READY}---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {}`,
      ['stdin:27:1: does not have the shape of a HorizontalPodAutoscaler: '],
    ],
    [
      'labels of a namespace',
      `${READY}${namespace('{ environment: yes }')}`,
      ['stdin:31:26: Namespace: metadata.labels.environment: must be text'],
    ],
    [
      'a misspelt check',
      MEMORY.replace('memoryLimits', 'memoryLimit'),
      ['stdin:8:5: ReadinessPolicy memory: spec.checks.memoryLimit: unknown check; did you mean memoryLimits?'],
    ],
    [
      'a misspelt parameter',
      `${MEMORY}      maximum: 1Gi\n`,
      ['stdin:10:16: ReadinessPolicy memory: spec.checks.memoryLimits.maximum: unknown field'],
    ],
    [
      'a misspelt action',
      policy('enforcement: { critical: deny }'),
      ['stdin:10:28: ReadinessPolicy memory: spec.enforcement.critical: must be one of Deny, Warn, Audit; is "deny"'],
    ],
    [
      'a profile that does not exist',
      MEMORY.replace('none', 'production'),
      ['stdin:6:12: ReadinessPolicy memory: spec.profile: must be one of production-v1, '],
    ],
    [
      'two things in a policy',
      policy('match: { kind: [Pod] }\nenforcement: { startsAt: soon }'),
      [
        'stdin:10:12: ReadinessPolicy memory: spec.match.kind: unknown field; did you mean kinds?',
        'stdin:11:28: ReadinessPolicy memory: spec.enforcement.startsAt: must be a date and time',
      ],
    ],
    [
      'a policy without a spec',
      `${READY}---\n${MEMORY.slice(0, MEMORY.indexOf('spec'))}`,
      ['stdin:27:1: ReadinessPolicy memory: spec.profile: is required'],
    ],
    [
      'a policy without a name',
      `${READY}---\n${MEMORY.replace('name: memory', 'labels: {}')}`,
      ['stdin:29:1: ReadinessPolicy: metadata.name: is required'],
    ],
    [
      'a policy of another version',
      MEMORY.replace('v1alpha1', 'v2'),
      [
        'stdin:1:13: ReadinessPolicy: apiVersion: must be readiness-operator.dev/v1alpha1; is readiness-operator.dev/v2',
      ],
    ],
    [
      'a policy that stands twice',
      `${MEMORY}---\n${MEMORY}`,
      ['stdin:14:9: ReadinessPolicy memory stands here a second time'],
    ],
    [
      'a policy and a workload',
      `${MEMORY.replace('profile: none', 'profile: no-such')}---\n${READY.replace('replicas: 2', 'replicas: two')}`,
      ['stdin:6:12: ReadinessPolicy', 'stdin:16:13: Deployment'],
    ],
  ])('%s', async (_, manifests, expected) => {
    const { status, stdout, stderr } = await checkText(manifests);
    expect([status, stdout]).toEqual([2, '']);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map((line, index) => line.slice(0, `error: ${expected[index] ?? ''}`.length))).toEqual(
      expected.map((line) => `error: ${line}`),
    );
  });
});

describe('what is read', () => {
  test('several files, a directory and standard input in one run', async () => {
    const args = ['check', '-f', fixture('ready.yaml'), '-f', '-', fixture('shop.yaml'), fixture('.'), '-o', 'json'];
    const { workloads } = json(await run(args, { stdin: NO_LIMIT }));
    expect(workloads.map(({ name }) => name)).toEqual([
      'web',
      'web',
      'storefront',
      'checkout',
      'reindex',
      'queue',
      'web',
    ]);
  });

  test('JSON, and a List with the places of its entries', async () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'c' }] } },
      ],
    };
    const { workloads } = json(await checkText(JSON.stringify(list, undefined, 1), '-o', 'json'));
    expect(workloads[0]?.line).toBe(5);
    expect(workloads[0]?.findings.find(({ check }) => check === 'imageTag')).toMatchObject({
      path: 'spec.containers[0].image',
      line: 15,
      column: 16,
    });
  });

  test('CRLF, anchors and merge keys: the place where it was written', async () => {
    const text = NO_LIMIT.replace(
      'containers:\n        - name: web\n          image: registry.example.com/web:1.0.0\n',
      'containers:\n        - &web\n          name: web\n          image: registry.example.com/web:latest\n        - <<: *web\n          name: second\n',
    ).replaceAll('\n', '\r\n');
    const { workloads } = json(await checkText(text, '-o', 'json'));
    const tags = workloads[0]?.findings.filter(({ check }) => check === 'imageTag');
    expect(tags).toMatchObject([
      { container: 'web', path: 'spec.template.spec.containers[0].image', line: 18, column: 18 },
      { container: 'second', path: 'spec.template.spec.containers[1].image', line: 18, column: 18 },
    ]);
  });

  test('every kind of workload, each at its own path', async () => {
    const pod = 'containers: [{name: c, image: c}]';
    const kinds = [
      `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {${pod}}`,
      `apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: b}\nspec: {jobTemplate: {spec: {template: {spec: {${pod}}}}}}`,
      `apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {generateName: c-}\nspec: {template: {spec: {${pod}}}}`,
    ];
    const { workloads } = json(await checkText(kinds.join('\n---\n'), '-o', 'json'));
    expect(
      workloads.map(({ name, findings }) => [name, findings.find(({ check }) => check === 'imageTag')?.['path']]),
    ).toEqual([
      ['a', 'spec.containers[0].image'],
      ['b', 'spec.jobTemplate.spec.template.spec.containers[0].image'],
      ['c-', 'spec.template.spec.containers[0].image'],
    ]);
  });

  test('the namespace of manifests that name none', async () => {
    const { workloads } = json(
      await checkText(`${READY}---\n${inNamespace(READY, 'shop')}`, '-n', 'team', '-o', 'json'),
    );
    expect(workloads.map(({ namespace: name }) => name)).toEqual(['team', 'shop']);
  });
});

describe('what is skipped, with the reason', () => {
  const owned = (owner: string): string =>
    NO_LIMIT.replace(
      'name: web\n',
      `name: web\n  ownerReferences:\n    - {${owner}, name: boss, uid: "1", controller: true}\n`,
    );
  test.each<[string, string, string | undefined]>([
    ['an owned Pod', `${OWNED_POD}---\n${STATEFUL_SET}`, 'judged through its owner, StatefulSet web'],
    ['but not one whose owner is elsewhere', OWNED_POD, undefined],
    ['nor in another namespace', `${OWNED_POD}---\n${inNamespace(STATEFUL_SET, 'shop')}`, undefined],
    ['but not a Deployment, which nothing makes', owned('apiVersion: apps/v1, kind: StatefulSet'), undefined],
    ['but not one that a custom kind owns', owned('apiVersion: argoproj.io/v1alpha1, kind: Rollout'), undefined],
    [
      'no policy',
      policy('match: { workloadSelector: { matchLabels: { tier: db } } }') + NO_LIMIT,
      'no policy matches it',
    ],
    ['another kind', policy('match: { kinds: [Pod, Job] }') + NO_LIMIT, 'no policy matches it'],
    [
      'but not one that a policy matches',
      policy('match: { kinds: [Deployment], workloadSelector: { matchLabels: { tier: web } } }') + NO_LIMIT,
      undefined,
    ],
    [
      'a system namespace, with policies',
      policy('') + inNamespace(NO_LIMIT, 'kube-system'),
      'policies leave out the system namespace kube-system',
    ],
    ['but not with a profile', inNamespace(NO_LIMIT, 'kube-system'), undefined],
    [
      'an API that is gone',
      `${READY.replace('apps/v1', 'extensions/v1beta1')}---\n${NO_LIMIT}`,
      'Deployment of extensions/v1beta1 is not judged, only of apps/v1',
    ],
    ['other YAML', `${NO_LIMIT}---\nreplicas: 1`, 'not a Kubernetes object: it has no apiVersion and no kind'],
    [
      'but not other objects',
      `${NO_LIMIT}---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}`,
      undefined,
    ],
  ])('%s', async (_, manifests, reason) => {
    const { skipped } = json(await checkText(manifests, '-o', 'json', '--allow-empty'));
    expect(skipped.map((one) => one.reason)).toEqual(reason === undefined ? [] : [reason]);
  });

  test('is shown in the table too', async () => {
    const { stdout } = await checkText(`${policy('match: { kinds: [Job] }')}${NO_LIMIT}---\na: 1`, '--allow-empty');
    expect(stdout).toBe(
      'Skipped\n  stdin                  not a Kubernetes object: it has no apiVersion and no kind\n  stdin  Deployment web  no policy matches it\n\n0 workloads checked with memory\n0 findings\n',
    );
  });
});

describe('policies', () => {
  const unmet = async (manifests: string, ...args: string[]): Promise<unknown[]> =>
    json(await checkText(manifests, '-o', 'json', ...args)).workloads.flatMap(({ findings }) =>
      findings.map(({ check, policy: by, action }) => `${check} ${action} ${by}`),
    );

  test('without any: production-v1, or the profile asked for', async () => {
    const production = await unmet(NO_LIMIT);
    const baseline = await unmet(NO_LIMIT, '--profile', 'baseline-v1');
    expect(production).toContain('cpuRequests Deny production-v1'.replace('cpuRequests', 'livenessProbe'));
    expect(baseline).toContain('livenessProbe Warn baseline-v1');
  });

  test('those among the manifests', async () => {
    expect(await unmet(policy('') + NO_LIMIT)).toEqual(['memoryLimits Deny memory']);
  });

  test('those given, and the others are told of', async () => {
    const outcome = await checkText(
      `${policy('', 'other')}${NO_LIMIT}`,
      '-o',
      'json',
      '--policy',
      fixture('memory-policy.yaml'),
    );
    const { workloads, skipped } = json(outcome);
    expect(workloads[0]?.findings.map(({ policy: by }) => by)).toEqual(['memory']);
    expect(skipped).toEqual([
      { file: 'stdin', kind: 'ReadinessPolicy', name: 'other', reason: 'not used, because --policy is given' },
    ]);
  });

  test('the profile asked for, and policies among the manifests are told of', async () => {
    const outcome = await checkText(policy('') + NO_LIMIT, '-o', 'json', '--profile', 'baseline-v1');
    expect(json(outcome).skipped.map(({ reason }) => reason)).toEqual(['not used, because --profile is given']);
  });

  test('a policy file that is among the manifests too is simply used', async () => {
    const outcome = await run([
      'check',
      fixture('memory-policy.yaml'),
      fixture('no-limit.yaml'),
      '--policy',
      fixture('memory-policy.yaml'),
      '-o',
      'json',
    ]);
    expect(json(outcome).skipped).toEqual([]);
  });

  test('several: what they find alike is one finding, with the strictest action and all their names', async () => {
    const text =
      policy('enforcement: { critical: Warn }', 'b') +
      policy('', 'a') +
      policy('match: { kinds: [Pod] }', 'c') +
      NO_LIMIT;
    expect(await unmet(text)).toEqual(['memoryLimits Deny a,b']);
    expect((await checkText(text)).stdout).toContain('set resources.limits.memory [a, b]\n');
  });

  test('the reason why a finding only warns', async () => {
    const { stdout } = await checkText(
      policy('enforcement: { startsAt: "2027-01-01T00:00:00Z" }') + NO_LIMIT,
      '--as-of',
      '2026-06-01',
    );
    expect(stdout).toContain(
      '  Critical (Warn)  memoryLimits  stdin:30:13  containers[web].resources.limits: no memory limit; set resources.limits.memory (denied from 2027-01-01T00:00:00.000Z)\n',
    );
  });
});

describe('a namespaceSelector', () => {
  const selecting = (selector: string): string => policy(`match: { namespaceSelector: { ${selector} } }`);
  const environment = selecting('matchLabels: { environment: production }');
  const byName = (name: string): string =>
    selecting(`matchExpressions: [{ key: kubernetes.io/metadata.name, operator: In, values: [${name}] }]`);
  const shop = inNamespace(NO_LIMIT, 'shop');
  const hint =
    'note: policy memory: taken as matching, because the labels of namespace shop are not known; give its manifest or --namespace-labels\n';
  test.each<[string, string, string[], 'matches' | 'does not match', string]>([
    ['the Namespace has the label', environment + shop + namespace('{ environment: production }'), [], 'matches', ''],
    ['the Namespace has another', environment + shop + namespace('{ environment: test }'), [], 'does not match', ''],
    ['the Namespace has none', environment + shop + namespace('null'), [], 'does not match', ''],
    ['nobody knows', environment + shop, [], 'matches', hint],
    ['nobody knows, of two workloads', `${environment}${shop}---\n${shop}`, [], 'matches', hint],
    [
      '--namespace-labels has it',
      environment + shop,
      ['--namespace-labels', 'a=b,environment=production'],
      'matches',
      '',
    ],
    [
      '--namespace-labels has another',
      environment + shop,
      ['--namespace-labels', 'environment=test'],
      'does not match',
      '',
    ],
    ['--namespace-labels says: none', environment + shop, ['--namespace-labels', ''], 'does not match', ''],
    [
      'the Namespace counts before --namespace-labels',
      environment + shop + namespace('{ environment: test }'),
      ['--namespace-labels', 'environment=production'],
      'does not match',
      '',
    ],
    ['the name decides: yes', byName('shop') + shop, [], 'matches', ''],
    ['the name decides: no', byName('team') + shop, [], 'does not match', ''],
    [
      'the name decides, although more is unknown',
      byName('team').replace('{ matchExp', '{ matchLabels: { a: b }, matchExp') + shop,
      [],
      'does not match',
      '',
    ],
    [
      'the name is not enough',
      byName('shop').replace('{ matchExp', '{ matchLabels: { a: b }, matchExp') + shop,
      [],
      'matches',
      hint,
    ],
    ['the name counts beside --namespace-labels', byName('shop') + shop, ['--namespace-labels', 'a=b'], 'matches', ''],
    [
      'the workload decides first',
      environment.replace('match: {', 'match: { kinds: [Pod],') + shop,
      [],
      'does not match',
      '',
    ],
  ])('%s', async (_, manifests, args, expected, stderr) => {
    const outcome = await checkText(manifests, ...args, '-o', 'json', '--allow-empty');
    expect(outcome.stderr).toBe(stderr);
    expect(json(outcome).workloads.length > 0 ? 'matches' : 'does not match').toBe(expected);
  });
});

describe('references', () => {
  const naming = (from: string): string =>
    READY.replace('          ports:', `          envFrom: [{ ${from}: { name: db } }]\n          ports:`);
  const SECRET = 'secretRef';
  const object = (kind: string, more = '', apiVersion = 'v1'): string =>
    `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: db }\n${more}\n`;
  const unknown = async (manifests: string, ...args: string[]): Promise<unknown[]> =>
    json(await checkText(manifests, '-o', 'json', ...args)).workloads.map(({ ready, unknown: causes }) => [
      ready,
      // Other checks that ask for the same objects say the same.
      ...causes.filter(({ check }) => check.includes('Reference')).map(({ check, cause }) => `${check}: ${cause}`),
    ]);

  test.each<[string, string, unknown[]]>([
    ['a Secret that is there', naming(SECRET) + object('Secret'), ['True']],
    ['a Secret that is not', naming(SECRET), ['Unknown', 'secretReferences: Secret db: it is not among the manifests']],
    [
      'a Secret of another namespace',
      naming(SECRET) + object('Secret').replace('name: db', 'name: db, namespace: other'),
      ['Unknown', 'secretReferences: Secret db: it is not among the manifests'],
    ],
    [
      'a ConfigMap that is not',
      naming('configMapRef'),
      ['Unknown', 'configMapReferences: ConfigMap db: it is not among the manifests'],
    ],
    [
      'a ServiceAccount that is not',
      READY.replace('    spec:\n      containers', '    spec:\n      serviceAccountName: db\n      containers'),
      ['Unknown', 'serviceAccountReference: ServiceAccount db: it is not among the manifests'],
    ],
    [
      'the ServiceAccount that every namespace has',
      READY.replace('    spec:\n      containers', '    spec:\n      serviceAccountName: default\n      containers'),
      ['True'],
    ],
    [
      'the ConfigMap that every namespace has',
      naming('configMapRef').replace('name: db', 'name: kube-root-ca.crt'),
      ['True'],
    ],
    [
      'a Secret that an ExternalSecret makes',
      naming(SECRET) + object('ExternalSecret', 'spec: {}', 'external-secrets.io/v1'),
      ['True'],
    ],
    [
      'a Secret that a SealedSecret makes',
      naming(SECRET) + object('SealedSecret', 'spec: {}', 'bitnami.com/v1alpha1'),
      ['True'],
    ],
    [
      'a Secret that a Certificate makes',
      naming(SECRET) + object('Certificate', 'spec: { secretName: db }', 'cert-manager.io/v1'),
      ['True'],
    ],
    [
      'a Certificate that makes another',
      naming(SECRET) + object('Certificate', 'spec: { secretName: tls }', 'cert-manager.io/v1'),
      ['Unknown', 'secretReferences: Secret db: it is not among the manifests'],
    ],
    [
      'a kind of another group',
      naming(SECRET) + object('Secret', '', 'example.com/v1'),
      ['Unknown', 'secretReferences: Secret db: it is not among the manifests'],
    ],
  ])('%s', async (_, manifests, expected) => {
    expect(await unknown(manifests)).toEqual([expected]);
  });

  test('a Secret that lacks a key is a finding', async () => {
    const keyed = READY.replace(
      '          ports:',
      '          env: [{ name: A, valueFrom: { secretKeyRef: { name: db, key: url } } }]\n          ports:',
    );
    const check = async (secret: string): Promise<unknown> => {
      const { workloads } = json(await checkText(keyed + object('Secret', secret), '-o', 'json'));
      return workloads[0]?.findings
        .filter((finding) => finding.check === 'secretReferences')
        .map(({ message, line, column }) => `${line}:${column} ${message}`);
    };
    expect(await check('stringData: { user: x }')).toEqual(['16:41 Secret db has no key url']);
    expect(await check('stringData: { url: x }')).toEqual([]);
  });

  test('no value of a Secret is ever shown', async () => {
    const text = naming(SECRET) + object('Secret', 'type: bad\nstringData: { password: hunter2-the-secret }');
    for (const format of ['json', 'table']) {
      const { stdout, stderr } = await checkText(text, '-o', format);
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  test('an autoscaler and a LimitRange among the manifests count; where there are none, there are none', async () => {
    const hpa =
      '---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {minReplicas: 3, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n';
    const range =
      '---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: a}\nspec: {limits: [{type: Container, default: {memory: 1Gi}}]}\n';
    const one = NO_LIMIT.replace('replicas: 2', 'replicas: 1');
    const checks = async (text: string): Promise<unknown> =>
      json(await checkText(text, '-o', 'json'))
        .workloads[0]?.findings.map(({ check }) => check)
        .filter((check) => check === 'minReplicas' || check === 'memoryLimits');
    expect(await checks(one)).toEqual(['memoryLimits', 'minReplicas']);
    expect(await checks(one + hpa)).toEqual(['memoryLimits']);
    expect(await checks(one + range)).toEqual(['minReplicas']);
  });

  describe('an autoscaler that comes after its workload', () => {
    const HPA =
      '---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {minReplicas: 3, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n';
    const counting = (parameters = ''): string =>
      policy('').replace(/memoryLimits:[^]*?Critical/, `minReplicas: { priority: Critical${parameters} }`);
    const [written, leftOut] = [READY.replace('replicas: 2', 'replicas: 1'), READY.replace('  replicas: 2\n', '')];
    const DENIED =
      'note: Deployment default/web: its first apply is denied if its autoscaler comes after it: minReplicas: is ';

    test.each<[string, string, 0 | 1, string]>([
      ['a count that is left out is ready', counting() + leftOut + HPA, 0, ''],
      ['one that is left out without an autoscaler is not', counting() + leftOut, 1, ''],
      ['one that is high enough is ready', counting() + READY + HPA, 0, ''],
      ['one that is too low is denied at first', counting() + written + HPA, 0, `${DENIED}1, at least 2`],
      ['not where the policy awaits it', counting(', autoscaler: AwaitAny') + written + HPA, 0, ''],
      [
        'nor is one that is left out, where it awaits none',
        counting(', autoscaler: Require') + leftOut + HPA,
        0,
        `${DENIED}left out, which means 1, at least 2`,
      ],
      [
        'one that is too high is denied at first too',
        counting().replace('minReplicas: {', 'maxReplicas: { replicas: 5,') +
          READY.replace('replicas: 2', 'replicas: 9') +
          HPA,
        0,
        `${DENIED.replace('minReplicas', 'maxReplicas')}9, at most 5`,
      ],
      ['what is there has had its first apply', counting() + created(written) + HPA, 0, ''],
    ])('%s', async (_, text, status, note) => {
      const outcome = await checkText(text);
      expect([outcome.status, outcome.stderr]).toEqual([status, note === '' ? '' : expect.stringContaining(note)]);
    });
  });

  describe('--strict', () => {
    const secrets = (more: string, priority = 'Critical'): string =>
      policy(more).replace(/memoryLimits:[^]*?Critical/, `secretReferences: { priority: ${priority} }`) +
      naming(SECRET);
    test.each<[string, number, string, string[]]>([
      ['without it what is unknown passes', 0, secrets(''), []],
      ['without it, whatever onUnknown says of a cluster', 0, secrets('enforcement: { onUnknown: Deny }'), []],
      ['with it what is unknown fails', 1, secrets(''), ['--strict']],
      ['with it, unless its action is Warn', 0, secrets('', 'Important'), ['--strict']],
      [
        'with it, if the policy makes that Deny',
        1,
        secrets('enforcement: { important: Deny }', 'Important'),
        ['--strict'],
      ],
      [
        'with it, not before the policy denies',
        0,
        secrets('enforcement: { startsAt: "2027-01-01T00:00:00Z" }'),
        ['--strict', '--as-of', '2026-12-31'],
      ],
    ])('%s', async (_, status, manifests, args) => {
      const outcome = await checkText(manifests, ...args);
      expect(outcome.status).toBe(status);
      expect(outcome.stdout).toMatch(/(?:READY|UNKNOWN)  score 100\n/);
      expect(outcome.stdout).toContain(
        status === 1 ? '  Unknown (Deny)  secretReferences' : '  Unknown  secretReferences',
      );
    });
  });
});
