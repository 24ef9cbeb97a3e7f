import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../src/engine/kinds.ts';
import { formatPath, valueAt, type Path } from '../../src/engine/path.ts';
import { displayPath, hasTemplate, readWorkload, type Container, type RawObject } from '../../src/engine/workload.ts';
import { junk, mutilated } from '../support/mutilate.ts';
import { kindOf, nest, objectOf, read, workloadOf } from '../support/workloads.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

const POD = {
  containers: [
    { name: 'app', image: 'app:1' },
    { name: 'metrics', image: 'metrics:1' },
  ],
  initContainers: [
    { name: 'migrate', image: 'app:1' },
    { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' },
    { name: 'odd', image: 'odd:1', restartPolicy: 'Never' },
  ],
  ephemeralContainers: [{ name: 'debugger', image: 'debug:1' }],
};

/** A custom kind, as an installation's values name it. */
const RUNNER: WorkloadKind = {
  kind: 'Runner',
  group: 'example.com',
  version: 'v1',
  resource: 'runners',
  template: ['spec', 'worker', 'pod'],
  replicas: ['spec', 'worker', 'count'],
};

function problemOf(object: RawObject, kind: WorkloadKind): { path: string; message: string } {
  const result = readWorkload(object, kind);
  if ('workload' in result) throw new Error('was read');
  return { path: formatPath(result.problem.path), message: result.problem.message };
}

describe('the normal form', () => {
  test.each([
    ['Deployment', 'spec.template.spec'],
    ['StatefulSet', 'spec.template.spec'],
    ['DaemonSet', 'spec.template.spec'],
    ['ReplicaSet', 'spec.template.spec'],
    ['ReplicationController', 'spec.template.spec'],
    ['Job', 'spec.template.spec'],
    ['CronJob', 'spec.jobTemplate.spec.template.spec'],
    ['Pod', 'spec'],
  ])('of a %s knows where each container stands', (kind, pod) => {
    const workload = workloadOf(kind, POD);
    expect(workload.kind.kind).toBe(kind);
    expect(formatPath(workload.podPath)).toBe(pod);
    expect(workload.containers.map(({ name, role, path }) => [name, role, formatPath(path)])).toEqual([
      ['app', 'regular', `${pod}.containers[0]`],
      ['metrics', 'regular', `${pod}.containers[1]`],
      ['migrate', 'init', `${pod}.initContainers[0]`],
      ['proxy', 'sidecar', `${pod}.initContainers[1]`],
      ['odd', 'init', `${pod}.initContainers[2]`],
    ]);
    for (const { path, spec } of workload.containers) expect(valueAt(workload.object, path)).toBe(spec);
    expect(valueAt(workload.object, workload.podPath)).toBe(workload.pod);
  });

  test('of a custom kind', () => {
    const object = { metadata: { name: 'r' }, spec: { worker: { count: 3, pod: { spec: POD } } } };
    const workload = read(object, RUNNER);
    expect(workload.replicas).toEqual({ count: 3, path: ['spec', 'worker', 'count'] });
    expect(formatPath(workload.containers[0]?.path ?? [])).toBe('spec.worker.pod.spec.containers[0]');
  });

  test('of a custom kind may leave out names of containers, and is then shown by index', () => {
    const pod = { containers: [{ image: 'a:1' }], initContainers: [{ name: 'init', image: 'b:1' }] };
    const object = { metadata: { name: 'r' }, spec: { worker: { pod: { spec: pod } } } };
    const workload = read(object, { ...RUNNER, custom: true });
    expect(workload.containers.map(({ name }) => name)).toEqual(['', 'init']);
    const [app, init] = workload.containers.map(({ path }) => displayPath([...path, 'image'], workload));
    expect([app, init]).toEqual([
      'spec.worker.pod.spec.containers[0].image',
      'spec.worker.pod.spec.initContainers[init].image',
    ]);
    expect(workload.object).toBe(object);
    expect(problemOf(object, RUNNER)).toEqual({
      path: 'spec.worker.pod.spec.containers[0]',
      message: "must have required property 'name'",
    });
  });

  test('only a custom kind may hold no template', () => {
    const object = { metadata: { name: 'r' }, spec: { worker: { count: 3, pod: null } } };
    expect(hasTemplate(object, { ...RUNNER, custom: true })).toBe(false);
    expect(hasTemplate({ spec: { worker: { pod: {} } } }, { ...RUNNER, custom: true })).toBe(true);
    expect(hasTemplate(object, RUNNER)).toBe(true);
  });

  test('holds what the metadata says', () => {
    const metadata = {
      name: 'app',
      generateName: 'app-',
      namespace: 'shop',
      uid: 'u-1',
      creationTimestamp: '2027-01-01T00:00:00Z',
      deletionTimestamp: '2027-01-02T00:00:00Z',
      labels: { app: 'x' },
      annotations: { note: 'y' },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: '1' },
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: '2', controller: true },
      ],
    };
    expect(workloadOf('ReplicaSet', POD, metadata)).toMatchObject({
      name: 'app',
      namespace: 'shop',
      uid: 'u-1',
      createdAt: Date.UTC(2027, 0, 1),
      deleting: true,
      labels: { app: 'x' },
      annotations: { note: 'y' },
      controller: { kind: 'Deployment', name: 'd' },
    });
  });

  test('has defaults for what the metadata leaves out', () => {
    for (const metadata of [
      undefined,
      null,
      {},
      { name: null, namespace: null, labels: null, ownerReferences: null },
    ]) {
      const object = { ...objectOf('Deployment', POD), metadata };
      expect(read(object, kindOf('Deployment'))).toMatchObject({
        name: '',
        namespace: 'default',
        uid: undefined,
        createdAt: undefined,
        deleting: false,
        labels: {},
        annotations: {},
        controller: undefined,
      });
    }
    expect(workloadOf('Job', POD, { generateName: 'job-' }).name).toBe('job-');
    expect(workloadOf('Job', POD, { creationTimestamp: 'yesterday' }).createdAt).toBeUndefined();
    const elsewhere = readWorkload(objectOf('Job', POD, { name: 'x' }), kindOf('Job'), 'team');
    expect(elsewhere).toMatchObject({ workload: { namespace: 'team' } });
  });

  test('has a replica count for the kinds that have one', () => {
    const deployment = objectOf('Deployment', POD);
    for (const [replicas, count] of [
      [3, 3],
      [0, 0],
      [null, undefined],
      [undefined, undefined],
    ] as const) {
      const object = { ...deployment, spec: { ...(deployment['spec'] as object), replicas } };
      expect(read(object, kindOf('Deployment')).replicas).toEqual({ count, path: ['spec', 'replicas'] });
    }
    for (const kind of ['DaemonSet', 'Job', 'CronJob', 'Pod']) {
      expect(workloadOf(kind, POD).replicas).toBeUndefined();
    }
  });

  test('has a Pod for its own template', () => {
    const pod = workloadOf('Pod', POD, { name: 'p', annotations: { a: 'b' } });
    expect(pod.template.metadata?.annotations).toEqual({ a: 'b' });
    expect(pod.template.spec).toBe(pod.pod);
  });

  test('takes null for absent everywhere, as the API server does', () => {
    const nothing = {
      containers: [
        { name: 'a', image: null, command: null, args: null, env: null, envFrom: null, ports: null, resources: null },
        { name: 'b', livenessProbe: null, resources: { limits: null, requests: null }, restartPolicy: null },
        { name: 'c', env: [{ name: 'X', value: null, valueFrom: null }], livenessProbe: { httpGet: null, exec: null } },
      ],
      initContainers: null,
      volumes: null,
      imagePullSecrets: null,
      serviceAccountName: null,
      resources: null,
    };
    expect(workloadOf('Deployment', nothing).containers.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('problems', () => {
  const at: readonly (readonly [pod: object, path: string, message: string])[] = [
    [{ containers: 'x' }, 'containers', 'must be array'],
    [{ containers: {} }, 'containers', 'must be array'],
    [{ containers: 3 }, 'containers', 'must be array'],
    [{ containers: [null] }, 'containers[0]', 'must be object'],
    [{ containers: ['app'] }, 'containers[0]', 'must be object'],
    [{ containers: [[]] }, 'containers[0]', 'must be object'],
    [{ containers: [{ name: 'a' }, {}] }, 'containers[1]', "must have required property 'name'"],
    [{ containers: [{ name: 1 }] }, 'containers[0].name', 'must be string'],
    [{ containers: [{ name: null }] }, 'containers[0].name', 'must be string'],
    [{ containers: [{ name: 'a', image: 5 }] }, 'containers[0].image', 'must be string'],
    [{ initContainers: [{ name: 'a', image: {} }] }, 'initContainers[0].image', 'must be string'],
    [{ initContainers: 'x' }, 'initContainers', 'must be array'],
    [{ containers: [{ name: 'a', args: 'serve' }] }, 'containers[0].args', 'must be array'],
    [{ containers: [{ name: 'a', args: ['-p', 8080] }] }, 'containers[0].args[1]', 'must be string'],
    [{ containers: [{ name: 'a', command: [null] }] }, 'containers[0].command[0]', 'must be string'],
    [{ containers: [{ name: 'a', env: { A: 'b' } }] }, 'containers[0].env', 'must be array'],
    [{ containers: [{ name: 'a', env: [null] }] }, 'containers[0].env[0]', 'must be object'],
    [
      { containers: [{ name: 'a', env: [{ name: 'P', value: 8080 }] }] },
      'containers[0].env[0].value',
      'must be string',
    ],
    [
      { containers: [{ name: 'a', env: [{ name: 'P', value: true }] }] },
      'containers[0].env[0].value',
      'must be string',
    ],
    [{ containers: [{ name: 'a', envFrom: [7] }] }, 'containers[0].envFrom[0]', 'must be object'],
    [{ containers: [{ name: 'a', resources: [] }] }, 'containers[0].resources', 'must be object'],
    [{ containers: [{ name: 'a', resources: { limits: '1Gi' } }] }, 'containers[0].resources.limits', 'must be object'],
    [
      { containers: [{ name: 'a', resources: { limits: { memory: ['1Gi'] } } }] },
      'containers[0].resources.limits.memory',
      'must be string,number',
    ],
    [
      { containers: [{ name: 'a', resources: { requests: { memory: null } } }] },
      'containers[0].resources.requests.memory',
      'must be string,number',
    ],
    [{ containers: [{ name: 'a', ports: [8080] }] }, 'containers[0].ports[0]', 'must be object'],
    [
      { containers: [{ name: 'a', ports: [{ containerPort: '80' }] }] },
      'containers[0].ports[0].containerPort',
      'must be integer',
    ],
    [{ containers: [{ name: 'a', livenessProbe: 'http' }] }, 'containers[0].livenessProbe', 'must be object'],
    [
      { containers: [{ name: 'a', readinessProbe: { periodSeconds: '10' } }] },
      'containers[0].readinessProbe.periodSeconds',
      'must be integer',
    ],
    [
      { containers: [{ name: 'a', readinessProbe: { periodSeconds: 1.5 } }] },
      'containers[0].readinessProbe.periodSeconds',
      'must be integer',
    ],
    [
      { containers: [{ name: 'a', livenessProbe: { httpGet: { port: true } } }] },
      'containers[0].livenessProbe.httpGet.port',
      'must be string,number,null',
    ],
    [{ containers: [{ name: 'a', restartPolicy: 1 }] }, 'containers[0].restartPolicy', 'must be string'],
    [{ volumes: {} }, 'volumes', 'must be array'],
    [{ volumes: [{ name: 'v', secret: 's' }] }, 'volumes[0].secret', 'must be object'],
    [
      { volumes: [{ name: 'v', secret: { items: [{}] } }] },
      'volumes[0].secret.items[0]',
      "must have required property 'key'",
    ],
    [{ volumes: [{ name: 'v', projected: { sources: [null] } }] }, 'volumes[0].projected.sources[0]', 'must be object'],
    [{ imagePullSecrets: ['registry'] }, 'imagePullSecrets[0]', 'must be object'],
    [{ serviceAccountName: 7 }, 'serviceAccountName', 'must be string'],
  ];

  test.each(at)('%j: %s %s', (pod, path, message) => {
    expect(problemOf(objectOf('Deployment', pod), kindOf('Deployment'))).toEqual({
      path: `spec.template.spec.${path}`,
      message,
    });
    expect(problemOf(objectOf('CronJob', pod), kindOf('CronJob')).path).toBe(
      `spec.jobTemplate.spec.template.spec.${path}`,
    );
    expect(problemOf(objectOf('Pod', pod), kindOf('Pod')).path).toBe(`spec.${path}`);
  });

  test.each<[RawObject, string, string, string]>([
    [{}, 'Deployment', 'spec.template', 'is required'],
    [{ spec: null }, 'Deployment', 'spec.template', 'is required'],
    [{ spec: 'x' }, 'Deployment', 'spec.template', 'is required'],
    [{ spec: { template: null } }, 'Deployment', 'spec.template', 'is required'],
    [{ spec: { template: 'x' } }, 'Deployment', 'spec.template', 'must be object'],
    [{ spec: { template: {} } }, 'Deployment', 'spec.template', "must have required property 'spec'"],
    [{ spec: { template: { spec: null } } }, 'Deployment', 'spec.template.spec', 'must be object'],
    [{ spec: { template: { spec: [] } } }, 'Deployment', 'spec.template.spec', 'must be object'],
    [{ spec: {} }, 'CronJob', 'spec.jobTemplate.spec.template', 'is required'],
    [{ metadata: {} }, 'Pod', '(root)', "must have required property 'spec'"],
    [{ spec: 'x' }, 'Pod', 'spec', 'must be object'],
    [{ metadata: 'x', spec: {} }, 'Pod', 'metadata', 'must be object'],
    [{ metadata: [], spec: {} }, 'Pod', 'metadata', 'must be object'],
    [{ metadata: { labels: { a: 1 } }, spec: {} }, 'Pod', 'metadata.labels.a', 'must be string'],
    [{ metadata: { labels: ['a'] }, spec: {} }, 'Pod', 'metadata.labels', 'must be object'],
    [{ metadata: { annotations: { 'x/y': 1 } }, spec: {} }, 'Pod', 'metadata.annotations[x/y]', 'must be string'],
    [{ metadata: { name: 7 }, spec: {} }, 'Pod', 'metadata.name', 'must be string'],
    [{ metadata: { ownerReferences: 'x' }, spec: {} }, 'Pod', 'metadata.ownerReferences', 'must be array'],
    [{ metadata: { ownerReferences: [null] }, spec: {} }, 'Pod', 'metadata.ownerReferences[0]', 'must be object'],
    [
      { spec: { template: { metadata: { annotations: { a: 1 } }, spec: {} } } },
      'Deployment',
      'spec.template.metadata.annotations.a',
      'must be string',
    ],
    [{ spec: { replicas: '3', template: { spec: {} } } }, 'Deployment', 'spec.replicas', 'must be an integer'],
    [{ spec: { replicas: 1.5, template: { spec: {} } } }, 'Deployment', 'spec.replicas', 'must be an integer'],
    [{ spec: { replicas: [], template: { spec: {} } } }, 'StatefulSet', 'spec.replicas', 'must be an integer'],
    [{ spec: { replicas: false, template: { spec: {} } } }, 'StatefulSet', 'spec.replicas', 'must be an integer'],
  ])('%j as %s: %s %s', (object, kind, path, message) => {
    expect(problemOf(object, kindOf(kind))).toEqual({ path, message });
  });

  test('are not made of what no check reads', () => {
    const pod = {
      containers: [{ name: 'a', volumeDevices: 'x', volumeMounts: 7 }],
      tolerations: 'x',
      hostAliases: 1,
    };
    expect(workloadOf('Deployment', pod).containers).toHaveLength(1);
  });
});

describe('any input', () => {
  const kinds = [...WORKLOAD_KINDS, RUNNER];

  function readAny(object: RawObject): void {
    for (const kind of kinds) {
      const result = readWorkload(object, kind);
      if ('workload' in result) continue;
      const { path, message } = result.problem;
      expect(message).toMatch(/\w/);
      if (formatPath(path) !== formatPath(kind.template)) expect(valueAt(object, path)).not.toBeUndefined();
    }
  }

  test('is read or refused with the place of the problem, never thrown at', () => {
    const anything = fc.oneof(
      fc.dictionary(fc.constantFrom('metadata', 'spec', 'kind', '__proto__', 'x'), junk),
      ...kinds.map(({ template }) => junk.map((value) => nest([...template, 'spec'], value))),
      ...kinds.map(({ template }) => junk.map((value) => nest([...template, 'spec', 'containers'], value))),
      ...kinds.map(({ template }) => fc.array(junk).map((value) => nest([...template, 'spec', 'containers'], value))),
    );
    fc.assert(fc.property(anything, readAny), { numRuns: 3000 });
  });

  test('that is a good object with wounds', () => {
    fc.assert(fc.property(mutilated(WORKLOAD_KINDS.map(({ kind }) => objectOf(kind, POD))), readAny), {
      numRuns: 2000,
    });
  });

  test('that is deep or long', () => {
    const objects = (size: number): RawObject[] => {
      let deep: unknown = 'x';
      for (let i = 0; i < size; i++) deep = { a: deep };
      const long = Array.from({ length: size }, () => ({ name: 'a' }));
      return [
        { spec: { template: { spec: deep } } },
        { spec: { template: { spec: { containers: deep } } } },
        { metadata: { labels: deep }, spec: { template: { spec: {} } } },
        { spec: { template: { spec: { containers: long } } } },
      ];
    };
    for (const object of objects(30_000)) readAny(object);
    const readAll = (all: RawObject[]): void =>
      all.forEach((object) => kinds.forEach((kind) => readWorkload(object, kind)));
    // The longest list is just within what is judged, or beyond.
    for (const size of [500 / 64, 250]) expect(slowdown(objects, readAll, size)).toBeLessThan(LINEAR);
  });

  test('with keys that mean something to JavaScript', () => {
    const object = JSON.parse(
      '{"metadata":{"labels":{"__proto__":"x","constructor":"y"}},"spec":{"containers":[{"name":"a","resources":{"limits":{"__proto__":"1"}}}]}}',
    ) as RawObject;
    const workload = read(object, kindOf('Pod'));
    expect(Object.entries(workload.labels)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('displayPath', () => {
  const workload = workloadOf('Deployment', POD);
  const pod: Path = ['spec', 'template', 'spec'];

  test.each<[Path, string]>([
    [[...pod, 'containers', 0], 'spec.template.spec.containers[app]'],
    [[...pod, 'containers', 1, 'image'], 'spec.template.spec.containers[metrics].image'],
    [[...pod, 'containers', 0, 'env', 2, 'value'], 'spec.template.spec.containers[app].env[2].value'],
    [[...pod, 'initContainers', 1, 'resources', 'limits'], 'spec.template.spec.initContainers[proxy].resources.limits'],
    [[...pod, 'containers', 0, 'x/y'], 'spec.template.spec.containers[app][x/y]'],
    [[...pod, 'containers', 9, 'image'], 'spec.template.spec.containers[9].image'],
    [[...pod, 'containers'], 'spec.template.spec.containers'],
    [[...pod, 'volumes', 0], 'spec.template.spec.volumes[0]'],
    [['spec', 'replicas'], 'spec.replicas'],
    [[], '(root)'],
  ])('shows %j as %s', (path, expected) => {
    expect(displayPath(path, workload)).toBe(expected);
  });

  test('does not search among the containers: a message has a path for each of them', () => {
    let reads = 0;
    const containers = new Proxy(Array.from({ length: 2000 }, () => workload.containers[0]) as Container[], {
      get: (target, key) => {
        reads += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
    const many = { ...workload, containers, pod: { ...workload.pod, containers: containers.map(({ spec }) => spec) } };
    reads = 0;
    expect(displayPath([...pod, 'containers', 1999, 'image'], many)).toBe('spec.template.spec.containers[app].image');
    expect(reads).toBeLessThan(10);
  });

  test('shows a Pod and a CronJob', () => {
    expect(displayPath(['spec', 'containers', 0, 'image'], workloadOf('Pod', POD))).toBe('spec.containers[app].image');
    const path = ['spec', 'jobTemplate', 'spec', 'template', 'spec', 'containers', 0];
    expect(displayPath(path, workloadOf('CronJob', POD))).toBe('spec.jobTemplate.spec.template.spec.containers[app]');
  });
});
