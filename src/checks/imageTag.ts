import { Type } from 'typebox';
import { defineCheck, ParameterError, unmetAt } from '../engine/check.ts';
import { parseImage } from '../engine/image.ts';
import { matchesNamePattern } from '../engine/names.ts';
import { Names } from '../engine/parameters.ts';

/** What a tag may be made of, and `*`. */
const TAG_PATTERN = /^[A-Za-z0-9_.*-]{1,128}$/;

export default defineCheck({
  name: 'imageTag',
  title: 'Image tag',
  metWhen: 'Each image is named with a tag that is not forbidden, or with a digest.',
  group: 'Images, pod security, identity',
  items: ['deploy.cicd.automated-deployment', 'deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  parameters: Type.Object({ forbidden: Names('Tags that are not allowed; `*` stands for any part.', ['latest']) }),
  rationale:
    'A moving tag gives each node what was newest when it pulled: replicas differ, a restart can change the version, and a rollback brings back nothing.',
  remediation: 'name a version (image: app:1.2.3) or a digest (image: app@sha256:...)',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  prepare: ({ forbidden = ['latest'] }) => {
    const wrong = forbidden.find((pattern) => !TAG_PATTERN.test(pattern));
    if (wrong !== undefined) {
      throw new ParameterError('forbidden', `"${wrong}" can match no tag: tags have letters, digits, "_", "." and "-"`);
    }
    return { forbidden };
  },
  run({ workload, containers, parameters: { forbidden } }, report) {
    for (const container of containers) {
      const wrong = wrongImage(container.spec.image ?? '', forbidden);
      if (wrong !== undefined) report(unmetAt(container, ['image'], wrong));
    }
    for (const [index, { image }] of (workload.pod.volumes ?? []).entries()) {
      const wrong = image?.reference ? wrongImage(image.reference, forbidden) : undefined;
      if (wrong !== undefined) {
        report({ type: 'unmet', path: [...workload.podPath, 'volumes', index, 'image', 'reference'], message: wrong });
      }
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
  return matchesNamePattern(image.tag, forbidden) ? `the tag ${image.tag} is not allowed` : undefined;
}
