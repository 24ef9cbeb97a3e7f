/**
 * The normal form of a workload: one shape for every kind that makes pods, in which each part knows where it stands in
 * the user's own object.
 */
import { Ajv, type ErrorObject } from 'ajv';
import { Type, type Static } from 'typebox';
import { type WorkloadKind } from './kinds.ts';
import { appendPath, formatPath, fromPointer, valueAt, type Path } from './path.ts';
import { PodTemplateSchema, type ContainerSpec, type PodSpec, type PodTemplate } from './pod.ts';
import { ListOf, Maybe, StringMap } from './schema.ts';
import type { Labels } from './selectors.ts';
import { excessOf, type Excess } from './size-bounds.ts';

/** A JSON object that claims to be a Kubernetes object; nothing in it has been looked at. */
export type RawObject = Readonly<Record<string, unknown>>;

/** Is a value a JSON object, and neither null nor a list? */
export function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The annotation in which a client-side `kubectl apply` keeps the manifest that it was given. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A place in an object that has the wrong shape. */
export interface FieldProblem {
  readonly path: Path;
  /** What is wrong and what belongs there, without the path: `must be array`. */
  readonly message: string;
}

/** `regular`; `init`; `sidecar`: an init container with `restartPolicy: Always`. Ephemeral containers are never judged. */
export type ContainerRole = 'regular' | 'init' | 'sidecar';

export interface Container {
  readonly role: ContainerRole;
  readonly name: string;
  readonly spec: ContainerSpec;
  /** `spec.template.spec.containers[0]` in a Deployment. */
  readonly path: Path;
}

/** A `metadata.ownerReferences` entry with `controller: true`. */
export interface ControllerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface Workload {
  readonly kind: WorkloadKind;
  /** The object as the user wrote it (or as the API server completed it). */
  readonly object: RawObject;
  readonly namespace: string;
  /** The name; for an object that is still to get one, its generateName. */
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly uid: string | undefined;
  /** Milliseconds since 1970, undefined before the API server has set it. */
  readonly createdAt: number | undefined;
  readonly deleting: boolean;
  readonly controller: ControllerReference | undefined;
  readonly template: PodTemplate;
  readonly pod: PodSpec;
  /** Path of the pod's spec. */
  readonly podPath: Path;
  /** Regular containers first, then init containers and sidecars, each in the manifest's order. */
  readonly containers: readonly Container[];
  /** Undefined for kinds without a replica count. `count` is undefined where the manifest leaves it out. */
  readonly replicas: { readonly count: number | undefined; readonly path: Path } | undefined;
  /** It is too large to be judged; undefined: it is not. */
  readonly excess: Excess | undefined;
}

const MetadataSchema = Type.Object({
  name: Maybe(Type.String()),
  generateName: Maybe(Type.String()),
  namespace: Maybe(Type.String()),
  uid: Maybe(Type.String()),
  creationTimestamp: Maybe(Type.String()),
  deletionTimestamp: Maybe(Type.String()),
  labels: Maybe(StringMap),
  annotations: Maybe(StringMap),
  ownerReferences: ListOf(
    Type.Object({
      apiVersion: Type.String(),
      kind: Type.String(),
      name: Type.String(),
      uid: Type.String(),
      controller: Maybe(Type.Boolean()),
    }),
  ),
});

const ajv = new Ajv({ strict: false, validateFormats: false, inlineRefs: true });
const validTemplate = ajv.compile<PodTemplate>(PodTemplateSchema);
const validMetadata = ajv.compile<Static<typeof MetadataSchema>>(MetadataSchema);

const NO_LABELS: Labels = Object.freeze({});

/**
 * Reads an object of a known kind into the normal form.
 *
 * Never throws: whatever stands where a list, a map or a string belongs is reported as a problem with its path. The API
 * server lets no such object of its own kinds through, but files, custom kinds and hostile callers bring them.
 */
export function readWorkload(
  object: RawObject,
  kind: WorkloadKind,
  defaultNamespace = 'default',
): { readonly workload: Workload } | { readonly problem: FieldProblem } {
  const metadata = object['metadata'] ?? {};
  if (!validMetadata(metadata)) return { problem: problemOf(validMetadata.errors, ['metadata']) };
  const written = kind.template.length === 0 ? { metadata, spec: object['spec'] } : valueAt(object, kind.template);
  const template = kind.custom === true ? withNames(written) : written;
  if (template === undefined || template === null) return { problem: { path: kind.template, message: 'is required' } };
  if (!validTemplate(template)) return { problem: problemOf(validTemplate.errors, kind.template) };
  const count = kind.replicas === undefined ? undefined : (valueAt(object, kind.replicas) ?? undefined);
  if (kind.replicas !== undefined && count !== undefined && !Number.isInteger(count)) {
    return { problem: { path: kind.replicas, message: 'must be an integer' } };
  }

  const created = Date.parse(metadata.creationTimestamp ?? '');
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  const podPath = [...kind.template, 'spec'];
  return {
    workload: {
      kind,
      object,
      namespace: metadata.namespace ?? defaultNamespace,
      name: metadata.name ?? metadata.generateName ?? '',
      labels: metadata.labels ?? NO_LABELS,
      annotations: metadata.annotations ?? NO_LABELS,
      uid: metadata.uid ?? undefined,
      createdAt: Number.isNaN(created) ? undefined : created,
      deleting: typeof metadata.deletionTimestamp === 'string',
      controller,
      template,
      pod: template.spec,
      podPath,
      containers: readContainers(template.spec, podPath),
      replicas: kind.replicas === undefined ? undefined : { count: count as number | undefined, path: kind.replicas },
      excess: excessOf(template, metadata.annotations, podPath),
    },
  };
}

/**
 * Does an object make pods by a template of its own? One of a custom kind may hold none: an Argo Rollout can refer to a
 * Deployment, which is judged itself.
 */
export function hasTemplate(object: RawObject, kind: WorkloadKind): boolean {
  return kind.custom !== true || (valueAt(object, kind.template) ?? undefined) !== undefined;
}

/** Custom kinds may leave out the names of containers, which Kubernetes' own never do: they are empty then. */
function withNames(template: unknown): unknown {
  const pod = valueAt(template, ['spec']);
  const named = ['containers', 'initContainers'].flatMap((list) => {
    const containers = valueAt(pod, [list]);
    if (!Array.isArray(containers) || containers.every((one) => valueAt(one, ['name']) !== undefined)) return [];
    return [[list, containers.map((one: unknown) => (isObject(one) ? { name: '', ...one } : one))] as const];
  });
  if (named.length === 0) return template;
  return { ...(template as object), spec: { ...(pod as object), ...Object.fromEntries(named) } };
}

function readContainers(pod: PodSpec, podPath: Path): Container[] {
  const containers: Container[] = [];
  (pod.containers ?? []).forEach((spec, index) => {
    containers.push({ role: 'regular', name: spec.name, spec, path: [...podPath, 'containers', index] });
  });
  (pod.initContainers ?? []).forEach((spec, index) => {
    const role = spec.restartPolicy === 'Always' ? 'sidecar' : 'init';
    containers.push({ role, name: spec.name, spec, path: [...podPath, 'initContainers', index] });
  });
  return containers;
}

function problemOf(errors: readonly ErrorObject[] | null | undefined, root: Path): FieldProblem {
  const error = errors?.[0];
  return {
    path: [...root, ...fromPointer(error?.instancePath ?? '')],
    message: error?.message ?? 'has the wrong shape',
  };
}

/**
 * A path as messages show it: lists of containers by the container's name, `spec.template.spec.containers[app].image`.
 *
 * @param from - index of the first step that is written: the ones before it say nothing that is not known
 * @param names - in place of the container's own
 */
export function displayPath(path: Path, workload: Workload, from = 0, names?: string): string {
  const container = containerAt(path, workload);
  if (container === undefined || container.name === '') return formatPath(path, from);
  const end = container.path.length;
  return appendPath(`${appendPath('', path, from, end - 1)}[${names ?? container.name}]`, path, end);
}

/** Does a path lead to something in the pod's spec? */
export function isInPod(path: Path, { podPath }: Workload): boolean {
  if (path.length <= podPath.length) return false;
  for (let index = 0; index < podPath.length; index++) if (path[index] !== podPath[index]) return false;
  return true;
}

/** The container that a path leads to or into. Not searched for: a message has a path for each of thousands of containers. */
function containerAt(path: Path, workload: Workload): Container | undefined {
  if (!isInPod(path, workload)) return undefined;
  const { podPath, pod, containers } = workload;
  const list = path[podPath.length];
  const index = path[podPath.length + 1];
  if (typeof index !== 'number') return undefined;
  const regular = pod.containers?.length ?? 0;
  if (list === 'containers') return index < regular ? containers[index] : undefined;
  return list === 'initContainers' ? containers[regular + index] : undefined;
}
