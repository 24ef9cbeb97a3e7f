/** What is kept of HorizontalPodAutoscalers (autoscaling/v2) and of KEDA's ScaledObjects (keda.sh/v1alpha1). */
import { groupOf } from './kinds.ts';
import type { AutoscalerFacts, ResourceNeed } from './related.ts';

/** What KEDA scales where a ScaledObject leaves it out (ParseGVKR). */
const DEFAULT_TARGET = { apiVersion: 'apps/v1', kind: 'Deployment' };
/** Bounds that a ScaledObject leaves out (keda.sh/docs, ScaledObject spec). */
const DEFAULT_MIN_REPLICAS = 0;
const DEFAULT_MAX_REPLICAS = 100;
/** Stops KEDA, at the count that there is or at the one that is named, which goes before the other. */
const PAUSED = 'autoscaling.keda.sh/paused';
const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';
/** What Go's strconv.ParseBool takes for false; KEDA takes everything else in the annotation for true. */
const FALSE = new Set(['0', 'f', 'F', 'false', 'False', 'FALSE']);

interface TargetReference {
  readonly apiVersion?: string | null;
  readonly kind?: string | null;
  readonly name: string;
}

/** A metric of a HorizontalPodAutoscaler, as far as it needs requests. */
interface ResourceMetric {
  readonly name?: string;
  readonly container?: string;
  readonly target?: { readonly type?: string };
}

interface Metric {
  readonly resource?: ResourceMetric;
  readonly containerResource?: ResourceMetric;
}

interface Trigger {
  readonly type?: string;
  readonly metricType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The key by which autoscalers and the workload that they scale find each other. Of the group and not of a version: the
 * horizontal pod autoscaler looks for a target by its group and kind (podautoscaler reconcileAutoscaler), and so does KEDA.
 */
export function scaleTargetKey(group: string, kind: string, name: string): string {
  return `${kind}.${group}/${name}`;
}

/** @returns undefined for an apiVersion that is none, which leads to no object at all (schema.ParseGroupVersion) */
function targetOf({ apiVersion, kind, name }: TargetReference): string | undefined {
  const written = apiVersion ?? '';
  return written.split('/').length > 2 ? undefined : scaleTargetKey(groupOf(written), kind ?? '', name);
}

/** @throws TypeError on an object of another shape */
export function horizontalPodAutoscalerFacts({ metadata, spec }: any): AutoscalerFacts {
  const minReplicas = spec.minReplicas ?? 1;
  return {
    name: metadata.name,
    target: targetOf(spec.scaleTargetRef),
    minReplicas,
    maxReplicas: spec.maxReplicas,
    scalesToZero: minReplicas === 0,
    makes: undefined,
    needs: needsOfMetrics(spec.metrics),
  };
}

/** @throws TypeError on an object of another shape */
export function scaledObjectFacts({ metadata, spec }: any): AutoscalerFacts {
  const { apiVersion, kind, name } = spec.scaleTargetRef;
  const target = targetOf({
    // KEDA takes an empty string for one that is left out.
    apiVersion: apiVersion || DEFAULT_TARGET.apiVersion,
    kind: kind || DEFAULT_TARGET.kind,
    name,
  });
  const bounds = boundsOf(spec, metadata.annotations ?? {});
  return {
    name: metadata.name,
    target: bounds === undefined ? undefined : target,
    ...(bounds ?? { minReplicas: 0, maxReplicas: 0, scalesToZero: false }),
    // KEDA writes the one of this name over, whoever made it (getHPAName), so that its owner need not be asked for.
    makes: spec.advanced?.horizontalPodAutoscalerConfig?.name || `keda-hpa-${metadata.name}`,
    needs: needsOfTriggers(spec.triggers),
  };
}

/** The counts between which KEDA scales; undefined: it is paused, and scales nothing. */
function boundsOf(
  spec: {
    readonly idleReplicaCount?: number | null;
    readonly minReplicaCount?: number | null;
    readonly maxReplicaCount?: number | null;
  },
  annotations: Readonly<Record<string, string>>,
): Pick<AutoscalerFacts, 'minReplicas' | 'maxReplicas' | 'scalesToZero'> | undefined {
  const pausedAt = annotations[PAUSED_REPLICAS];
  if (pausedAt !== undefined) {
    // KEDA fails on what is no number.
    if (!/^\d{1,9}$/.test(pausedAt)) return undefined;
    const count = Number(pausedAt);
    return { minReplicas: count, maxReplicas: count, scalesToZero: count === 0 };
  }
  const paused = annotations[PAUSED];
  if (paused !== undefined && !FALSE.has(paused)) return undefined;
  const least = spec.minReplicaCount ?? DEFAULT_MIN_REPLICAS;
  const idle = spec.idleReplicaCount ?? least;
  return {
    minReplicas: idle === 0 ? least : Math.min(idle, least),
    maxReplicas: spec.maxReplicaCount ?? DEFAULT_MAX_REPLICAS,
    scalesToZero: idle === 0 || least === 0,
  };
}

/** Without any metric it is the CPU (SetDefaults_HorizontalPodAutoscaler). */
function needsOfMetrics(metrics: readonly Metric[] | null | undefined): ResourceNeed[] {
  if (!metrics?.length) return [{ resource: 'cpu', container: undefined }];
  return metrics
    .map(({ resource, containerResource }) => resource ?? containerResource)
    .filter((metric) => metric?.target?.type === 'Utilization')
    .map((metric) => ({ resource: metric?.name ?? '', container: metric?.container ?? undefined }));
}

/** KEDA's triggers by CPU and memory (keda.sh/docs, scalers cpu and memory); the type once stood in the metadata. */
function needsOfTriggers(triggers: readonly Trigger[] | null | undefined): ResourceNeed[] {
  return (triggers ?? [])
    .filter(({ type }) => type === 'cpu' || type === 'memory')
    .filter(({ metricType, metadata }) => (metricType ?? metadata?.['type']) === 'Utilization')
    .map(({ type = '', metadata }) => ({ resource: type, container: metadata?.['containerName'] ?? undefined }));
}
