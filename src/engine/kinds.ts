import type { Path } from './path.ts';

/** A kind of object that makes pods: how the API server serves it, and where in it the pod template stands. */
export interface WorkloadKind {
  readonly kind: string;
  /** API group; the core group is the empty string. */
  readonly group: string;
  /** The version that is watched and routed to the webhook. */
  readonly version: string;
  /** Plural name in URLs and RBAC rules. */
  readonly resource: string;
  /** Where metadata and spec of the pod stand; the root for a Pod. */
  readonly template: Path;
  /** Where the replica count stands; absent where the kind has none. */
  readonly replicas?: Path;
  /** Where the selector of its pods stands; absent: it has none, or nothing is looked up by it. */
  readonly selector?: Path;
  /** The kinds of workloads that its controller makes, and that are judged through it. */
  readonly makes?: readonly string[];
  /** Pods of this kind run until they are done, so probes and replica counts have no say. */
  readonly runsToCompletion?: true;
  /** Its older templates are kept, as these objects that it owns. */
  readonly history?: 'ReplicaSet' | 'ControllerRevision';
  /**
   * What of the template an update must change to bring another version; absent: anything, but for the annotation of a restart.
   * Of a Pod that is there the API server lets nothing else be changed that is judged; what it lets be changed of a suspended
   * Job beside its containers says where it may run, and queueing controllers change that.
   */
  readonly versionedBy?: 'Images' | 'Containers';
  /** An installation named it; one of its objects may hold no pod template, and then makes no pods of its own. */
  readonly custom?: true;
}

const TEMPLATE: Path = ['spec', 'template'];
const REPLICAS: Path = ['spec', 'replicas'];
const SELECTOR: Path = ['spec', 'selector'];
const PODS: readonly string[] = ['Pod'];

/** The kinds of Kubernetes itself, Deployments first. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  {
    kind: 'Deployment',
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    template: TEMPLATE,
    replicas: REPLICAS,
    selector: SELECTOR,
    history: 'ReplicaSet',
    makes: ['ReplicaSet'],
  },
  {
    kind: 'StatefulSet',
    group: 'apps',
    version: 'v1',
    resource: 'statefulsets',
    template: TEMPLATE,
    replicas: REPLICAS,
    selector: SELECTOR,
    history: 'ControllerRevision',
    makes: PODS,
  },
  {
    kind: 'DaemonSet',
    group: 'apps',
    version: 'v1',
    resource: 'daemonsets',
    template: TEMPLATE,
    selector: SELECTOR,
    history: 'ControllerRevision',
    makes: PODS,
  },
  {
    kind: 'ReplicaSet',
    group: 'apps',
    version: 'v1',
    resource: 'replicasets',
    template: TEMPLATE,
    replicas: REPLICAS,
    makes: PODS,
  },
  {
    kind: 'ReplicationController',
    group: '',
    version: 'v1',
    resource: 'replicationcontrollers',
    template: TEMPLATE,
    replicas: REPLICAS,
    makes: PODS,
  },
  {
    kind: 'Job',
    group: 'batch',
    version: 'v1',
    resource: 'jobs',
    template: TEMPLATE,
    versionedBy: 'Containers',
    runsToCompletion: true,
    makes: PODS,
  },
  {
    kind: 'CronJob',
    group: 'batch',
    version: 'v1',
    resource: 'cronjobs',
    template: ['spec', 'jobTemplate', 'spec', 'template'],
    runsToCompletion: true,
    makes: ['Job'],
  },
  { kind: 'Pod', group: '', version: 'v1', resource: 'pods', template: [], versionedBy: 'Images' },
];

/** The group of an `apiVersion`: `apps` of `apps/v1`, the empty string of `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(kind: Pick<WorkloadKind, 'group' | 'version'>): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/** The fields of an object under which pod template and replica count stand: what a change of the workload changes. */
export function judgedFields({ template, replicas }: WorkloadKind): readonly string[] {
  return [...new Set([template[0] ?? 'spec', replicas?.[0] ?? 'spec'].map(String))];
}

/** Finds the workload kind of an object by its group and kind; every version of a group is read alike. */
export function workloadKindOf(
  apiVersion: string,
  kind: string,
  kinds: readonly WorkloadKind[] = WORKLOAD_KINDS,
): WorkloadKind | undefined {
  return kinds.find((candidate) => candidate.kind === kind && candidate.group === groupOf(apiVersion));
}

/**
 * The kind through which a workload is judged instead of by itself: that of its controller, if it is of a kind whose
 * controller makes workloads of this kind. Everybody can write any owner reference, so nothing else counts: a Deployment is
 * nobody's, whatever it says. And of those that count Kubernetes itself undoes the false ones: what an owner does not select
 * its controller lets go of (the reference goes), and what refers to an owner that is not there is collected.
 *
 * For what runs and for manifests alone. Of a request nothing is believed but who makes it.
 *
 * @param owner - the reference with `controller: true`
 */
export function judgedThrough(
  kind: string,
  owner: { readonly apiVersion: string; readonly kind: string } | undefined,
  kinds: readonly WorkloadKind[],
): WorkloadKind | undefined {
  if (owner === undefined) return undefined;
  const by = workloadKindOf(owner.apiVersion, owner.kind, kinds);
  return by?.makes?.includes(kind) === true ? by : undefined;
}
