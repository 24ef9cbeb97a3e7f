/** Where a cluster with pods comes from: a node of our own, kind, or a kubeconfig. */
import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { IMAGE_CONFIG, IMAGE_NAME, imageEntries } from '../../scripts/image.ts';
import type { Log } from './log.ts';
import { startNode, type NodeOptions } from './node.ts';
import { writeImage } from './oci.ts';

const execFileAsync = promisify(execFile);

/** `node`: node.ts, Linux and root. `kind`: needs kind and Docker. `existing`: whatever a kubeconfig tells of. */
export const PROVIDERS = ['node', 'kind', 'existing'] as const;
export type Provider = (typeof PROVIDERS)[number];

const KIND_CLUSTER = 'readiness-operator';
const KIND_CONFIG = join(import.meta.dirname, 'kind.yaml');
/** Its kubeconfig and archives. */
const KIND_FOLDER = join(tmpdir(), 'readiness-kind');
const KIND_MS = 600_000;

/** A cluster that is up. All but an existing one have the operator's image. */
export interface ProvidedCluster {
  readonly kubeconfig: string;
  /** The operator's image, `repository:tag`. */
  readonly image: string;
  /** Its size, in bytes unpacked; undefined where none was made. */
  readonly imageBytes: number | undefined;
  stop(): Promise<void>;
  /** Lets it run on after this process. */
  detach(): Promise<void>;
}

export interface ProviderOptions extends NodeOptions {
  /** Of the cluster that is there already. */
  readonly kubeconfig?: string;
}

export function isProvider(name: string): name is Provider {
  return (PROVIDERS as readonly string[]).includes(name);
}

/** The command that ends a cluster of ours which was left running. */
export function downCommand(provider: Exclude<Provider, 'existing'>): string {
  return `npm run cluster -- down${provider === 'node' ? '' : ` --provider ${provider}`}`;
}

/**
 * Brings a cluster up, with the operator's image.
 *
 * @throws Error if that can't be had here; the message says what is lacking
 */
export async function provide(provider: Provider, options: ProviderOptions): Promise<ProvidedCluster> {
  if (provider === 'existing') {
    if (options.kubeconfig === undefined) throw new Error('--kubeconfig <file> is needed');
    const nothing = async () => {};
    return {
      kubeconfig: options.kubeconfig,
      image: IMAGE_NAME,
      imageBytes: undefined,
      stop: nothing,
      detach: nothing,
    };
  }
  return provider === 'node' ? provideNode(options) : provideKind(options.log);
}

async function provideNode(options: NodeOptions): Promise<ProvidedCluster> {
  const node = await startNode(options);
  try {
    const archive = join(node.dir, 'operator.tar');
    const imageBytes = await writeOperator(archive);
    await node.loadImages(archive);
    return {
      kubeconfig: node.kubeconfig,
      image: IMAGE_NAME,
      imageBytes,
      stop: () => node.stop(),
      detach: async () => void node.detach(),
    };
  } catch (error) {
    await node.stop();
    throw error;
  }
}

async function provideKind(log: Log | undefined): Promise<ProvidedCluster> {
  await mkdir(KIND_FOLDER, { recursive: true, mode: 0o700 });
  const kubeconfig = join(KIND_FOLDER, 'admin.kubeconfig');
  log?.(`creating the kind cluster ${KIND_CLUSTER}`);
  await kind('create', 'cluster', `--config=${KIND_CONFIG}`, `--kubeconfig=${kubeconfig}`, '--wait=120s');
  const stop = deleteKind;
  try {
    const archive = join(KIND_FOLDER, 'operator.tar');
    const imageBytes = await writeOperator(archive);
    await kind('load', 'image-archive', archive);
    return { kubeconfig, image: IMAGE_NAME, imageBytes, stop, detach: async () => {} };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Deletes our kind cluster; none is no error. */
export async function deleteKind(): Promise<void> {
  await kind('delete', 'cluster');
  await rm(KIND_FOLDER, { recursive: true, force: true });
}

/** Is our kind cluster there? */
export async function kindRuns(): Promise<boolean> {
  const { stdout } = await execFileAsync('kind', ['get', 'clusters']).catch(() => ({ stdout: '' }));
  return stdout.split('\n').includes(KIND_CLUSTER);
}

async function kind(...args: string[]): Promise<string> {
  try {
    const { stdout } = await execFileAsync('kind', [...args, `--name=${KIND_CLUSTER}`], { timeout: KIND_MS });
    return stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('there is no kind on the PATH (https://kind.sigs.k8s.io); without it: --provider node', {
      cause: error,
    });
  }
}

function writeOperator(archive: string): Promise<number> {
  return writeImage(archive, IMAGE_NAME, imageEntries(), IMAGE_CONFIG);
}
