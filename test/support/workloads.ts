/** Workloads for tests that are not about manifests. */
import { WORKLOAD_KINDS, type WorkloadKind } from '../../src/engine/kinds.ts';
import { readWorkload, type RawObject, type Workload } from '../../src/engine/workload.ts';

/** A kind of Kubernetes by its name. */
export function kindOf(name: string): WorkloadKind {
  const kind = WORKLOAD_KINDS.find((candidate) => candidate.kind === name);
  if (kind === undefined) throw new Error(`no workload kind ${name}`);
  return kind;
}

/** Puts a value at a path, in new objects. */
export function nest(path: readonly (string | number)[], value: unknown): RawObject {
  return path.reduceRight((inner: unknown, step) => ({ [step]: inner }), value) as RawObject;
}

/** An object of a kind with the given pod spec and metadata. */
export function objectOf(kind: string, pod: object, metadata: object = { name: 'app', namespace: 'shop' }): RawObject {
  const { template, group, version } = kindOf(kind);
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return { apiVersion, kind, ...nest(template, { spec: pod }), metadata };
}

/** The normal form of an object that must be readable. */
export function workloadOf(kind: string, pod: object, metadata?: object): Workload {
  return read(objectOf(kind, pod, metadata), kindOf(kind));
}

/** Reads an object that must be readable. */
export function read(object: RawObject, kind: WorkloadKind): Workload {
  const result = readWorkload(object, kind);
  if ('problem' in result) throw new Error(`${result.problem.path.join('.')} ${result.problem.message}`);
  return result.workload;
}
