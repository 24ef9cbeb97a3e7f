/** `--secret-access`: Secrets are looked up one by one, or never, under just the permissions of that setting. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { helm, kubectl, type CommandResult } from '../cluster/kubectl.ts';
import { enforced, installOperator, OPERATOR_IDENTITY, startOperator, type Operator } from '../cluster/operator.ts';
import { teamPolicy } from '../support/manifests.ts';
import { until } from '../support/until.ts';

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

/** What the operator may do with Secrets in each mode. */
const PERMITTED = {
  Get: { get: 'yes', list: 'no', watch: 'no' },
  None: { get: 'no', list: 'no', watch: 'no' },
  Watch: { get: 'yes', list: 'yes', watch: 'yes' },
};

/** Waits until the operator may do just this with Secrets: the authorizer follows roles by a watch of its own. */
async function permittedIs(permitted: Record<string, string>): Promise<void> {
  const can = async (verb: string): Promise<string> => {
    const question = ['auth', 'can-i', verb, 'secrets', '-A', `--as=${OPERATOR_IDENTITY.user}`];
    return (await kubectl(cluster, question, { allowFailure: true })).stdout.trim();
  };
  await until('the permissions to be in effect', async () => {
    const answers = Object.keys(permitted).map(async (verb) => [verb, await can(verb)] as const);
    expect(Object.fromEntries(await Promise.all(answers))).toEqual(permitted);
    return true;
  });
}

/** Runs the operator in a mode, under the permissions that the chart gives it for that mode. */
async function start(access: keyof typeof PERMITTED): Promise<void> {
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
  await permittedIs(PERMITTED[access]);
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

/** Waits until the policy's condition Informed is as expected. */
function informed(expected: Json): Promise<Json> {
  return until(`Informed to be ${JSON.stringify(expected)}`, async () => {
    const { stdout } = await kubectl(cluster, ['get', 'rpol', 'shop', '-o', 'json']);
    const conditions = (JSON.parse(stdout) as Json)['status'].conditions as Json[];
    const condition = conditions.find(({ type }) => type === 'Informed');
    expect(condition).toMatchObject(expected);
    return condition;
  });
}

/** Waits until a Deployment's report is as expected. */
function reported(name: string, expected: Json): Promise<Json> {
  return until(`the report of ${name} to be ${JSON.stringify(expected)}`, async () => {
    const { stdout } = await kubectl(cluster, ['-n', 'shop', 'get', 'rrep', `deployment-${name}`, '-o', 'json']);
    const report = JSON.parse(stdout) as Json;
    expect(report).toMatchObject(expected);
    return report;
  });
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
    const { unknown = [] } = await reported('one', { ready: 'True' });
    expect(unknown).toEqual([]);
  });

  test('all is told to be read, and Secrets are neither listed nor watched', async () => {
    await informed({ status: 'True', reason: 'AllRead' });
    await permittedIs(PERMITTED.Get);
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
    const { unknown } = await reported('three', { unknown: [expect.anything()] });
    expect(JSON.stringify(unknown)).toContain('--secret-access=None');
    const told = await informed({ status: 'False', reason: 'NotRead' });
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
    const message = expect.stringContaining('cannot list resource "secrets"');
    await informed({ status: 'False', reason: 'NotRead', message });
    expect(operator?.process.exit).toBeUndefined();
    await put(rules.rules);
    await informed({ status: 'True' });
  });
});
