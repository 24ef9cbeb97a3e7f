/** When two pod templates are the same one, although a controller copied it, or the API server filled in its defaults. */
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

/**
 * Are two pod templates the same, one of which may be a copy?
 *
 * @throws NestedTooDeep
 */
export function isSameTemplate(a: unknown, b: unknown): boolean {
  return deepEqual(comparable(a), comparable(b));
}

/**
 * A text that is the same for all templates that `isSameTemplate` takes for one, and for no others.
 *
 * @throws NestedTooDeep
 */
export function templateText(template: unknown): string {
  return canonicalJson(comparable(template));
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
