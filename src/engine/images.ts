/** Every image that a workload runs or mounts. */
import type { Outcome } from './check.ts';
import type { Path } from './path.ts';
import type { Container, Workload } from './workload.ts';

export interface NamedImage {
  /** The reference as it stands; empty where it is missing. */
  readonly text: string;
  readonly path: Path;
  /** Name of the container that runs it; undefined for image volumes. */
  readonly container: string | undefined;
}

/** The images of these containers, and those that the pod mounts as volumes. */
export function* imagesOf(workload: Workload, containers: readonly Container[]): Iterable<NamedImage> {
  for (const { name, spec, path } of containers) {
    yield { text: spec.image ?? '', path: [...path, 'image'], container: name };
  }
  for (const [index, { image }] of (workload.pod.volumes ?? []).entries()) {
    if (!image?.reference) continue;
    const path = [...workload.podPath, 'volumes', index, 'image', 'reference'];
    yield { text: image.reference, path, container: undefined };
  }
}

/** An `unmet` outcome about one image. */
export function unmetImage({ path, container }: NamedImage, message: string): Outcome {
  return { type: 'unmet', path, message, ...(container === undefined ? {} : { container }) };
}
