/**
 * Every place in a pod template that names a Secret or a ConfigMap (core/v1: EnvVarSource, EnvFromSource, VolumeSource,
 * LocalObjectReference), in all kinds of containers.
 */
import type { CheckInput } from './check.ts';
import { OneOf } from './parameters.ts';
import { valueAt, type Path } from './path.ts';
import { onceForEach } from './remember.ts';
import type { Workload } from './workload.ts';

export interface Reference {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  /** The keys that must be in it; empty where the whole object is used. */
  readonly keys: readonly string[];
  /** `optional: true`: Kubernetes starts the pod without it. */
  readonly optional: boolean;
  /** It holds credentials for pulling images, which takes a Secret of certain types. */
  readonly pull: boolean;
  readonly path: Path;
  /** Name of the container that uses it; undefined for volumes and pull secrets. */
  readonly container: string | undefined;
}

/** The parameter `whenMissing` of reference checks. */
export const WHEN_MISSING = OneOf(
  ['Unmet', 'Wait'],
  'Unmet',
  'What a missing object means. Wait: it may follow; admission only warns, and the report shows it as unmet once the workload is older than enforcement.companionGrace.',
);

interface KeyRef {
  readonly name?: string | null;
  readonly key?: string | null;
  readonly optional?: boolean | null;
}
interface Source {
  readonly name?: string | null;
  readonly secretName?: string | null;
  readonly optional?: boolean | null;
  readonly items?: readonly { readonly key: string }[] | null;
}

/**
 * Lists the references of a workload in the order in which they stand; empty names (incomplete manifests) are left out.
 * Looked for once for each workload: five checks ask.
 */
export const referencesOf = onceForEach<Workload, readonly Reference[]>(findReferences);

function findReferences(workload: Workload): Reference[] {
  const references: Reference[] = [];
  const add = (
    kind: Reference['kind'],
    name: string | null | undefined,
    path: Path,
    more: { keys?: readonly string[]; optional?: boolean | null | undefined; pull?: true; container?: string },
  ): void => {
    if (!name) return;
    const { keys = [], optional, pull = false, container } = more;
    references.push({ kind, name, keys, optional: optional === true, pull, path, container });
  };
  const addKey = (kind: Reference['kind'], ref: KeyRef | null | undefined, path: Path, container: string): void => {
    if (ref) add(kind, ref.name, path, { keys: ref.key ? [ref.key] : [], optional: ref.optional, container });
  };
  const addSource = (kind: Reference['kind'], source: Source | null | undefined, path: Path): void => {
    if (!source) return;
    const keys = (source.items ?? []).map(({ key }) => key);
    add(kind, source.secretName ?? source.name, path, { keys, optional: source.optional });
  };

  for (const { name: container, spec, path } of workload.containers) {
    spec.env?.forEach(({ valueFrom }, index) => {
      if (!valueFrom) return;
      const at = [...path, 'env', index, 'valueFrom'];
      addKey('Secret', valueFrom.secretKeyRef, [...at, 'secretKeyRef'], container);
      addKey('ConfigMap', valueFrom.configMapKeyRef, [...at, 'configMapKeyRef'], container);
    });
    spec.envFrom?.forEach(({ secretRef, configMapRef }, index) => {
      const at = [...path, 'envFrom', index];
      if (secretRef) add('Secret', secretRef.name, [...at, 'secretRef'], { optional: secretRef.optional, container });
      if (configMapRef) {
        add('ConfigMap', configMapRef.name, [...at, 'configMapRef'], { optional: configMapRef.optional, container });
      }
    });
  }
  const { pod, podPath } = workload;
  pod.volumes?.forEach((volume, index) => {
    const at = [...podPath, 'volumes', index];
    addSource('Secret', volume.secret, [...at, 'secret']);
    addSource('ConfigMap', volume.configMap, [...at, 'configMap']);
    volume.projected?.sources?.forEach((source, position) => {
      const below = [...at, 'projected', 'sources', position];
      addSource('Secret', source.secret, [...below, 'secret']);
      addSource('ConfigMap', source.configMap, [...below, 'configMap']);
    });
    add('Secret', volume.csi?.nodePublishSecretRef?.name, [...at, 'csi', 'nodePublishSecretRef'], {});
    add('Secret', volume.azureFile?.secretName, [...at, 'azureFile', 'secretName'], {});
    for (const driver of ['cephfs', 'cinder', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'] as const) {
      add('Secret', volume[driver]?.secretRef?.name, [...at, driver, 'secretRef'], {});
    }
  });
  pod.imagePullSecrets?.forEach((reference, index) => {
    add('Secret', reference.name, [...podPath, 'imagePullSecrets', index], { pull: true });
  });
  return references;
}

/** The ServiceAccount that a pod runs as; Kubernetes takes `default` where none is named. */
export function serviceAccountOf(workload: Workload): { readonly name: string; readonly path: Path } {
  const { pod, podPath } = workload;
  if (pod.serviceAccountName) return { name: pod.serviceAccountName, path: [...podPath, 'serviceAccountName'] };
  if (pod.serviceAccount) return { name: pod.serviceAccount, path: [...podPath, 'serviceAccount'] };
  return { name: 'default', path: podPath };
}

/** The references to a kind, less the ones of containers that are not judged. */
export function judgedReferences(
  kind: Reference['kind'],
  { workload, containers }: Pick<CheckInput<unknown>, 'workload' | 'containers'>,
): Reference[] {
  const ofKind = referencesOf(workload).filter((reference) => reference.kind === kind);
  if (containers === workload.containers) return ofKind;
  const judged = new Set(containers.map(({ name }) => name));
  return ofKind.filter(({ container }) => container === undefined || judged.has(container));
}

/** A Secret that a workload uses, through its ServiceAccount perhaps. */
export interface SecretUse {
  readonly reference: Reference;
  /** How the workload comes to it, for messages; empty if it names it itself. */
  readonly via: string;
}

/**
 * Lists the Secrets that a workload uses: those that it names itself, less the ones that only containers name which are not
 * judged, and the pull secrets of its ServiceAccount.
 */
export function secretsUsed({
  workload,
  containers,
  related,
}: Pick<CheckInput<unknown>, 'workload' | 'containers' | 'related'>): SecretUse[] {
  const own = judgedReferences('Secret', { workload, containers }).map((reference): SecretUse => ({
    reference,
    via: '',
  }));
  // A pod that names no pull secrets of its own gets those of its ServiceAccount (admission plugin ServiceAccount).
  if ((workload.pod.imagePullSecrets?.length ?? 0) > 0) return own;
  const { name: account, path } = serviceAccountOf(workload);
  const answer = related.find('ServiceAccount', workload.namespace, account);
  for (const name of answer.state === 'found' ? (answer.values[0]?.imagePullSecrets ?? []) : []) {
    own.push({
      reference: { kind: 'Secret', name, keys: [], optional: false, pull: true, path, container: undefined },
      via: `ServiceAccount ${account} pulls images with a Secret: `,
    });
  }
  return own;
}

/** The same, each Secret once: at the first place that names it. */
export function eachSecretUsed(input: Parameters<typeof secretsUsed>[0]): Iterable<SecretUse> {
  return firstOfEach(secretsUsed(input), ({ reference }) => reference.name);
}

/** The ConfigMaps that a workload names, each once: at the first place, less the ones that only unjudged containers name. */
export function eachConfigMapUsed(input: Pick<CheckInput<unknown>, 'workload' | 'containers'>): Iterable<Reference> {
  return firstOfEach(judgedReferences('ConfigMap', input), ({ name }) => name);
}

function firstOfEach<T>(items: readonly T[], nameOf: (item: T) => string): Iterable<T> {
  if (items.length < 2) return items;
  const first = new Map<string, T>();
  for (const item of items) if (!first.has(nameOf(item))) first.set(nameOf(item), item);
  return first.values();
}

/**
 * The PersistentVolumeClaims that a pod names. A StatefulSet puts a claim of its own in place of a volume that has the name
 * of one of its volumeClaimTemplates.
 */
export function volumeClaimsOf(workload: Workload): { readonly name: string; readonly path: Path }[] {
  const { pod, podPath, object } = workload;
  if (!pod.volumes?.length) return [];
  const templates = valueAt(object, ['spec', 'volumeClaimTemplates']);
  const made = new Set((Array.isArray(templates) ? templates : []).map((one) => valueAt(one, ['metadata', 'name'])));
  return pod.volumes.flatMap(({ name: volume, persistentVolumeClaim }, index) => {
    const name = persistentVolumeClaim?.claimName;
    if (!name || made.has(volume)) return [];
    return [{ name, path: [...podPath, 'volumes', index, 'persistentVolumeClaim', 'claimName'] }];
  });
}
