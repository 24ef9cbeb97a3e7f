/** `--secret-access`: Secrets are looked up one by one, or never, under just the permissions of that setting. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { helm, kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, startOperator, type Operator } from '../cluster/operator.ts';
import { teamPolicy } from '../support/manifests.ts';
import { fitting } from '../support/until.ts';

jest.setTimeout(180_000);
type Json = Record<string, any>;
const CHART = join(import.meta.dirname, '../../charts/readiness-operator');
let cluster: Cluster;
let operator: Operator | undefined;

const apply = (object: Json): Promise<CommandResult> =>
  kubectl(cluster, ['apply', '-f', '-'], { input: JSON.stringify(object), allowFailure: true });

beforeAll(async () => {
  cluster = await startCluster();
  await installOperator(cluster);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'shop' } } });
});
afterAll(async () => {
  await cluster?.stop();
});

/** Runs the operator in a mode, under the permissions that the chart gives it for that mode. */
async function start(access: string): Promise<void> {
  await operator?.stop();
  const { stdout } = await helm(cluster, [
    'template',
    'readiness-operator',
    CHART,
    '--namespace=readiness-operator',
    '--set=image.repository=x',
    `--set=rbac.secrets=${access}`,
    '--show-only=templates/rbac.yaml',
  ]);
  await kubectl(cluster, ['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: stdout });
  // The authorizer follows its own watch.
  await sleep(500);
  operator = await startOperator(cluster, [`--secret-access=${access}`]);
}

async function enforce(onUnknown: string): Promise<void> {
  const policy = teamPolicy('shop', {
    profile: 'none',
    enforcement: { onUnknown },
    checks: { secretReferences: { priority: 'Critical' } },
  });
  const { stderr } = await apply(policy);
  expect(stderr).toBe('');
  await enforced(cluster, 'shop');
}

const workload = (name: string, secret: string): Json => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'shop' },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          {
            name: 'app',
            image: 'x:1',
            env: [{ name: 'P', valueFrom: { secretKeyRef: { name: secret, key: 'password' } } }],
          },
        ],
      },
    },
  },
});

const secret = (name: string): Json => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'shop' },
  stringData: { password: 'x' },
});

async function condition(): Promise<Json> {
  const { stdout } = await kubectl(cluster, ['get', 'rpol', 'shop', '-o', 'json']);
  return ((JSON.parse(stdout) as Json)['status'].conditions as Json[]).find(({ type }) => type === 'Informed') ?? {};
}

async function report(name: string): Promise<Json> {
  const { stdout, code } = await kubectl(cluster, ['-n', 'shop', 'get', 'rrep', `deployment-${name}`, '-o', 'json'], {
    allowFailure: true,
  });
  return code === 0 ? (JSON.parse(stdout) as Json) : {};
}

describe('Get', () => {
  beforeAll(async () => {
    await start('Get');
    await enforce('Deny');
  });

  test('admission reads the very Secret: there, missing, and there a moment later', async () => {
    await apply(secret('there'));
    expect(await apply(workload('one', 'there'))).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await apply(workload('two', 'missing'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('missing')]);
    await apply(secret('missing'));
    expect(await apply(workload('two', 'missing'))).toMatchObject({ code: 0, stderr: '' });
  });

  test('what runs is reported, after the Secret was read', async () => {
    const found = await fitting(
      () => report('one'),
      ({ ready }) => ready === 'True',
      20,
    );
    expect([found['ready'], found['unknown'] ?? []]).toEqual(['True', []]);
  });

  test('all is told to be read, and Secrets are neither listed nor watched', async () => {
    expect(await condition()).toMatchObject({ status: 'True', reason: 'AllRead' });
    const as = ['--as=system:serviceaccount:readiness-operator:readiness-operator'];
    const can = async (verb: string): Promise<string> =>
      (await kubectl(cluster, ['auth', 'can-i', verb, 'secrets', '-A', ...as], { allowFailure: true })).stdout.trim();
    expect(await Promise.all(['get', 'list', 'watch'].map(can))).toEqual(['yes', 'no', 'no']);
  });
});

describe('None', () => {
  beforeAll(async () => {
    await start('None');
    await enforce('Warn');
  });

  test('admission warns that it can not know, and names the setting', async () => {
    const { code, stderr } = await apply(workload('three', 'nobody-knows'));
    expect([code, stderr]).toEqual([0, expect.stringContaining('--secret-access=None')]);
    await enforce('Deny');
    const denied = await apply(workload('four', 'nobody-knows'));
    expect([denied.code, denied.stderr]).toEqual([1, expect.stringContaining('--secret-access=None')]);
  });

  test('report and policy tell it too', async () => {
    const found = await fitting(
      () => report('three'),
      ({ unknown }) => unknown !== undefined,
      20,
    );
    expect(JSON.stringify(found['unknown'])).toContain('--secret-access=None');
    const told = await fitting(condition, ({ status }) => status === 'False', 20);
    expect(told).toMatchObject({ status: 'False', reason: 'NotRead' });
    expect(told['message']).toContain('--secret-access=None');
    expect(told['message']).toContain('secretReferences');
  });
});

describe('Watch, without the permission', () => {
  test('no crash loop: the policy tells what is missing, and it is noticed when it comes', async () => {
    await start('Watch');
    const rules = JSON.parse(
      (await kubectl(cluster, ['get', 'clusterrole', 'readiness-operator', '-o', 'json'])).stdout,
    ) as {
      rules: { resources: string[] }[];
    };
    const without = rules.rules.filter(({ resources }) => !resources.includes('secrets'));
    const put = (list: unknown): Promise<CommandResult> =>
      kubectl(cluster, [
        'patch',
        'clusterrole',
        'readiness-operator',
        '--type=merge',
        '-p',
        JSON.stringify({ rules: list }),
      ]);
    await put(without);
    const told = await fitting(condition, ({ message }) => String(message).includes('cannot'), 60);
    expect(told).toMatchObject({ status: 'False', reason: 'NotRead' });
    expect(told['message']).toContain('cannot list resource "secrets"');
    expect(operator?.process.exit).toBeUndefined();
    await put(rules.rules);
    expect(await fitting(condition, ({ status }) => status === 'True', 60)).toMatchObject({ status: 'True' });
  });
});
