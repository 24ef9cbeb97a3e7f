import { Type } from 'typebox';
import { defineCheck } from '../engine/check.ts';
import { parseImage } from '../engine/image.ts';
import { imagesOf, unmetImage } from '../engine/images.ts';
import { Names } from '../engine/parameters.ts';

export default defineCheck({
  name: 'imageTag',
  title: 'Image tag',
  metWhen: 'Each image is named with a tag that is not forbidden, or with a digest.',
  group: 'Images, pod security, identity',
  items: ['deploy.cicd.automated-deployment', 'deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  parameters: Type.Object({ forbidden: Names('Tags that are not allowed.', ['latest']) }),
  rationale:
    'A moving tag gives each node what was newest when it pulled: replicas differ, a restart can change the version, and a rollback brings back nothing.',
  remediation: 'name a version (image: app:1.2.3) or a digest (image: app@sha256:...)',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  prepare: ({ forbidden = ['latest'] }) => ({ forbidden }),
  *run({ workload, containers, parameters: { forbidden } }) {
    for (const image of imagesOf(workload, containers)) {
      const wrong = wrongImage(image.text, forbidden);
      if (wrong !== undefined) yield unmetImage(image, wrong);
    }
  },
});

/** What is wrong with an image reference, or undefined. */
function wrongImage(text: string, forbidden: readonly string[]): string | undefined {
  if (text === '') return 'no image is named';
  const image = parseImage(text);
  if (image === undefined) return `"${text.slice(0, 100)}" is not an image reference`;
  if (image.digest !== undefined) return undefined;
  if (image.tag === undefined) return `${text} has no tag, which means latest`;
  return forbidden.includes(image.tag) ? `the tag ${image.tag} is not allowed` : undefined;
}
