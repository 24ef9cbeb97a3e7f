/** When two pod templates are the same one, although a controller copied it, or the API server filled in its defaults. */
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import { deepEqual } from './equal.ts';
import type { Labels } from './selectors.ts';
import { withoutDefaults } from './template-defaults.ts';
import type { RawObject } from './workload.ts';

/** Labels that Kubernetes' controllers add to the templates that they copy. */
const CONTROLLER_LABELS = new Set([
  'pod-template-hash',
  'controller-uid',
  'job-name',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
]);
/** Hexadecimal digits of a hash: 128 bits, so that nobody makes another template with the same one. */
const HASH_LENGTH = 32;

/**
 * Are two pod templates the same, one of which may be a copy?
 *
 * @throws NestedTooDeep
 */
export function isSameTemplate(a: unknown, b: unknown): boolean {
  return deepEqual(comparable(a), comparable(b));
}

/**
 * The same for all templates that `isSameTemplate` takes for one, and for no others.
 *
 * @throws NestedTooDeep
 */
export function templateHash(template: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(comparable(template)))
    .digest('hex')
    .slice(0, HASH_LENGTH);
}

/** A template without what is added to copies: labels, empty maps, the patch directive of revisions, defaults. */
function comparable(template: unknown): unknown {
  const { metadata, spec } = (template ?? {}) as { metadata?: RawObject; spec?: unknown };
  const labels = Object.entries((metadata?.['labels'] ?? {}) as Labels).filter(([key]) => !CONTROLLER_LABELS.has(key));
  return {
    labels: Object.fromEntries(labels),
    annotations: metadata?.['annotations'] ?? {},
    spec: withoutDefaults(spec),
  };
}
