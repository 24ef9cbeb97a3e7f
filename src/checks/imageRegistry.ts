import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { parseImage } from '../engine/image.ts';
import { imagesOf, unmetImage } from '../engine/images.ts';

export default defineCheck({
  name: 'imageRegistry',
  title: 'Image registry',
  metWhen: 'Each image comes from an allowed registry, or from an allowed path in one.',
  group: 'Images, pod security, identity',
  items: ['deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'Disabled', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: Type.Object({
    allowed: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
      description:
        'Registries (registry.example.com:5000) or paths in them (ghcr.io/shop). An image that names no registry is from docker.io. It must be given.',
      minItems: 1,
      maxItems: 64,
    }),
  }),
  rationale: 'An image from anywhere has been scanned by nobody, and is gone when its registry is.',
  remediation: 'name an image of an allowed registry',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  // An empty list allows nothing; a policy can't state one.
  prepare: ({ allowed }: { readonly allowed?: readonly string[] }) => ({
    allowed: (allowed ?? []).map((place) => place.replace(/\/+$/, '')),
  }),
  *run({ workload, containers, parameters: { allowed } }) {
    for (const image of imagesOf(workload, containers)) {
      const name = fullName(image.text);
      if (allowed.some((place) => name === place || name?.startsWith(`${place}/`) === true)) continue;
      yield unmetImage(
        image,
        name === undefined ? 'is no image reference' : `${name.slice(0, 200)} is not from an allowed registry`,
      );
    }
  },
});

/** Registry and path, as container runtimes complete them: `docker.io/library/nginx` of `nginx:1.27`. */
function fullName(text: string): string | undefined {
  const image = parseImage(text);
  if (image === undefined) return undefined;
  if (image.registry !== undefined) return `${image.registry}/${image.repository}`;
  return `docker.io/${image.repository.includes('/') ? '' : 'library/'}${image.repository}`;
}
