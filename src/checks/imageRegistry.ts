import { Type } from 'typebox';
import { defineCheck, ParameterError, unmetAt } from '../engine/check.ts';
import { parseImage, type ImageReference } from '../engine/image.ts';
import { Names } from '../engine/parameters.ts';

export default defineCheck({
  name: 'imageRegistry',
  title: 'Image registry',
  metWhen: 'Each image comes from a registry, or a path in it, that is allowed.',
  group: 'Images, pod security, identity',
  items: ['deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: Type.Object({
    allowed: Names(
      'Registries, with a path if need be: registry.example.com, registry.example.com/shop, docker.io/library. Needed.',
    ),
  }),
  rationale: 'Images from anywhere were scanned by nobody, and may be gone, or limited, when a node needs them.',
  remediation: 'take the image from an allowed registry',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  prepare: ({ allowed = [] }) => {
    if (allowed.length === 0) throw new ParameterError('allowed', 'is required: the registries that are allowed');
    return { allowed: allowed.map((one) => one.replace(/\/+$/, '')) };
  },
  run({ containers, parameters: { allowed } }, report) {
    for (const container of containers) {
      const image = parseImage(container.spec.image ?? '');
      if (image === undefined) continue;
      const full = fullName(image);
      if (allowed.some((one) => full === one || full.startsWith(`${one}/`))) continue;
      report(unmetAt(container, ['image'], `comes from ${full}; allowed are ${allowed.slice(0, 8).join(', ')}`));
    }
  },
});

/** The repository as container runtimes complete it: no registry means Docker Hub, no folder there `library`. */
function fullName({ registry, repository }: ImageReference): string {
  if (registry !== undefined) return `${registry}/${repository}`;
  return `docker.io/${repository.includes('/') ? repository : `library/${repository}`}`;
}
