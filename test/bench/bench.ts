/**
 * `npm run bench`: what the operator costs, beside a bare HTTPS handler and an in-tree ValidatingAdmissionPolicy. Medians
 * of 5 alternating rounds (`-- --rounds N`); claims are the ratios, measured side by side in one run. Linux.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHECKS } from '../../src/checks/index.ts';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { readWorkload, type Workload } from '../../src/engine/workload.ts';
import { PolicyCompiler, type CompiledPolicy } from '../../src/policy/compile.ts';
import { judge } from '../../src/policy/judge.ts';
import { startCluster } from '../cluster/cluster.ts';
import { calledUrl } from '../cluster/configurations.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { streamLog } from '../cluster/log.ts';
import { enforced, IMAGE_ENVIRONMENT, installOperator, NODE_SETTINGS, startOperator } from '../cluster/operator.ts';
import { Authority } from '../cluster/pki.ts';
import { freePort } from '../cluster/ports.ts';
import { cpuOf, load, rssOf, type LoadResult } from './load.ts';
import { deployment, review } from './workload.ts';

const ROUNDS = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 5;
const REQUESTS = 4000;
/** Sent to each handler before anything counts: until then both are compiled, more of ours than of the bare one. */
const WARM_UP = 20_000;
const CREATES = 800;
const log = streamLog();

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const row = (...cells: (string | number)[]): void =>
  console.log(
    cells
      .map((cell, index) =>
        (typeof cell === 'number' ? cell.toFixed(cell < 10 ? 3 : 0) : cell).padEnd(index === 0 ? 44 : 12),
      )
      .join(''),
  );

evaluation();
const cluster = await startCluster({ log });
try {
  await installOperator(cluster);
  await kubectl(cluster, ['create', 'namespace', 'bench']);
  const policy = (enforcement: object) => ({
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessPolicy',
    metadata: { name: 'bench' },
    spec: { profile: 'production-v1', match: { namespaceSelector: { matchLabels: { bench: 'true' } } }, enforcement },
  });
  await kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(policy({})) });
  await kubectl(cluster, ['label', 'namespace', 'bench', 'bench=true']);
  await firstDenial();
  const operator = await startOperator(cluster, ['--log-level=warn']);
  await enforced(cluster, 'bench');
  const bare = await startBare();
  await overHttps(await calledUrl(cluster, 'bench'), operator.process.pid, bare.url, bare.pid);
  await throughApiServer(bare);
} finally {
  await cluster.stop();
}

/** Evaluations per second of production-v1, reading the object included. */
function evaluation(): void {
  const compiled = new PolicyCompiler(CHECKS).compile({
    metadata: { name: 'bench' },
    spec: { profile: 'production-v1' },
  });
  const { policy } = compiled as { policy: CompiledPolicy };
  const object = deployment('web');
  const nothing = { find: () => ({ state: 'absent' }) as const };
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS + 2; round++) {
    const start = performance.now();
    for (let index = 0; index < 10_000; index++) {
      const { workload } = readWorkload(object, WORKLOAD_KINDS[0] as (typeof WORKLOAD_KINDS)[number]) as {
        workload: Workload;
      };
      judge(policy, workload, nothing, 0);
    }
    if (round >= 2) rates.push(10_000 / ((performance.now() - start) / 1000));
  }
  row('evaluation of production-v1', 'per second', 'microseconds');
  row('2 containers, 12 variables each', median(rates), 1e6 / median(rates));
  console.log();
}

/** From the start of the process to its first correct denial through the API server; wrong answers before it. */
async function firstDenial(): Promise<void> {
  const bad = JSON.stringify({ ...deployment('bad'), spec: { ...(deployment('bad')['spec'] as object), replicas: 1 } });
  const client = await adminOptions();
  const body = JSON.stringify(JSON.parse(bad));
  const times: number[] = [];
  let wrong = 0;
  // The first start makes the certificate and the configuration; the ones that count find both, as a restart does.
  for (let round = 0; round <= ROUNDS; round++) {
    const started = performance.now();
    const starting = startOperator(cluster, ['--log-level=warn']);
    let denied: number | undefined;
    while (denied === undefined && performance.now() - started < 15_000) {
      const { status, text } = await create(client, body);
      if (status === 403 && text.includes('minReplicas')) denied = performance.now() - started;
      else if (status < 300 && round > 0) wrong += 1;
      else await sleep(5);
    }
    if (round > 0) times.push(denied ?? Infinity);
    const operator = await starting;
    await enforced(cluster, 'bench');
    await operator.stop();
  }
  row('process start to first correct denial', 'seconds', 'wrong before');
  row('one policy, no other objects', median(times) / 1000, String(wrong));
  console.log();
}

interface Bare {
  readonly url: string;
  readonly pid: number;
  readonly caBundle: string;
}

async function startBare(): Promise<Bare> {
  const authority = await Authority.create('bench');
  const { certificate, key } = await authority.server('bench', ['127.0.0.1']);
  const files = { cert: join(cluster.dir, 'bare.crt'), key: join(cluster.dir, 'bare.key') };
  await writeFile(files.cert, certificate);
  await writeFile(files.key, key);
  const port = await freePort();
  const { pid } = await cluster.run({
    command: process.execPath,
    args: [...NODE_SETTINGS, join(import.meta.dirname, 'bare.js'), String(port), files.cert, files.key],
    env: { PATH: process.env['PATH'] ?? '', ...IMAGE_ENVIRONMENT },
    log: join(cluster.dir, 'bare.log'),
  });
  await sleep(500);
  return { url: `https://127.0.0.1:${port}`, pid, caBundle: Buffer.from(authority.certificate).toString('base64') };
}

async function overHttps(ours: string, ourPid: number, bare: string, barePid: number): Promise<void> {
  const body = review(deployment('web'));
  const allowed = (status: number, text: string): boolean => status === 200 && text.includes('"allowed":true');
  row(`webhook over HTTPS, ${body.length} B`, 'req/s', 'p50 ms', 'p99 ms', 'CPU s/1000', 'RSS MiB', 'CPU ratio');
  const handlers = [
    ['ours', ours, ourPid],
    ['bare', bare, barePid],
  ] as const;
  const send = async (name: string, url: string, count: number, connections: number): Promise<LoadResult> => {
    const result = await load(url, { rejectUnauthorized: false }, () => body, count, connections, allowed);
    if (result.failures > 0) throw new Error(`${name}: ${result.failures} wrong answers`);
    return result;
  };
  for (const [name, url] of handlers) await send(name, url, WARM_UP, 16);
  for (const connections of [1, 16, 64]) {
    const measured = { ours: [] as (LoadResult & { cpu: number })[], bare: [] as (LoadResult & { cpu: number })[] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, url, pid] of handlers) {
        const before = cpuOf(pid);
        const result = await send(name, url, REQUESTS, connections);
        measured[name].push({ ...result, cpu: ((cpuOf(pid) - before) / REQUESTS) * 1000 });
      }
    }
    const ratio = median(measured.ours.map(({ cpu }, index) => cpu / (measured.bare[index]?.cpu ?? 1)));
    for (const [name, , pid] of handlers) {
      const of = (key: 'rate' | 'p50' | 'p99' | 'cpu'): number => median(measured[name].map((one) => one[key]));
      row(
        `${name}, ${connections} connections`,
        of('rate'),
        of('p50'),
        of('p99'),
        of('cpu'),
        rssOf(pid),
        name === 'ours' ? ratio : '',
      );
    }
  }
  console.log();
}

/** Dry-run creates: without a policy, with an in-tree policy, with the bare handler, with us. Alternating namespaces. */
async function throughApiServer(bare: Bare): Promise<void> {
  for (const name of ['none', 'intree', 'bare']) await kubectl(cluster, ['create', 'namespace', `bench-${name}`]);
  const rules = {
    apiGroups: ['apps'],
    apiVersions: ['v1'],
    resources: ['deployments'],
    operations: ['CREATE', 'UPDATE'],
  };
  const inNamespace = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
  const objects = [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'bare' },
      webhooks: [
        {
          name: 'bare.example.com',
          admissionReviewVersions: ['v1'],
          clientConfig: { url: `${bare.url}/`, caBundle: bare.caBundle },
          rules: [rules],
          sideEffects: 'None',
          namespaceSelector: inNamespace('bench-bare'),
        },
      ],
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'intree' },
      spec: {
        matchConstraints: { resourceRules: [rules] },
        validations: readFileSync(join(import.meta.dirname, 'intree.cel'), 'utf8')
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('#'))
          .map((expression) => ({ expression })),
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'intree' },
      spec: {
        policyName: 'intree',
        validationActions: ['Deny'],
        matchResources: { namespaceSelector: inNamespace('bench-intree') },
      },
    },
  ];
  await kubectl(cluster, ['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  });
  await sleep(3000);
  const client = await adminOptions();
  const variants = {
    'no policy': 'bench-none',
    'in-tree policy (CEL)': 'bench-intree',
    'bare handler': 'bench-bare',
    ours: 'bench',
  };
  const rates = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, namespace] of Object.entries(variants)) {
      const url = `${cluster.server}/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`;
      const result = await load(
        url,
        client,
        (index) => JSON.stringify(deployment(`web-${index}`, namespace)),
        CREATES,
        16,
        (status) => status === 201,
      );
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} wrong answers`);
      if (round > 0) rates.set(name, [...(rates.get(name) ?? []), result.rate]);
    }
  }
  row('dry-run creates through the API server', 'per second', 'of none', 'of bare');
  const of = (name: string): number => median(rates.get(name) ?? []);
  const share = (name: string, other: string): number =>
    median((rates.get(name) ?? []).map((rate, index) => rate / (rates.get(other)?.[index] ?? 1)));
  for (const name of Object.keys(variants)) row(name, of(name), share(name, 'no policy'), share(name, 'bare handler'));
}

async function adminOptions() {
  const { clusters, users } = JSON.parse(
    (await kubectl(cluster, ['config', 'view', '--raw', '--flatten', '-o', 'json'])).stdout,
  ) as { clusters: { cluster: Record<string, string> }[]; users: { user: Record<string, string> }[] };
  const decode = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');
  const user = users[0]?.user ?? {};
  return {
    ca: decode(clusters[0]?.cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  };
}

async function create(
  client: Awaited<ReturnType<typeof adminOptions>>,
  body: string,
): Promise<{ status: number; text: string }> {
  let answer = { status: 0, text: '' };
  await load(
    `${cluster.server}/apis/apps/v1/namespaces/bench/deployments?dryRun=All`,
    client,
    () => body,
    1,
    1,
    (status, text) => {
      answer = { status, text };
      return true;
    },
  );
  return answer;
}
