import { Type } from 'typebox';
import { defineCheck, type Outcome } from '../engine/check.ts';
import { countOrigin } from '../engine/count-origin.ts';
import { OneOf } from '../engine/parameters.ts';
import type { Path } from '../engine/path.ts';
import { ambiguityOf, scalingOf, type Autoscaler } from '../engine/scaler.ts';
import type { Workload } from '../engine/workload.ts';

const DEFAULT_REPLICAS = 2;

interface Parameters {
  readonly replicas: number;
  readonly allowZero: boolean;
  readonly autoscaler: 'Require' | 'Await' | 'AwaitAny';
}

export default defineCheck({
  name: 'minReplicas',
  title: 'Minimum replicas',
  metWhen:
    'The replica count is high enough; where a HorizontalPodAutoscaler or a KEDA ScaledObject scales the workload, its minimum counts instead.',
  group: 'Replica counts and resilience',
  items: ['performance.backend.load-balancing', 'deploy.containers.orchestration'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
  appliesTo: 'Replicated',
  reads: ['HorizontalPodAutoscaler', 'ScaledObject'],
  aspects: ['Replicas'],
  parameters: Type.Object({
    replicas: Type.Optional(
      Type.Integer({ description: 'The least count.', default: DEFAULT_REPLICAS, minimum: 1, maximum: 10000 }),
    ),
    allowZero: Type.Optional(
      Type.Boolean({ description: 'Whether 0 passes: a decision to stop the workload.', default: true }),
    ),
    autoscaler: OneOf(
      ['Require', 'Await', 'AwaitAny'],
      'Await',
      'Whether an autoscaler may come after the workload, as charts create it: a low count then only warns at admission until enforcement.companionGrace is over. Await: where the count is left out, as far as what was applied tells. AwaitAny: at any count of 1, also one that is written. Require: never. What lowers a count never waits.',
    ),
  }),
  rationale: 'A single replica is down at each rollout, each drain of its node and each crash.',
  remediation: 'set spec.replicas',
  source: 'https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas',
  prepare: ({ replicas = DEFAULT_REPLICAS, allowZero = true, autoscaler = 'Await' }): Parameters => ({
    replicas,
    allowZero,
    autoscaler,
  }),
  run({ workload, related, parameters }, report) {
    const path = workload.replicas?.path ?? [];
    const scaling = scalingOf(workload, related);
    if (scaling.state === 'unknown') {
      // Even a high count may be one that an autoscaler lowers.
      report({ type: 'unknown', cause: scaling.cause });
      return;
    }
    const [scaler, second] = scaling.autoscalers;
    if (second !== undefined) {
      report({ type: 'unmet', path, message: ambiguityOf(scaling.autoscalers), remediation: 'leave one of them' });
      return;
    }
    const problem =
      scaler === undefined ? problemOfCount(workload, path, parameters) : problemOfBounds(scaler, path, parameters);
    if (problem !== undefined) report(problem);
  },
});

/** What is wrong with the bounds of the autoscaler, which count instead of what the workload says itself. */
function problemOfBounds(scaler: Autoscaler, path: Path, { replicas, allowZero }: Parameters): Outcome | undefined {
  const { kind, name, minReplicas, scalesToZero } = scaler;
  const field = kind === 'ScaledObject' ? 'minReplicaCount' : 'minReplicas';
  if (scalesToZero && !allowZero) {
    return {
      type: 'unmet',
      path,
      message: `${kind} ${name} scales it to 0, at least ${replicas} are required`,
      remediation: `set ${field}: ${replicas} in ${kind} ${name}${kind === 'ScaledObject' ? ', without idleReplicaCount: 0' : ''}`,
    };
  }
  if (minReplicas >= replicas || (minReplicas === 0 && scalesToZero)) return undefined;
  return {
    type: 'unmet',
    path,
    message: `${kind} ${name} keeps at least ${minReplicas}, at least ${replicas} are required`,
    remediation: `set ${field}: ${replicas} in ${kind} ${name}`,
  };
}

/** What is wrong with a count that nothing scales. */
function problemOfCount(workload: Workload, path: Path, parameters: Parameters): Outcome | undefined {
  const { replicas, allowZero, autoscaler } = parameters;
  const declared = workload.replicas?.count;
  const count = declared ?? 1;
  if (count >= replicas || (count === 0 && allowZero)) return undefined;
  const is = declared === undefined ? 'is left out, which means 1' : `is ${declared}`;
  const waits = awaits(autoscaler, workload);
  return {
    type: 'unmet',
    path,
    message: `${is}, at least ${replicas} are required`,
    remediation: `set replicas: ${replicas}${count === 0 ? '' : alternative(autoscaler, waits, workload)}`,
    ...(waits ? { scope: 'companion' } : {}),
  };
}

/** Is an autoscaler waited for? Never at a count of 0, which a HorizontalPodAutoscaler lets be. */
function awaits(autoscaler: Parameters['autoscaler'], workload: Workload): boolean {
  switch (autoscaler) {
    case 'Require':
      return false;
    case 'Await':
      return countOrigin(workload) === 'LeftOut';
    case 'AwaitAny':
      return (workload.replicas?.count ?? 1) === 1;
  }
}

/** What else to do than to set a count, for a workload that is to be scaled. */
function alternative(autoscaler: Parameters['autoscaler'], waits: boolean, workload: Workload): string {
  if (waits) return ', or create a HorizontalPodAutoscaler that keeps as many';
  const first = 'create the HorizontalPodAutoscaler first';
  if (autoscaler === 'Require') return `, or ${first}, or give the policy minReplicas.autoscaler: Await`;
  return countOrigin(workload) === 'Untold'
    ? `, or ${first}, or leave it out and apply with --server-side, or give the policy minReplicas.autoscaler: AwaitAny`
    : `, or leave it out where an autoscaler scales it, or ${first}`;
}
