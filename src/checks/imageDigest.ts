import { defineCheck, NO_PARAMETERS } from '../engine/check.ts';
import { parseImage } from '../engine/image.ts';
import { imagesOf, unmetImage } from '../engine/images.ts';

export default defineCheck({
  name: 'imageDigest',
  title: 'Image digest',
  metWhen: 'Each image is pinned by digest.',
  group: 'Images, pod security, identity',
  items: ['deploy.cicd.automated-deployment', 'deploy.containers.docker-optimization'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale:
    'A tag can be pushed again, by mistake or by somebody who got into the registry; a digest names exactly the image that was tested.',
  remediation: 'name the digest too (image: app:1.2.3@sha256:...)',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  *run({ workload, containers }) {
    for (const image of imagesOf(workload, containers)) {
      if (parseImage(image.text)?.digest === undefined) yield unmetImage(image, 'is not pinned by digest');
    }
  },
});
