import { defineCheck, NO_PARAMETERS, unmetAt, type CheckInput, type Outcome, type Report } from '../engine/check.ts';
import { pathBelow } from '../engine/path.ts';
import { probedContainers } from '../engine/probes.ts';
import type { ResourceNeed } from '../engine/related.ts';
import { giverOf, isZero } from '../engine/resource-givers.ts';
import { resourceTitle } from '../engine/resource-values.ts';
import { ambiguityOf, scalingOf } from '../engine/scaler.ts';

export default defineCheck({
  name: 'horizontalAutoscaler',
  title: 'Horizontal autoscaler',
  metWhen:
    'A HorizontalPodAutoscaler or a KEDA ScaledObject scales the workload, its minimum is below its maximum, and the resources by which it scales are requested.',
  group: 'Replica counts and resilience',
  items: ['performance.backend.auto-scaling'],
  scope: 'companion',
  priorities: { 'production-v1': 'Important', 'baseline-v1': 'Disabled' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject', 'LimitRange'],
  parameters: NO_PARAMETERS,
  rationale:
    'A fixed count is too low at the peak and too high at night; an autoscaler whose resource is not requested computes nothing and never scales.',
  remediation:
    'create a HorizontalPodAutoscaler (or a KEDA ScaledObject) whose scaleTargetRef names the workload, with minReplicas below maxReplicas',
  source: 'https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/',
  run(input, report) {
    const { workload, related } = input;
    const path = workload.replicas?.path ?? [];
    const scaling = scalingOf(workload, related);
    if (scaling.state === 'unknown') {
      report({ type: 'unknown', cause: scaling.cause });
      return;
    }
    const [scaler, second] = scaling.autoscalers;
    if (scaler === undefined) {
      if (workload.replicas?.count === 0) report({ type: 'notApplicable', reason: 'it is stopped' });
      else report({ type: 'unmet', path, message: 'no HorizontalPodAutoscaler scales it' });
      return;
    }
    if (second !== undefined) {
      report({ type: 'unmet', path, message: ambiguityOf(scaling.autoscalers), remediation: 'leave one of them' });
      return;
    }
    const { kind, name, minReplicas, maxReplicas } = scaler;
    if (minReplicas >= maxReplicas) {
      report({
        type: 'unmet',
        path,
        message: `${kind} ${name} can not scale it: its minimum is ${minReplicas}, its maximum ${maxReplicas}`,
        remediation: `raise ${kind === 'ScaledObject' ? 'maxReplicaCount' : 'maxReplicas'} in ${kind} ${name}`,
      });
    }
    for (const need of scaler.needs) judgeNeed(input, need, `${kind} ${name}`, report);
  },
});

/**
 * A share of what is requested can't be computed unless each container of the pod, or the one that the metric names,
 * requests it, and something more than 0 in all (podautoscaler calculatePodRequests, GetResourceUtilizationRatio); what
 * stands at the pod itself counts for the pod as a whole.
 */
function judgeNeed(input: CheckInput<unknown>, need: ResourceNeed, scaler: string, report: Report): void {
  const { workload } = input;
  const title = resourceTitle(need.resource);
  const running = probedContainers(workload.containers);
  const concerned = need.container === undefined ? running : running.filter(({ name }) => name === need.container);
  if (concerned.length === 0 && need.container !== undefined) {
    report({
      type: 'unmet',
      path: [...workload.podPath, 'containers'],
      message: `no container is named ${need.container}, by whose ${title} ${scaler} scales`,
      remediation: `let the metric of ${scaler} name a container of the pods`,
    });
  }
  const remediation = `set resources.requests.${need.resource}`;
  let zero: Outcome | undefined;
  let mayBeMore = false;
  for (const container of concerned) {
    const giver = giverOf(container, input, 'requests', need.resource);
    if (giver.from === 'Unknown') {
      mayBeMore = true;
      report({ type: 'unknown', cause: `whether a LimitRange gives a ${title} request: ${giver.cause}` });
    } else if (giver.from === 'Nothing' || (giver.from === 'Pod' && need.container !== undefined)) {
      const message = `no ${title} request, by which ${scaler} scales`;
      report(unmetAt(container, ['resources', 'requests'], message, remediation));
    } else if (isZero(giver.given.value)) {
      const { path, subject } = giver.given;
      const message = `${subject}, of which ${scaler} can compute no share`;
      zero ??=
        giver.from === 'Pod'
          ? { type: 'unmet', path: pathBelow(workload.podPath, path), message, remediation }
          : unmetAt(container, path, message, remediation);
    } else mayBeMore = true;
  }
  if (zero !== undefined && !mayBeMore) report(zero);
}
