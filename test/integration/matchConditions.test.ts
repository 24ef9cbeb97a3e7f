/**
 * Our match conditions as the API server reads them. Nobody listens where the entries point to: whatever the conditions do not
 * keep back fails for want of an answer. Custom kinds bear the names of Kubernetes' own here, so that they take any object.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { validatingEntries, type Entry } from '../../src/controller/webhook-configuration.ts';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../src/engine/kinds.ts';
import { valueAt, type Path } from '../../src/engine/path.ts';
import { readWorkload, type RawObject } from '../../src/engine/workload.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { Turns } from '../../src/kube/turns.ts';
import { KubeClient, pathOf } from '../../src/kube/client.ts';
import { exemptionsOf, LONGEST_EXCLUDED_USER, MOST_EXCLUDED, RESTARTED_AT } from '../../src/policy/exemptions.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import { readWorkloadKinds } from '../../src/policy/workload-kinds.ts';
import type { AdmissionRequest } from '../../src/webhook/protocol.ts';
import { review } from '../../src/webhook/review.ts';
import type { World } from '../../src/webhook/world.ts';
import { configurationsNoted } from '../cluster/configurations.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { junk, pathsOf, replace } from '../support/mutilate.ts';
import { policyOf, webhookInput } from '../support/policies.ts';
import { NOTHING_RELATED } from '../support/related.ts';
import { until } from '../support/until.ts';
import { nest } from '../support/workloads.ts';
import type { Json } from './stage.ts';

const GROUP = 'conditions.example.com';
const CONFIGURATIONS = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
};
const DEFINITIONS = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' };
const RUNS = 50;
/** Users whose requests the conditions keep back: by one of them objects are written that are not to be asked about. */
const EXCLUDED = { user: 'excluded', groups: ['system:masters'] };

/** Those of Kubernetes by their names, one whose template does not stand under spec, and one without a count. */
const KINDS: readonly WorkloadKind[] = [
  ...WORKLOAD_KINDS.map((kind) => ({ ...kind, group: GROUP, version: 'v1', custom: true as const })),
  ...custom({ kind: 'Runner', resource: 'runners', template: 'worker.pod', replicas: 'spec.count' }),
  ...custom({ kind: 'Function', resource: 'functions', template: 'in.for.template' }),
  ...custom({ kind: 'Flat', resource: 'flats', template: 'pod', replicas: 'count' }),
];
const POLICY = policyOf({
  profile: 'none',
  match: { workloadSelector: { matchLabels: { tier: 'web' } } },
  enforcement: { critical: 'Warn' },
  checks: { memoryLimits: { priority: 'Critical' }, minReplicas: { priority: 'Critical' } },
});

let cluster: Cluster;
let admin: KubeClient;
let excluded: KubeClient;

beforeAll(async () => {
  cluster = await startCluster();
  admin = await KubeClient.load(systemClock, cluster.kubeconfig);
  excluded = await KubeClient.load(systemClock, await cluster.kubeconfigFor(EXCLUDED));
  for (const kind of KINDS) await define(kind);
  await ask(KINDS);
});
afterAll(async () => {
  admin?.close();
  excluded?.close();
  await cluster?.stop();
});

/** Custom kinds as an installation names them. */
function custom(...kinds: Json[]): WorkloadKind[] {
  const read = readWorkloadKinds(kinds.map((kind) => ({ group: GROUP, version: 'v1', ...kind })));
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.kinds.slice(WORKLOAD_KINDS.length);
}

async function define({ group, version, kind, resource }: WorkloadKind): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  await admin.request('POST', pathOf(DEFINITIONS), {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${resource}.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind, plural: resource },
        versions: [{ name: version, served: true, storage: true, schema }],
      },
    },
  });
  await until(`${resource} to be served`, () =>
    admin.request('GET', pathOf({ group, version, resource })).then(() => true),
  );
}

/** Has the API server ask about kinds as the policy wants it, and fail where there is no answer. */
async function ask(kinds: readonly WorkloadKind[], ...users: readonly string[]): Promise<void> {
  const input = { ...webhookInput([POLICY]), kinds, exemptions: exemptionsOf([], [EXCLUDED.user, ...users]) };
  const route = validatingEntries({ ...input, address: { url: 'https://127.0.0.1:1' } }).at(-1);
  const webhooks = (route?.entries ?? []).map((entry: Entry) => ({
    ...entry,
    failurePolicy: 'Fail',
    clientConfig: { url: 'https://127.0.0.1:1/' },
  }));
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' };
  await admin.request('PATCH', pathOf(CONFIGURATIONS, undefined, 'conditions'), {
    query: { fieldManager: 'test', force: true },
    contentType: 'application/apply-patch+yaml',
    body: { ...body, metadata: { name: 'conditions' }, webhooks },
  });
  await configurationsNoted(cluster);
}

/** Does the API server call the webhook about an update? @throws Error for any answer that is neither that nor a success */
async function isAsked(kind: WorkloadKind, object: RawObject): Promise<boolean> {
  const name = String(valueAt(object, ['metadata', 'name']));
  try {
    await admin.request('PUT', pathOf(kind, 'default', name), { query: { dryRun: 'All' }, body: object });
    return false;
  } catch (error) {
    if (String(error).includes('failed calling webhook')) return true;
    throw error;
  }
}

let made = 0;
/** Writes a new object without asking. @returns it as the API server has it */
async function write(kind: WorkloadKind, fields: RawObject, labels: Json): Promise<RawObject> {
  const body = {
    apiVersion: `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { name: `object-${++made}`, labels },
    ...fields,
  };
  return excluded.request<RawObject>('POST', pathOf(kind, 'default'), { body });
}

/** What an object of a kind says beside its metadata. */
function fieldsOf({ template, replicas }: WorkloadKind): RawObject {
  const pod = {
    spec: {
      containers: [{ name: 'app', image: 'app:1', resources: { limits: { memory: '64Mi' } } }],
      initContainers: [{ name: 'init', image: 'init:1' }],
      dnsPolicy: 'Default',
    },
  };
  const annotated = { metadata: { labels: { app: 'web' }, annotations: { one: 'two' } }, ...pod };
  const fields: Json = structuredClone(nest(template, template.length === 0 ? pod : annotated));
  if (replicas !== undefined) {
    const [first = '', ...rest] = replicas.map(String);
    fields[first] = rest.length === 0 ? 2 : { ...fields[first], ...nest(rest, 2) };
  }
  return fields;
}

/**
 * May a part of an object be replaced by anything? Of Pods and Jobs the API server lets change nothing else that a check
 * judges.
 */
function mayChange(path: Path, { versionedBy }: WorkloadKind): boolean {
  if (path.length === 0) return false;
  return versionedBy === undefined || path.includes('containers') || path.includes('initContainers');
}

type Edit = (fields: Json, kind: WorkloadKind) => void;

/** Puts a value at a path, or takes it away, where that may be changed and what is above it is an object. */
const put = (fields: Json, path: Path, value: unknown, kind: WorkloadKind): void => {
  const parent = valueAt(fields, path.slice(0, -1));
  if (mayChange(path, kind) && typeof parent === 'object' && parent !== null) replace(fields, path, value);
};
const annotate =
  (key: string, value: unknown): Edit =>
  (fields, kind) => {
    const path = [...kind.template, 'metadata', 'annotations'];
    const annotations = value === undefined ? undefined : { ...(valueAt(fields, path) as object), [key]: value };
    put(fields, path, annotations, kind);
  };

const EDITS: fc.Arbitrary<Edit> = fc.oneof(
  fc.constantFrom('now', 'then', undefined).map((value) => annotate(RESTARTED_AT, value)),
  fc.constantFrom('one', 'other').map((key) => annotate(key, 'three')),
  fc.integer({ min: 0, max: 3 }).map(
    (count): Edit =>
      (fields, kind) =>
        put(fields, kind.replicas ?? [], count, kind),
  ),
  fc.tuple(fc.nat(), fc.oneof(junk, fc.constant(undefined))).map(([choice, value]): Edit => (fields, kind) => {
    const paths = pathsOf(fields).filter((path) => mayChange(path, kind));
    put(fields, paths[choice % paths.length] ?? [], structuredClone(value), kind);
  }),
);
const LABELS = fc.constantFrom<Json>({ tier: 'web' }, { tier: 'web', more: 'x' }, { tier: 'db' }, {});

function edited(fields: RawObject, edits: readonly Edit[], kind: WorkloadKind): RawObject {
  const copy = structuredClone(fields);
  for (const edit of edits) edit(copy, kind);
  return JSON.parse(JSON.stringify(copy)) as RawObject;
}

/** Would the webhook judge an update, were it asked? */
async function isJudged(kind: WorkloadKind, object: RawObject, oldObject: RawObject): Promise<boolean> {
  const policies = new PolicySet([POLICY]);
  const world = {
    now: () => 0,
    kinds: KINDS,
    exemptions: exemptionsOf([], []),
    policies: () => policies,
    exceptions: { of: () => [] },
    related: NOTHING_RELATED,
    namespaceLabels: () => ({}),
  } as unknown as World;
  const request = {
    uid: 'u',
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    resource: { group: kind.group, version: kind.version, resource: kind.resource },
    operation: 'UPDATE',
    namespace: 'default',
    userInfo: { username: 'alice' },
    object,
    oldObject,
  } as unknown as AdmissionRequest;
  const { decision, response } = await review(request, POLICY.name, world, new Turns(systemClock));
  // What can't be read is refused if it is asked about, and left alone where it was like that before.
  return decision !== 'notJudged' && !response.auditAnnotations?.['decision']?.includes('malformed');
}

test.each(KINDS.map((kind) => [kind.kind, kind] as const))(
  '%s: whatever the webhook would judge is asked about',
  async (_, kind) => {
    const labels = fc.oneof(
      // Mostly as they were: a change of labels hides what else is noticed.
      { weight: 4, arbitrary: LABELS.map((same) => [same, same] as const) },
      { weight: 1, arbitrary: fc.tuple(LABELS, LABELS) },
    );
    const pairs = fc.tuple(labels, fc.array(EDITS, { maxLength: 2 }), fc.array(EDITS, { minLength: 1, maxLength: 2 }));
    let judged = 0;
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(pairs, async ([[oldLabels, newLabels], before, change]) => {
        const fields = edited(fieldsOf(kind), before, kind);
        const old = await write(kind, fields, oldLabels);
        // What could not be read before has no version to compare with.
        fc.pre('workload' in readWorkload(old, kind));
        const metadata = { ...(old['metadata'] as Json), labels: newLabels };
        const object = { ...old, ...edited(fields, change, kind), metadata };
        const isOne = await isJudged(kind, object, old);
        const calls = await isAsked(kind, object);
        if (isOne) judged++;
        if (calls) asked++;
        if (isOne) expect([calls, old, object]).toEqual([true, old, object]);
      }),
      { numRuns: RUNS },
    );
    // Some of both, or this would say nothing.
    expect([judged > 0, asked < RUNS]).toEqual([true, true]);
  },
);

/** As long and as many as an installation may name them. */
function largestKinds(): WorkloadKind[] {
  const long = (index: number, first: string): string => `${first}${index}.${'b.'.repeat(200)}`.slice(0, 252) + 'c';
  const deep = Array.from({ length: 12 }, (_, index) => ({
    kind: `Deep${index}`.padEnd(59, 'x'),
    resource: `deeps${index}`,
    template: long(index, 't'),
    replicas: long(index, 'r'),
  }));
  const wide = Array.from({ length: 12 }, (_, index) => ({
    kind: `Wide${index}`.padEnd(59, 'x'),
    resource: `wides${index}`,
    template: `${'t'.repeat(40 + index)}.pod`,
    replicas: `${'r'.repeat(200 + index)}.count`,
  }));
  return custom(...deep, ...wide);
}

test('the API server takes the conditions of as many custom kinds, with paths as long, as can be named', async () => {
  const large = largestKinds();
  const [deep, wide] = [large[0] as WorkloadKind, large.at(-1) as WorkloadKind];
  for (const kind of [deep, wide]) await define(kind);
  await ask([...KINDS.slice(0, WORKLOAD_KINDS.length), ...large]);
  for (const kind of [deep, wide]) {
    const fields = fieldsOf(kind);
    const old = await write(kind, fields, { tier: 'web' });
    expect(await isAsked(kind, { ...old, other: 'field' })).toBe(false);
    expect(await isAsked(kind, { ...old, ...edited(fields, [annotate('one', 'three')], kind) })).toBe(true);
  }
  await ask(KINDS);
});

test('the API server takes as many excluded users, with names as long, as can be named', async () => {
  const long = Array.from({ length: MOST_EXCLUDED - 1 }, (_, index) =>
    `user-${index}`.padEnd(LONGEST_EXCLUDED_USER, 'n'),
  );
  await ask(KINDS, ...long);
  const [deployment] = KINDS as [WorkloadKind];
  const old = await write(deployment, fieldsOf(deployment), { tier: 'web' });
  expect(await isAsked(deployment, { ...old, spec: {} })).toBe(true);
  await ask(KINDS);
});

test('a restart of a template with more annotations than are compared one by one is for the webhook to tell', async () => {
  const [deployment] = KINDS as [WorkloadKind];
  for (const [count, asked] of [
    [199, false],
    [200, true],
    [20_000, true],
  ] as const) {
    const annotations = Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, '']));
    const old = await write(deployment, annotationsOf(deployment, annotations), { tier: 'web' });
    const restarted = annotationsOf(deployment, { ...annotations, [RESTARTED_AT]: 'now' });
    expect([count, await isAsked(deployment, { ...old, ...restarted })]).toEqual([count, asked]);
    const other = annotationsOf(deployment, { ...annotations, k0: 'another' });
    expect([count, await isAsked(deployment, { ...old, ...other })]).toEqual([count, true]);
  }
});

function annotationsOf(kind: WorkloadKind, annotations: Json): RawObject {
  const fields = fieldsOf(kind) as Json;
  replace(fields, [...kind.template, 'metadata', 'annotations'], annotations);
  return fields;
}
