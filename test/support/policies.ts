/** Policies for tests, and a check that says what it is told to say. */
import { CHECKS } from '../../src/checks/index.ts';
import type { WebhookConfigurationInput } from '../../src/controller/webhook-configuration.ts';
import { NO_PARAMETERS, type Check, type Outcome } from '../../src/engine/check.ts';
import { WORKLOAD_KINDS } from '../../src/engine/kinds.ts';
import { formatPath } from '../../src/engine/path.ts';
import { PolicyCompiler, type CompiledPolicy } from '../../src/policy/compile.ts';
import { exemptionsOf } from '../../src/policy/exemptions.ts';
import type { Admission } from '../../src/policy/judge.ts';
import { PolicySet } from '../../src/policy/routes.ts';

const ALL = new PolicyCompiler(CHECKS);

/** Compiles a policy's spec that must be valid. */
export function policyOf(spec: object, compiler = ALL, metadata: object = { name: 'policy' }): CompiledPolicy {
  const result = compiler.compile({ metadata, spec });
  if ('policy' in result) return result.policy;
  throw new Error(result.problems.map(({ path, message }) => `${formatPath(path)} ${message}`).join('; '));
}

/** What is wrong with a policy's spec, a line each. */
export function problemsOf(spec: unknown, compiler = ALL, metadata: object = { name: 'policy' }): string[] {
  const result = compiler.compile({ metadata, spec });
  if ('policy' in result) return [];
  return result.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
}

/** A check that says the given things of every workload, or throws the given error. */
export function sayingCheck(says: readonly Outcome[] | Error, more: Partial<Check> = {}): Check {
  return {
    name: 'saying',
    title: 'Saying',
    metWhen: 'It says nothing.',
    group: 'Health probes',
    items: ['deploy.containers.health-checks'],
    scope: 'workload',
    priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Important' },
    parameters: NO_PARAMETERS,
    rationale: 'For tests.',
    remediation: 'say nothing',
    source: 'https://kubernetes.io/docs/',
    run: (_, report) => {
      if (says instanceof Error) throw says;
      says.forEach((outcome) => report(outcome));
    },
    ...more,
  };
}

/** A policy with just these checks, all of them enabled. */
export function policyWith(
  checks: readonly Check[],
  enforcement: object = {},
  profile = 'production-v1',
): CompiledPolicy {
  return policyOf({ profile, enforcement }, new PolicyCompiler(checks));
}

/** A creation about which there is nothing special. */
export const CREATE: Admission = {
  operation: 'CREATE',
  dryRun: false,
  aspect: undefined,
  raisesReplicas: false,
  lowersReplicas: false,
  lenient: undefined,
  old: undefined,
};

/** What webhook configurations are derived from where there are these policies. */
export function webhookInput(policies: readonly CompiledPolicy[]): WebhookConfigurationInput {
  return {
    routes: new PolicySet(policies).routes,
    kinds: WORKLOAD_KINDS,
    exemptions: exemptionsOf(['operator'], []),
    address: { url: 'https://127.0.0.1:9443' },
    caBundle: 'authorities',
    paths: { workloads: '/w', policies: '/p', exceptions: '/e', namespaces: '/n', stamp: '/s' },
  };
}
