/** What the quickstart shows: a policy, a deployment that is refused and one that is admitted, and what is reported. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { until } from '../support/until.ts';
import { kubectl, type CommandResult, type Target } from './kubectl.ts';
import { saidToBeEnforced } from './operator.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', 'manifests/samples');
const FILES = { policy: 'policy-production.yaml', bad: 'checkout-bad.yaml', good: 'cart-good.yaml' } as const;

/** The manifests that are shown, and where. */
export interface Samples {
  readonly namespace: string;
  /** Paths by what the manifest is for. */
  readonly files: Readonly<Record<keyof typeof FILES, string>>;
}

/** The samples of manifests/ as they are: the policy concerns every namespace but the system's. */
export function plainSamples(): Samples {
  const { metadata } = parse(readFileSync(join(SAMPLES, FILES.bad), 'utf8')) as { metadata: { namespace: string } };
  return { namespace: metadata.namespace, files: filesIn(SAMPLES) };
}

/** The samples for a cluster that others use too, written to `folder`: all that they concern is one namespace. */
export function confinedSamples(folder: string, namespace: string): Samples {
  mkdirSync(folder, { recursive: true });
  for (const name of Object.values(FILES)) {
    const documents = parseAllDocuments(readFileSync(join(SAMPLES, name), 'utf8')).map((document) => {
      const object = document.toJS() as {
        kind: string;
        metadata: Record<string, unknown>;
        spec: Record<string, unknown>;
      };
      if (object.kind === 'ReadinessPolicy') {
        object.metadata = { name: namespace };
        object.spec['match'] = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
      } else object.metadata['namespace'] = namespace;
      return stringify(object);
    });
    writeFileSync(join(folder, name), documents.join('---\n'));
  }
  return { namespace, files: filesIn(folder) };
}

function filesIn(folder: string): Samples['files'] {
  return {
    policy: join(folder, FILES.policy),
    bad: join(folder, FILES.bad),
    good: join(folder, FILES.good),
  };
}

/**
 * Applies the samples to a cluster with the operator, and shows what kubectl says, unedited.
 *
 * @returns what was not as it should be; undefined: all was
 */
export async function demonstrate(target: Target, { namespace, files }: Samples): Promise<string | undefined> {
  const { metadata } = parse(readFileSync(files.policy, 'utf8')) as { metadata: { name: string } };
  const shown = (text: string) =>
    Object.values(files).reduce((result, file) => result.replace(file, `manifests/samples/${basename(file)}`), text);
  const show = async (...args: string[]): Promise<CommandResult> => {
    process.stdout.write(`\n$ kubectl ${shown(args.join(' '))}\n`);
    const result = await kubectl(target, args, { allowFailure: true });
    process.stdout.write(shown(result.stdout + result.stderr));
    return result;
  };
  await show('create', 'namespace', namespace);
  await show('apply', '-f', files.policy);
  await saidToBeEnforced(target, metadata.name);
  await refused(target, files.bad);
  const bad = await show('apply', '-f', files.bad);
  const good = await show('apply', '-f', files.good);
  await reported(target, metadata.name);
  await show('get', 'rpol', metadata.name);
  await show('get', 'rrep', '-n', namespace);
  if (bad.code === 0) return 'the deployment that is not ready was admitted';
  if (!bad.stderr.includes('is not ready for production')) return 'the bad deployment was refused for another reason';
  return good.code === 0 ? undefined : 'the deployment that is ready was refused';
}

/**
 * Waits until the API server calls the operator, a moment after it was told to. On a cluster of somebody else nothing is
 * made to find that out.
 */
async function refused(target: Target, file: string): Promise<void> {
  const attempt = ['apply', '--dry-run=server', '-f', file];
  await until('the API server to call the operator', async () => {
    return (await kubectl(target, attempt, { allowFailure: true })).code !== 0;
  });
}

/** Waits until the good deployment is counted in the policy's status. */
async function reported(target: Target, policy: string): Promise<void> {
  const path = 'jsonpath={.status.workloads.matched}';
  await until('the policy to count the deployment', async () => {
    return (await kubectl(target, ['get', 'rpol', policy, '-o', path])).stdout === '1';
  });
}
