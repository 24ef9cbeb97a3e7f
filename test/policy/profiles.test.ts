import { describe, expect, test } from '@jest/globals';
import { CHECKS } from '../../src/checks/index.ts';
import { PROFILES, type Priority, type Scope } from '../../src/engine/check.ts';
import { PolicyCompiler, profilePriority } from '../../src/policy/compile.ts';

/**
 * The profiles as they were first released. A row is never changed: an upgrade must not change what a policy blocks.
 * Another set of priorities is another profile. New checks are added as Disabled, or to a new profile (docs/profiles.md).
 *
 * C Critical, I Important, N NiceToHave, - Disabled; w workload, r reference, c companion.
 */
const FROZEN = `
  check                    production-v1  baseline-v1  scope
  service                  I              -            c
  networkPolicy            I              -            c
  metricsScrape            I              -            c
  alertRules               N              -            c
  cpuRequests              C              I            w
  memoryRequests           C              C            w
  memoryLimits             C              C            w
  cpuLimits                -              -            w
  ephemeralStorageLimits   N              -            w
  readinessProbe           C              C            w
  livenessProbe            C              I            w
  startupProbe             N              -            w
  probePorts               C              C            w
  probeTiming              I              -            w
  distinctProbes           N              -            w
  secretReferences         C              C            r
  configMapReferences      C              I            r
  serviceAccountReference  C              I            r
  hardcodedCredentials     C              C            w
  placeholderValues        C              I            w
  minReplicas              C              I            w
  imageTag                 C              C            w
  maxReplicas              -              -            w
  horizontalAutoscaler     I              -            c
  podDisruptionBudget      I              -            c
  topologySpread           I              -            w
  rolloutStrategy          I              I            w
  rollbackHistory          I              -            w
  gracefulShutdown         N              -            w
  imageDigest              N              -            w
  imageRegistry            -              -            w
  podSecurityBaseline      C              C            w
  podSecurityRestricted    I              -            w
  readOnlyRootFilesystem   N              -            w
  dedicatedServiceAccount  I              -            w
  secretsAsFiles           -              -            w
  volumeClaimReferences    I              -            r
  serviceAccountTokenMount I              -            r
  serviceAccountPermissions C             I            r
  secretRotation           I              -            r
  secretSource             N              -            r
  configMapCredentials     I              -            r
  ingressTls               C              -            c
`;

/** What else is frozen: which workloads a check judges, and the defaults of its parameters. */
const APPLIES_AND_DEFAULTS = `
  configMapCredentials      All          {"allow":[]}
  configMapReferences       All          {"whenMissing":"Unmet","keys":true}
  cpuLimits                 All          {"mode":"Required"}
  cpuRequests               All          {}
  dedicatedServiceAccount   All          {}
  distinctProbes            LongRunning  {}
  ephemeralStorageLimits    All          {}
  gracefulShutdown          LongRunning  {"max":"10m"}
  hardcodedCredentials      All          {"allow":[]}
  imageDigest               All          {}
  imageRegistry             All          {"allowed":[]}
  imageTag                  All          {"forbidden":["latest"]}
  ingressTls                LongRunning  {"minValidity":"504h","annotations":[]}
  livenessProbe             LongRunning  {"containers":"WithPorts"}
  maxReplicas               Replicated   {}
  memoryLimits              All          {}
  memoryRequests            All          {}
  minReplicas               Replicated   {"replicas":2,"allowZero":true,"autoscaler":"Await"}
  networkPolicy             All          {"directions":["Ingress"]}
  placeholderValues         All          {"allow":[]}
  podDisruptionBudget       Replicated   {}
  podSecurityBaseline       All          {"allow":[]}
  podSecurityRestricted     All          {"allow":[]}
  probePorts                LongRunning  {}
  probeTiming               LongRunning  {"maxFailure":"5m","minExecPeriod":"5s"}
  readOnlyRootFilesystem    All          {}
  readinessProbe            LongRunning  {"containers":"WithPorts"}
  rollbackHistory           All          {}
  rolloutStrategy           All          {}
  secretReferences          All          {"whenMissing":"Unmet","keys":true}
  secretRotation            All          {"maxAge":"2160h"}
  secretSource              All          {}
  secretsAsFiles            All          {}
  service                   LongRunning  {}
  serviceAccountPermissions All          {}
  serviceAccountReference   All          {"whenMissing":"Unmet"}
  serviceAccountTokenMount  All          {}
  startupProbe              LongRunning  {"slowStart":"30s"}
  topologySpread            Replicated   {}
  volumeClaimReferences     All          {"whenMissing":"Unmet"}
`;

const PRIORITY: Readonly<Record<string, Priority>> = {
  C: 'Critical',
  I: 'Important',
  N: 'NiceToHave',
  '-': 'Disabled',
};
const SCOPE: Readonly<Record<string, Scope>> = { w: 'workload', r: 'reference', c: 'companion' };

const rows = FROZEN.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.trim().split(/\s+/))
  .map(([name = '', production = '', baseline = '', scope = '']) => ({
    name,
    production: PRIORITY[production],
    baseline: PRIORITY[baseline],
    scope: SCOPE[scope],
  }));

describe('the frozen profiles', () => {
  test('judge the same workloads with the same defaults', () => {
    const found = CHECKS.map(({ name, appliesTo = 'All', parameters }) => {
      const { properties = {} } = parameters as { properties?: Record<string, { default?: unknown }> };
      const defaults = Object.entries(properties).flatMap(([parameter, schema]) =>
        'default' in schema ? [[parameter, schema.default]] : [],
      );
      return `${name} ${appliesTo} ${JSON.stringify(Object.fromEntries(defaults))}`;
    });
    const rows = APPLIES_AND_DEFAULTS.trim().split('\n');
    const frozen = rows.map((row) => row.trim().replaceAll(/ +/g, ' '));
    expect(found).toEqual(expect.arrayContaining(frozen));
    expect(frozen.length).toBeGreaterThanOrEqual(40);
  });

  test('hold every check', () => {
    expect(rows.map(({ name }) => name).toSorted()).toEqual(CHECKS.map(({ name }) => name));
  });

  test.each(rows)('$name', ({ name, production, baseline, scope }) => {
    const check = CHECKS.find((candidate) => candidate.name === name);
    if (check === undefined) throw new Error('no such check');
    expect(profilePriority(check, 'production-v1')).toBe(production);
    expect(profilePriority(check, 'baseline-v1')).toBe(baseline);
    expect(profilePriority(check, 'none')).toBe('Disabled');
    expect(check.scope).toBe(scope);
  });

  test.each(PROFILES)('%s compiles to just its rows', (profile) => {
    const compiled = new PolicyCompiler(CHECKS).compile({ metadata: { name: 'p' }, spec: { profile } });
    if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
    const column = profile === 'production-v1' ? 'production' : 'baseline';
    const expected = rows
      .filter((row) => profile !== 'none' && row[column] !== 'Disabled')
      .map((row) => `${row.name} ${row[column]}`);
    const enabled = compiled.policy.enabled.map(({ check, priority }) => `${check.name} ${priority}`);
    expect(enabled).toEqual(expected.toSorted());
  });
});
