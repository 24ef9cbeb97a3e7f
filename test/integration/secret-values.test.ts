/** Plants secret values through real objects and looks for them wherever the operator could keep or show them. */
import { readdir, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator, type Operator } from '../cluster/operator.ts';
import { until } from '../support/until.ts';

type Json = Record<string, any>;

/** Where each value is planted, by the value. None of them is a real one. */
const PLANTED = {
  'xyzzy-value-of-a-secret': 'a Secret',
  'xyzzy-string-data-of-a-secret': 'stringData of a Secret',
  'xyzzy-secret-without-managers': 'a Secret whose field managers do not tell its keys',
  'xyzzy-key-of-a-certificate-3b3b': 'the key beside a certificate',
  'xyzzy-value-of-a-configmap': 'a ConfigMap',
  'xyzzy-password-in-a-configmap-5d5d': 'a ConfigMap under the name of a secret',
  'xyzzy-setting-in-a-configmap-6e6e': 'a file in a ConfigMap',
  'xyzzy-literal-password-8c1f': 'a literal variable',
  [`ghp_${'a1B2c3D4e5F6'.repeat(3)}`]: 'a literal token under an ordinary name',
  'xyzzy-flag-value-77aa': 'a flag',
  'xyzzy-next-word-41bd': 'the word after a flag',
  'xyzzy-url-password-d0d0': 'a URL',
  'xyzzy-bearer-token-9e9e': 'a header of a probe',
  [`AKIA${'ABCD1234'.repeat(2)}`]: 'an annotation',
} as const;
const [
  IN_SECRET,
  IN_STRING_DATA,
  WITHOUT_MANAGERS,
  TLS_KEY,
  IN_CONFIGMAP,
  CONFIGMAP_PASSWORD,
  CONFIGMAP_SETTING,
  LITERAL,
  GITHUB,
  FLAG,
  WORD,
  URL_PASSWORD,
  BEARER,
  AWS,
] = Object.keys(PLANTED);

let cluster: Cluster;
let operator: Operator;
let denial: CommandResult;
let warned: CommandResult;

const apply = (object: Json): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object), allowFailure: true });

const policy = (name: string, critical: string, team: string): Json => ({
  apiVersion: 'readiness-operator.dev/v1alpha1',
  kind: 'ReadinessPolicy',
  metadata: { name },
  spec: {
    profile: 'production-v1',
    match: { namespaceSelector: { matchLabels: { team } } },
    enforcement: { critical, important: 'Warn', niceToHave: 'Warn' },
  },
});

const leaky = (namespace: string): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'leaky-workload', namespace, annotations: { 'example.com/key': AWS } },
  spec: {
    selector: { matchLabels: { app: 'leaky' } },
    template: {
      metadata: { labels: { app: 'leaky' } },
      spec: {
        containers: [
          {
            name: 'app',
            image: 'registry.example.com/app:1.0.0',
            args: [`--api-key=${FLAG}`, '--password', WORD],
            env: [
              { name: 'DB_PASSWORD', value: LITERAL },
              { name: 'SETTING', value: GITHUB },
              { name: 'DATABASE_URL', value: `postgres://shop:${URL_PASSWORD}@db/shop` },
              { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'planted', key: 'password' } } },
              { name: 'MISSING', valueFrom: { secretKeyRef: { name: 'planted', key: 'missing' } } },
              { name: 'BARE', valueFrom: { secretKeyRef: { name: 'bare', key: 'password' } } },
              { name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: 'planted', key: 'setting' } } },
            ],
            livenessProbe: {
              httpGet: { path: '/', port: 80, httpHeaders: [{ name: 'Authorization', value: `Bearer ${BEARER}` }] },
            },
          },
        ],
      },
    },
  },
});

/** A Service and an Ingress with a certificate, in front of the workload. */
const inFront = (namespace: string, stringData: Json): Json[] => {
  const metadata = { name: 'front', namespace };
  const service = { name: 'front', port: { number: 80 } };
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'leaky' }, ports: [{ port: 80 }] } },
    { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata,
      spec: { tls: [{ hosts: ['leaky.example.com'], secretName: 'front' }], rules: [rule(service)] },
    },
  ];
};
const rule = (service: Json): Json => ({
  host: 'leaky.example.com',
  http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] },
});

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  operator = await startOperator(cluster, ['--log-level=debug'], {
    env: { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${cluster.dir}` },
  });
  for (const [name, critical] of [
    ['watched', 'Warn'],
    ['guarded', 'Deny'],
  ] as const) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { team: name } } };
    for (const object of [namespace, policy(name, critical, name)]) expect((await apply(object)).stderr).toBe('');
    await enforced(cluster, name);
    const metadata = { name: 'planted', namespace: name };
    const password = Buffer.from(IN_SECRET ?? '').toString('base64');
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      data: { password },
      stringData: { other: IN_STRING_DATA },
    });
    const [from, to] = [new Date('2020-01-01T00:00:00Z'), new Date('2021-01-01T00:00:00Z')];
    const { cert } = await issueLeaf(await issueAuthority('test', from, to), ['leaky.example.com'], from, to);
    for (const object of inFront(name, { 'tls.crt': cert, 'tls.key': TLS_KEY })) {
      // The API server warns of a key that is none.
      expect((await apply(object)).code).toBe(0);
    }
    const file = `first = line\nspring.datasource.primary.password = ${CONFIGMAP_SETTING}\n`;
    const data = { setting: IN_CONFIGMAP, DB_PASSWORD: CONFIGMAP_PASSWORD, 'app.properties': file };
    await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bare', namespace: name },
      stringData: { password: WITHOUT_MANAGERS },
    });
    await kubectl(
      cluster,
      ['-n', name, 'patch', 'secret', 'bare', '--type=json', '-p'].concat([
        JSON.stringify([{ op: 'replace', path: '/metadata/managedFields', value: [{}] }]),
      ]),
    );
  }
  warned = await apply(leaky('watched'));
  denial = await apply(leaky('guarded'));
});
afterAll(async () => {
  await cluster?.stop();
});

function expectNone(text: string): void {
  for (const [value, where] of Object.entries(PLANTED)) {
    for (const form of [value, Buffer.from(value).toString('base64').slice(0, 20)]) {
      if (text.includes(form)) throw new Error(`the value of ${where} is in it, after: ${before(text, form)}`);
    }
  }
}

function before(text: string, value: string): string {
  const at = text.indexOf(value);
  return text.slice(Math.max(0, at - 120), at);
}

/** Waits for the report of what runs. */
function report(): Promise<Json> {
  return until('the report, with the certificate, which is read behind the scenes', async () => {
    const { stdout } = await kubectl(cluster, ['-n', 'watched', 'get', 'rrep', '-o', 'json']);
    const [first] = (JSON.parse(stdout) as { items: Json[] }).items;
    return JSON.stringify(first)?.includes('Secret front of Ingress') && first;
  });
}

test('what kubectl is told: findings, no values', () => {
  expect(warned.code).toBe(0);
  expect(warned.stderr).toContain('DB_PASSWORD holds a literal credential');
  expect(denial.code).not.toBe(0);
  expect(denial.stderr).toContain('SETTING holds a GitHub token');
  // kubectl itself says nothing of the object but its name.
  expectNone(warned.stderr + warned.stdout + denial.stderr + denial.stdout);
});

test('reports, statuses, Events: findings, no values', async () => {
  const found = await report();
  const messages = JSON.stringify(found);
  for (const said of [
    'DB_PASSWORD holds a literal credential',
    'SETTING holds a GitHub token',
    '--api-key holds a literal credential',
    '--password holds a literal credential',
    'holds an AWS access key',
    'holds a URL with a password',
    'has no key missing',
    'the certificate in Secret front of Ingress front ran out on 2021-01-01',
    'ConfigMap planted holds a literal credential in DB_PASSWORD',
    'ConfigMap planted holds a literal credential in app.properties (spring.datasource.primary.password)',
  ]) {
    expect(messages).toContain(said);
  }
  // The Secret without managers was found to hold its key.
  expect(messages).not.toMatch(/Secret bare(?: has no key|: its keys)/);
  for (const kind of ['rrep', 'rpol', 'events']) {
    expectNone((await kubectl(cluster, ['get', kind, '-A', '-o', 'json'])).stdout);
  }
});

test('metrics and log: no values', async () => {
  const metrics = await new Promise<string>((resolve, reject) => {
    https
      .get(`${operator.url}/metrics`, { rejectUnauthorized: false, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
  expect(metrics).toContain('readiness_operator_findings');
  expectNone(metrics);
  const log = await readFile(operator.log, 'utf8');
  expect(log).toContain('policy is in force');
  expectNone(log);
});

test('memory: a heap snapshot holds the workload, and no values', async () => {
  await report();
  // What belonged to the last requests is let go some time after them.
  const text = await until('a heap without values', async () => {
    const heap = await snapshot();
    expectNone(heap);
    return heap;
  });
  expect(text).toContain('leaky-workload');
  expect(text).toContain('DB_PASSWORD');
});

/** Orders a snapshot of the operator's heap and waits for it. */
async function snapshot(): Promise<string> {
  operator.process.signal('SIGUSR2');
  const path = await until('a snapshot', async () => {
    const name = (await readdir(cluster.dir)).find((file) => file.endsWith('.heapsnapshot'));
    return name !== undefined && join(cluster.dir, name);
  });
  const text = await until('the end of the snapshot', async () => {
    const written = await readFile(path, 'utf8');
    // Of a part no JSON can be made.
    return written.trimEnd().endsWith('}') && JSON.parse(written) !== null && written;
  });
  await rm(path);
  return text;
}
