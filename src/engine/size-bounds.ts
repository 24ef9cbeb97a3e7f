/**
 * How much of one pod template is judged. Kubernetes bounds nothing but the size of an object, which has room for 190,000
 * pull secrets; to judge and describe them all would hold up every other request.
 */
import { formatPath, type Path } from './path.ts';
import type { ContainerSpec, PodSpec, PodTemplate, Probe } from './pod.ts';
import type { LabelSelector } from './selectors.ts';

/** Containers of one pod template. No node runs a pod with so many. */
export const MOST_CONTAINERS = 500;

/**
 * Entries of all lists and maps that checks read of one workload together: variables, words of commands, ports, volumes,
 * their keys, annotations. Far more than anything that is written by hand or by a generator.
 */
export const MOST_ENTRIES = 5000;

/** Characters of a container's name. Kubernetes' own have 63 at most; each finding repeats it. */
export const LONGEST_NAME = 253;

/** What is too much in a workload, as a clause that follows its place. */
export interface Excess {
  readonly path: Path;
  readonly message: string;
}

/** An excess in a sentence of its own. */
export function excessText({ path, message }: Excess): string {
  return `${formatPath(path)}: ${message}`;
}

type Entries = readonly unknown[] | null | undefined;
type Fields = Readonly<Record<string, unknown>> | null | undefined;

/**
 * Finds out whether a workload is too large to be judged.
 *
 * @param annotations - the workload's own
 * @returns the place of what is too much, and how much it is; undefined: it is small enough
 */
export function excessOf({ metadata, spec }: PodTemplate, annotations: Fields, podPath: Path): Excess | undefined {
  const containers = lengthOf(spec.containers) + lengthOf(spec.initContainers);
  if (containers > MOST_CONTAINERS) {
    return { path: podPath, message: `has ${containers} containers; at most ${MOST_CONTAINERS} are judged` };
  }
  const named = tooLongName(spec.containers) ?? tooLongName(spec.initContainers);
  if (named !== undefined) {
    return {
      path: podPath,
      message: `has a container whose name has ${named} characters; at most ${LONGEST_NAME} are judged`,
    };
  }
  let entries = containers + sizeOf(annotations) + sizeOf(metadata?.annotations) + sizeOf(metadata?.labels);
  for (const one of spec.containers ?? []) entries += entriesOfContainer(one);
  for (const one of spec.initContainers ?? []) entries += entriesOfContainer(one);
  entries += entriesOfPod(spec);
  if (entries <= MOST_ENTRIES) return undefined;
  const message = `its lists and maps have ${entries} entries; at most ${MOST_ENTRIES} are judged`;
  return { path: podPath, message };
}

/** How long the first name is that is too long. */
function tooLongName(containers: readonly ContainerSpec[] | null | undefined): number | undefined {
  for (const { name } of containers ?? []) if (name.length > LONGEST_NAME) return name.length;
  return undefined;
}

function entriesOfPod(spec: PodSpec): number {
  let entries = lengthOf(spec.imagePullSecrets) + lengthOf(spec.securityContext?.sysctls);
  for (const { labelSelector } of spec.topologySpreadConstraints ?? []) entries += 1 + entriesOfSelector(labelSelector);
  const { podAntiAffinity } = spec.affinity ?? {};
  for (const { labelSelector } of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    entries += 1 + entriesOfSelector(labelSelector);
  }
  for (const { podAffinityTerm } of podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
    entries += 1 + entriesOfSelector(podAffinityTerm?.labelSelector);
  }
  for (const volume of spec.volumes ?? []) {
    entries += 1 + lengthOf(volume.secret?.items) + lengthOf(volume.configMap?.items);
    entries += sizeOf(volume.csi?.volumeAttributes) + sizeOf(volume.flexVolume?.options);
    for (const { secret, configMap } of volume.projected?.sources ?? []) {
      entries += 1 + lengthOf(secret?.items) + lengthOf(configMap?.items);
    }
  }
  return entries;
}

function entriesOfContainer(spec: ContainerSpec): number {
  let entries = lengthOf(spec.command) + lengthOf(spec.args) + lengthOf(spec.env) + lengthOf(spec.envFrom);
  entries += lengthOf(spec.ports);
  const { capabilities } = spec.securityContext ?? {};
  if (capabilities) entries += lengthOf(capabilities.add) + lengthOf(capabilities.drop);
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = spec;
  entries += entriesOfHandler(livenessProbe) + entriesOfHandler(readinessProbe) + entriesOfHandler(startupProbe);
  if (lifecycle) entries += entriesOfHandler(lifecycle.postStart) + entriesOfHandler(lifecycle.preStop);
  return entries;
}

function entriesOfHandler(handler: Pick<Probe, 'exec' | 'httpGet'> | null | undefined): number {
  return handler ? lengthOf(handler.exec?.command) + lengthOf(handler.httpGet?.httpHeaders) : 0;
}

function entriesOfSelector(selector: LabelSelector | null | undefined): number {
  if (!selector) return 0;
  let entries = sizeOf(selector.matchLabels);
  for (const { values } of selector.matchExpressions ?? []) entries += 1 + lengthOf(values);
  return entries;
}

function lengthOf(list: Entries): number {
  return list ? list.length : 0;
}

function sizeOf(map: Fields): number {
  return map ? Object.keys(map).length : 0;
}
