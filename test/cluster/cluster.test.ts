import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';
import { StartError, startCluster, type Cluster } from './cluster.ts';
import { kubectl } from './kubectl.ts';

const execFileAsync = promisify(execFile);

/** Command lines of the processes of this machine that have a text in them. */
async function processes(text: string): Promise<string[]> {
  const { stdout } = await execFileAsync('ps', ['-axo', 'pid=,args='], { maxBuffer: 1e8 });
  return stdout.split('\n').filter((line) => line.includes(text));
}

describe('cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster();
  });

  afterAll(() => cluster?.stop());

  test('kubectl reaches it, as administrator, as a user of its own and as somebody else', async () => {
    expect((await kubectl(cluster, ['get', '--raw', '/version'])).stdout).toContain('"gitVersion": "v1.');
    const alice = await cluster.kubeconfigFor({ user: 'alice', groups: ['system:masters-not', 'team-a'] });
    const whoami = async (target: string | Cluster, as?: string) => {
      const { stdout } = await kubectl(target, ['auth', 'whoami', '-o', 'json'], as === undefined ? {} : { as });
      return (JSON.parse(stdout) as { status: { userInfo: { username: string; groups: string[] } } }).status.userInfo;
    };
    expect(await whoami(alice)).toMatchObject({
      username: 'alice',
      groups: ['system:masters-not', 'team-a', 'system:authenticated'],
    });
    expect((await whoami(cluster, 'bob')).username).toBe('bob');
    const refused = await kubectl(alice, ['get', 'secrets'], { allowFailure: true });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('secrets is forbidden: User "alice" cannot list');
  });

  test('its controllers work, and a killed etcd or API server comes back with what it held', async () => {
    await kubectl(cluster, ['create', 'deployment', 'web', '--image=example.com/web:1']);
    const pods = async () =>
      (await kubectl(cluster, ['get', 'pods', '-l', 'app=web', '-o', 'name'])).stdout.trim().split('\n');
    await until('a pod', async () => (await pods()).join('').startsWith('pod/web-'));
    const before = await pods();
    await cluster.apiServer.kill();
    await cluster.etcd.kill();
    expect((await kubectl(cluster, ['get', 'pods'], { allowFailure: true })).stderr).toContain('connection');
    await cluster.etcd.start();
    await cluster.apiServer.start();
    expect(await pods()).toEqual(before);
    // The controller-manager was not told, and goes on.
    await kubectl(cluster, ['scale', 'deployment', 'web', '--replicas=2']);
    await until('a second pod', async () => (await pods()).length === 2);
  });

  test('a component that does not start says why, with its own words', async () => {
    const flags = { apiServer: ['--no-such-flag'] };
    await expect(startCluster({ flags })).rejects.toThrow(/kube-apiserver ended while it started .*unknown flag/s);
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const refused = startCluster({ ports: { etcd: port } });
    await expect(refused).rejects.toBeInstanceOf(StartError);
    await expect(refused).rejects.toMatchObject({ portTaken: true });
    squatter.close();
  });

  test('kill -9 of the process that started it leaves no process and no folder', async () => {
    const script = join(import.meta.dirname, 'main.ts');
    const harness = spawn(process.execPath, [script, 'up'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    harness.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const kubeconfig = await until('the cluster to be up', () => /KUBECONFIG='?([^'\n]+)'?\n/.exec(output)?.[1], 240);
    const dir = dirname(kubeconfig);
    expect(existsSync(dir)).toBe(true);
    expect((await processes(dir)).length).toBeGreaterThanOrEqual(4);
    harness.kill('SIGKILL');
    await until('all to be gone', async () => !existsSync(dir) && (await processes(dir)).length === 0);
  });
});
