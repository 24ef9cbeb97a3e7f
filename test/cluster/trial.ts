/** The operator in a cluster that is there already, for a while: installed with Helm, shown, and removed without a trace. */
import { join } from 'node:path';
import { demonstrate, type Samples } from './demonstration.ts';
import { helm, kubectl, type Target } from './kubectl.ts';
import type { Log } from './log.ts';
import { commandOf } from './next-steps.ts';

const CHART = join(import.meta.dirname, '..', '..', 'charts/readiness-operator');
const RELEASE = 'readiness-operator';
const NAMESPACE = 'readiness-operator';
/** The only namespace that the samples are to concern. */
export const DEMONSTRATION = 'readiness-quickstart';
const CRD_LABEL = 'app.kubernetes.io/part-of=readiness-operator';
const CLUSTER_WIDE = [
  'customresourcedefinitions',
  'clusterroles',
  'clusterrolebindings',
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'namespaces',
];
const GONE_MS = 120_000;

export interface TrialOptions {
  readonly target: Target;
  /** What is applied; all of it in {@link DEMONSTRATION}. */
  readonly samples: Samples;
  /** `repository:tag` of the operator's image. */
  readonly image: string;
  /** Leave all there. */
  readonly keep: boolean;
  /** Asked before anything is changed; `text` says what will be. */
  readonly agreed: (text: string) => Promise<boolean>;
  /** Aborts when it is to end early: what was installed is removed all the same. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/**
 * Installs, shows, and removes all that was installed.
 *
 * @returns what was not as it should be; undefined: all was
 * @throws Error if the cluster can't be reached, or has some of it already (then nothing is changed)
 */
export async function tryOut(options: TrialOptions): Promise<string | undefined> {
  const { target, image, log, keep, signal } = options;
  const context = await kubectl(target, ['config', 'current-context'], { allowFailure: true });
  const server = await kubectl(target, ['config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}']);
  const present = await traces(target);
  if (present.length > 0) {
    throw new Error(
      `this cluster has some of it already, and nothing was changed: ${present.join(', ')}. ` +
        'Use another cluster, or remove these first',
    );
  }
  const text =
    `cluster ${server.stdout} (context ${context.stdout.trim() || 'none'})\n` +
    `  installed: the chart readiness-operator with ${image} in a namespace ${NAMESPACE}, three CRDs, cluster roles, webhook configurations\n` +
    `  shown: a policy for a namespace ${DEMONSTRATION} alone, a deployment in it that is refused, and one that is admitted\n` +
    `  afterwards: ${keep ? 'it stays' : 'all is removed again'}\n`;
  if (!(await options.agreed(text))) return 'nothing was changed';
  try {
    await install(target, image);
    log('the operator is installed');
    if (signal.aborted) return 'interrupted';
    return await demonstrate(target, options.samples);
  } finally {
    if (!keep) await remove(target, log);
  }
}

async function install(target: Target, image: string): Promise<void> {
  const colon = image.lastIndexOf(':');
  const values = { 'image.repository': image.slice(0, colon), 'image.tag': image.slice(colon + 1) };
  const set = Object.entries(values).map(([name, value]) => `--set-string=${name}=${value}`);
  const place = ['-n', NAMESPACE, '--create-namespace'];
  await helm(target, ['install', RELEASE, CHART, ...place, ...set, '--wait', '--timeout=120s'], { timeoutMs: 180_000 });
}

/** The commands by which a person removes all that was installed and kept, each a line for a shell. */
export async function removal(): Promise<string[]> {
  const [run, chart] = [await commandOf('kubectl'), await commandOf('helm')];
  return [
    `${chart} uninstall ${RELEASE} -n ${NAMESPACE}`,
    `${run} delete namespace ${NAMESPACE} ${DEMONSTRATION}`,
    `${run} delete crd -l ${CRD_LABEL}`,
  ];
}

/** @throws Error if something stays */
async function remove(target: Target, log: Log): Promise<void> {
  log('removing all that was installed');
  const run = (...args: string[]) => kubectl(target, args, { allowFailure: true, timeoutMs: GONE_MS });
  await helm(target, ['uninstall', RELEASE, '-n', NAMESPACE, '--wait', '--timeout=90s'], {
    allowFailure: true,
    timeoutMs: GONE_MS,
  });
  await run('delete', 'namespace', NAMESPACE, DEMONSTRATION, '--ignore-not-found', '--timeout=90s');
  const left = (await traces(target)).filter((name) => name.startsWith('customresourcedefinition'));
  if (left.length > 0) await run('delete', ...left, '--timeout=60s');
  const rest = await traces(target);
  if (rest.length > 0) throw new Error(`could not be removed: ${rest.join(', ')}`);
}

/** What of ours a cluster has, as `kind/name`. @throws Error if it can't be asked */
async function traces(target: Target): Promise<string[]> {
  const served = (await kubectl(target, ['api-resources', '--no-headers', '-o', 'name', '--namespaced=false'])).stdout;
  const kinds = CLUSTER_WIDE.filter((kind) => new RegExp(`^${kind}(\\.|$)`, 'm').test(served));
  const { stdout } = await kubectl(target, ['get', kinds.join(','), '-o', 'name']);
  const ours = /\/(readiness-operator|readiness-quickstart)(-|$)|\.readiness-operator\.dev$/;
  return stdout.split('\n').filter((name) => ours.test(name));
}
