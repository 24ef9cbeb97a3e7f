import { Type } from 'typebox';
import { defineCheck, ParameterError, unmetAt } from '../engine/check.ts';
import { parseImage, type ImageReference } from '../engine/image.ts';
import { matchesNamePattern } from '../engine/names.ts';
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
      'Registries, with a path if need be: registry.example.com, registry.example.com/shop, docker.io/library, *.example.com. Needed.',
    ),
  }),
  rationale: 'Images from anywhere were scanned by nobody, and may be gone, or limited, when a node needs them.',
  remediation: 'take the image from an allowed registry',
  source: 'https://kubernetes.io/docs/concepts/containers/images/#image-names',
  prepare: ({ allowed = [] }) => {
    if (allowed.length === 0) throw new ParameterError('allowed', 'is required: the registries that are allowed');
    for (const one of allowed) {
      const why = whyNoImageMatches(one);
      if (why !== undefined) throw new ParameterError('allowed', `"${one}" can match no image: ${why}`);
    }
    return { allowed: allowed.map((one) => one.replace(/\/+$/, '')) };
  },
  run({ containers, parameters: { allowed } }, report) {
    for (const container of containers) {
      const image = parseImage(container.spec.image ?? '');
      if (image === undefined) continue;
      const full = fullName(image);
      if (allowed.some((one) => isFrom(full, one))) continue;
      report(unmetAt(container, ['image'], `comes from ${full}; allowed are ${allowed.slice(0, 8).join(', ')}`));
    }
  },
});

const HOST = /^(?:[A-Za-z0-9.*-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$/;
const PATH = /^(?:\/[a-z0-9._-]+)*\/*$/;

function whyNoImageMatches(allowed: string): string | undefined {
  const [host, path] = split(allowed);
  if (!HOST.test(host)) return 'it must begin with the host of a registry, without https://';
  if (!/[.:*]/.test(host) && host !== 'localhost')
    return `"${host}" is no host; on Docker Hub this is docker.io/${allowed}`;
  return PATH.test(path) ? undefined : 'after the host a path may follow, without "*", tag or digest';
}

/** Host and path of a repository, or of a part of one. */
function split(name: string): readonly [host: string, path: string] {
  const slash = name.indexOf('/');
  return slash < 0 ? [name, ''] : [name.slice(0, slash), name.slice(slash)];
}

/** @param full - name of a repository with its registry @param allowed - a registry, or a path in it */
function isFrom(full: string, allowed: string): boolean {
  const [host, below] = split(allowed);
  const [registry, path] = split(full);
  // A star never reaches over the host's end: anybody can name a folder of his as somebody's host.
  return matchesNamePattern(registry, [host]) && (path === below || path.startsWith(`${below}/`));
}

/** The repository as container runtimes complete it: no registry means Docker Hub, no folder there `library`. */
function fullName({ registry, repository }: ImageReference): string {
  if (registry !== undefined) return `${registry}/${repository}`;
  return `docker.io/${repository.includes('/') ? repository : `library/${repository}`}`;
}
