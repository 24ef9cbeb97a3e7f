/** The test bed from the command line: `node test/cluster/main.ts binaries|up|run`, and `node up|down|status`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBinaries, programNames, type ProgramName } from './binaries.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { clientEnvironment } from './kubectl.ts';
import { duration, streamLog } from './log.ts';
import { stopNode } from './node.ts';
import { deleteKind, downCommand, isProvider, kindRuns, provide, PROVIDERS } from './provider.ts';
import { lastNode, nodeRuns } from './remains.ts';
import { exportOf } from './shell.ts';

const USAGE = `usage:
  main.ts binaries [name...]   finds, fetches or builds the programs of the test bed (all, or those named) and prints
                               their paths
  main.ts up                   starts a cluster and prints what a shell needs to use it; Ctrl-C ends it
  main.ts run [--] command...  starts a cluster, runs a command with it, ends it and exits as the command did
  main.ts node up              starts a whole node, on which pods run, with the operator's image, and prints what a shell
                               needs to use it (Linux, root). It goes on running. [--network 10.77.0]
                               [--service-network 10.96.0.0/16] [--pod-network 10.244.0.0/24]
  main.ts node down|status     ends it; says whether it runs
                               --provider kind: the same with a kind cluster (needs kind and Docker; untested by us)
                               --provider existing --kubeconfig <file>: nothing is started or ended
`;

const log = streamLog();

async function main([verb, ...rest]: string[]): Promise<number> {
  if (verb === 'binaries') return binaries(rest);
  if (verb === 'up' && rest.length === 0) return up();
  if (verb === 'node') return node(rest);
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  if (verb === 'run' && command.length > 0) return run(command);
  const asked = verb === 'help' || verb === '--help';
  (asked ? process.stdout : process.stderr).write(USAGE);
  return asked ? 0 : 2;
}

async function binaries(names: string[]): Promise<number> {
  const known = (name: string): name is ProgramName => (programNames as readonly string[]).includes(name);
  const unknown = names.filter((name) => !known(name));
  if (unknown.length > 0) {
    process.stderr.write(`no such program: ${unknown.join(', ')}; there are ${programNames.join(', ')}\n`);
    return 2;
  }
  const found = await ensureBinaries(names.length > 0 ? names.filter(known) : programNames, { log });
  for (const [name, path] of Object.entries(found)) process.stdout.write(`${name} ${path}\n`);
  return 0;
}

/** The cluster, and the environment of somebody who uses it: kubectl is on the PATH even of a machine that has none. */
async function start(): Promise<{ cluster: Cluster; environment: Record<string, string> }> {
  const { kubectl } = await ensureBinaries(['kubectl'], { log });
  const started = performance.now();
  const cluster = await startCluster({ log });
  log(`the cluster is up after ${duration(performance.now() - started)}; state and logs are in ${cluster.dir}`);
  const PATH = [dirname(kubectl), process.env['PATH']].join(delimiter);
  return { cluster, environment: { ...clientEnvironment(cluster), PATH } };
}

async function up(): Promise<number> {
  const { cluster, environment } = await start();
  print(environment);
  log('Ctrl-C ends it');
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  await cluster.stop();
  return 0;
}

async function node([verb = '', ...rest]: string[]): Promise<number> {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({
    args: rest,
    options: {
      provider: option,
      kubeconfig: option,
      network: option,
      'service-network': option,
      'pod-network': option,
    },
  });
  const { provider = 'node', kubeconfig } = values;
  if (!isProvider(provider)) {
    process.stderr.write(`--provider: there are ${PROVIDERS.join(', ')}\n`);
    return 2;
  }
  if (verb === 'up') {
    const started = performance.now();
    const cluster = await provide(provider, {
      log,
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(values.network !== undefined && { network: values.network }),
      ...(values['service-network'] !== undefined && { serviceNetwork: values['service-network'] }),
      ...(values['pod-network'] !== undefined && { podNetwork: values['pod-network'] }),
    });
    if (provider !== 'existing') {
      log(`the cluster is up after ${duration(performance.now() - started)}, with the image ${cluster.image}`);
      log(`end it with: ${downCommand(provider)}`);
    }
    const { kubectl } = await ensureBinaries(['kubectl'], { log });
    const PATH = [dirname(kubectl), process.env['PATH']].join(delimiter);
    print(provider === 'existing' ? { KUBECONFIG: cluster.kubeconfig, PATH } : { ...clientEnvironment(cluster), PATH });
    await cluster.detach();
    // What is left are idle connections.
    process.exit(0);
  }
  if (verb !== 'down' && verb !== 'status') {
    process.stderr.write(USAGE);
    return 2;
  }
  if (provider === 'existing') {
    process.stderr.write(`${verb}: a cluster that is there already is not ours to look after\n`);
    return 2;
  }
  const runs = provider === 'kind' ? await kindRuns() : nodeRuns();
  if (verb === 'status') {
    process.stdout.write(
      runs ? `runs${provider === 'kind' ? '' : `: ${JSON.stringify(lastNode())}`}\n` : 'none runs\n',
    );
    return runs ? 0 : 1;
  }
  await (provider === 'kind' ? deleteKind() : stopNode());
  log(runs ? 'it is gone' : 'none runs');
  return 0;
}

function print(environment: Record<string, string>): void {
  for (const [name, value] of Object.entries(environment)) process.stdout.write(`${exportOf(name, value)}\n`);
}

async function run([command = '', ...args]: string[]): Promise<number> {
  const { cluster, environment } = await start();
  // Ctrl-C reaches the command too, which decides; and then the cluster is ended in order.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } });
    const terminate = () => void child.kill('SIGTERM');
    process.on('SIGTERM', terminate);
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    process.off('SIGTERM', terminate);
    return code ?? 128 + (signal ? constants.signals[signal] : 0);
  } finally {
    process.off('SIGINT', ignore);
    await cluster.stop();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
