/**
 * Pod templates as they were written. The API server fills in the defaults of Kubernetes' own kinds, so of the ReplicaSets
 * that a custom kind makes, but not those of the custom kind itself: the two are to be compared without them.
 */
import { deepEqual, DEEPEST, NestedTooDeep } from './equal.ts';
import type { RawObject } from './workload.ts';

/** By field name, wherever in a pod template it stands (core/v1 SetDefaults_*). */
const DEFAULTS: RawObject = {
  creationTimestamp: null,
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  resources: {},
  protocol: 'TCP',
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  scheme: 'HTTP',
  defaultMode: 420,
  apiVersion: 'v1',
};

/**
 * A template, or a part of one, without what the API server would fill in.
 *
 * @throws NestedTooDeep if it is nested more than 500 levels deep
 */
export function withoutDefaults(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEEPEST) throw new NestedTooDeep();
  if (Array.isArray(value)) return value.map((item) => withoutDefaults(item, depth + 1));
  const given = value as RawObject;
  return Object.fromEntries(
    Object.entries(given)
      .filter(([field, content]) => !isDefault(field, content, given))
      .map(([field, content]) => [field, withoutDefaults(content, depth + 1)]),
  );
}

function isDefault(field: string, content: unknown, holder: RawObject): boolean {
  const { image, limits, serviceAccountName } = holder;
  switch (field) {
    case 'restartPolicy':
      // Of the pod; that of an init container makes it a sidecar.
      return content === 'Always' && 'containers' in holder;
    case 'imagePullPolicy':
      return content === (/(^|\/)[^/:@]+(:latest)?$/.test(String(image)) ? 'Always' : 'IfNotPresent');
    case 'serviceAccount':
      return content === serviceAccountName;
    case 'requests':
      // What has a limit and no request requests its limit.
      return deepEqual(content, limits);
    default:
      return Object.hasOwn(DEFAULTS, field) && deepEqual(content, DEFAULTS[field]);
  }
}
