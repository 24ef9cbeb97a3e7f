import { defineCheck, NO_PARAMETERS, unmetAt } from '../engine/check.ts';
import { parseImage } from '../engine/image.ts';

export default defineCheck({
  name: 'imageDigest',
  title: 'Image digest',
  metWhen: 'Each image is pinned by its digest.',
  group: 'Images, pod security, identity',
  items: ['deploy.containers.docker-optimization', 'deploy.cicd.automated-deployment'],
  scope: 'workload',
  priorities: { 'production-v1': 'NiceToHave', 'baseline-v1': 'Disabled' },
  perContainer: true,
  parameters: NO_PARAMETERS,
  rationale: 'A tag can be pushed anew; only a digest names the very image that was tested.',
  remediation: 'name the digest (image: app:1.2.3@sha256:...)',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  run({ containers }, report) {
    for (const container of containers) {
      const image = parseImage(container.spec.image ?? '');
      // What is no reference at all is imageTag's finding.
      if (image !== undefined && image.digest === undefined) {
        report(unmetAt(container, ['image'], `${container.spec.image} is not pinned by a digest`));
      }
    }
  },
});
