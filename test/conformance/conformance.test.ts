/**
 * One truth: webhook, audit and command line find the same on every fixture, with the same world and clock. The webhook is
 * the real HTTPS server; the audit is what the controller makes of a workload; the command line is given the fixture's own
 * objects and, behind them, the same look-ups.
 */
import https from 'node:https';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkManifests } from '../../src/cli/check.ts';
import { apiVersionOf, type WorkloadKind } from '../../src/engine/kinds.ts';
import { formatPath } from '../../src/engine/path.ts';
import { displayPath, readWorkload, type Workload } from '../../src/engine/workload.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';
import type { CompiledPolicy } from '../../src/policy/compile.ts';
import { NO_EXCEPTIONS } from '../../src/policy/exceptions.ts';
import { exemptionsOf } from '../../src/policy/exemptions.ts';
import { judge } from '../../src/policy/judge.ts';
import { reportOf } from '../../src/policy/report.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import { readWorkloadKinds } from '../../src/policy/workload-kinds.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { issueAuthority, issueLeaf } from '../../src/webhook/issue.ts';
import { WebhookServer, WORKLOADS_PATH } from '../../src/webhook/server.ts';
import { ALL_KNOWN } from '../support/callers.ts';
import { FIXTURE_TIME, loadFixtures, type Fixture } from '../support/fixtures.ts';
import { policyOf } from '../support/policies.ts';

const CUSTOM = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  kind: 'Rollout',
  resource: 'rollouts',
  replicas: 'spec.replicas',
  history: 'ReplicaSet',
};
const { kinds: KINDS } = readWorkloadKinds([CUSTOM]) as { readonly kinds: readonly WorkloadKind[] };

/** The fixture with Rollouts in the place of Deployments; undefined if it holds none that is unmet. */
function asCustom(fixture: Fixture): Fixture | undefined {
  const isDeployment = (kind: unknown): boolean => kind === 'Deployment';
  if (fixture.status !== 'Unmet' || !fixture.workloads.some(({ workload }) => isDeployment(workload.kind.kind))) return;
  const manifests = fixture.manifests.map((manifest) =>
    isDeployment(manifest.object['kind'])
      ? { ...manifest, object: { ...manifest.object, ...kindAndVersion(ROLLOUT) } }
      : manifest,
  );
  const workloads = fixture.workloads.map((one) => {
    if (!isDeployment(one.workload.kind.kind)) return one;
    const read = readWorkload({ ...one.workload.object, ...kindAndVersion(ROLLOUT) }, ROLLOUT);
    if ('problem' in read) throw new Error(read.problem.message);
    return { ...one, workload: read.workload };
  });
  return { ...fixture, file: `${fixture.file}, as Rollouts`, manifests, workloads };
}

const ROLLOUT = KINDS.at(-1) as WorkloadKind;
const kindAndVersion = (kind: WorkloadKind) => ({ apiVersion: apiVersionOf(kind), kind: kind.kind });

const ORIGINALS = loadFixtures();
const CUSTOMS = ORIGINALS.flatMap((fixture) => asCustom(fixture) ?? []);
/** One of a custom kind for each check. */
const FIXTURES = [...ORIGINALS, ...new Map(CUSTOMS.map((fixture) => [fixture.check, fixture])).values()];
/** Parameters without which a policy is refused. */
const NEEDED: Readonly<Record<string, object>> = { maxReplicas: { replicas: 3 } };
/** What the webhook judges with, exchanged from fixture to fixture. */
let current: { readonly policy: CompiledPolicy; readonly fixture: Fixture };
let server: WebhookServer;
let port: number;
let authority: string;

beforeAll(async () => {
  const [from, to] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)];
  const ca = await issueAuthority('conformance', from, to);
  authority = ca.cert;
  server = new WebhookServer({
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    certificate: await issueLeaf(ca, ['127.0.0.1', 'localhost'], from, to),
    world: {
      now: () => FIXTURE_TIME,
      kinds: KINDS,
      exemptions: exemptionsOf([], []),
      policies: () => new PolicySet([current.policy]),
      exceptions: NO_EXCEPTIONS,
      related: { find: (kind, namespace, key) => current.fixture.related.find(kind, namespace, key) },
      namespaceLabels: () => ({}),
      parent: () => undefined,
      live: {
        namespaceLabels: () => Promise.resolve({}),
        parent: () => Promise.resolve(undefined),
        named: (kind, namespace, key) => Promise.resolve(current.fixture.related.find(kind, namespace, key)),
        leniency: () => Promise.resolve(undefined),
        mayBypass: () => Promise.resolve('no'),
      },
      beforeDenial: () => undefined,
    },
    callers: ALL_KNOWN,
    notReady: () => undefined,
    degraded: () => undefined,
    draining: () => false,
    policiesFor: () => Promise.resolve(undefined),
    reviewPolicy: () => {
      throw new Error('no policies are reviewed here');
    },
    reviewException: () => {
      throw new Error('no exceptions are reviewed here');
    },
    reviewNamespace: () => {
      throw new Error('no namespaces are reviewed here');
    },
    onEvent: () => {},
    logger: createLogger({ level: 'error', format: 'text' }),
    metrics: createMetrics(),
  });
  port = await server.listen();
});
afterAll(() => server.close());

interface Answer {
  readonly allowed: boolean;
  readonly status?: { readonly message: string };
  readonly warnings?: readonly string[];
}

/** Creates the workload, as the API server would ask for it. */
async function admit({ kind, namespace, name, object }: Workload): Promise<Answer> {
  const { group, version, resource } = kind;
  const request = {
    uid: 'a',
    kind: { group, version, kind: kind.kind },
    resource: { group, version, resource },
    name,
    namespace,
    operation: 'CREATE',
    userInfo: { username: 'jane' },
    object: { apiVersion: apiVersionOf(kind), ...object },
  };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  const text = await new Promise<string>((resolve, reject) => {
    const path = `${WORKLOADS_PATH}/${current.policy.name}`;
    const options = { host: '127.0.0.1', port, path, method: 'POST', ca: authority, agent: false } as const;
    const sent = https.request({ ...options, headers: { 'content-type': 'application/json' } }, (response) => {
      let all = '';
      response.on('data', (chunk: Buffer) => (all += chunk.toString()));
      response.on('end', () => resolve(all));
    });
    sent.on('error', reject);
    sent.end(body);
  });
  return (JSON.parse(text) as { response: Answer }).response;
}

test.each(FIXTURES.map((fixture) => [`${fixture.check}/${fixture.file}`, fixture] as const))(
  '%s',
  async (_, fixture) => {
    const given = (fixture.policy?.['spec'] ?? {
      profile: 'none',
      checks: { [fixture.check]: { priority: 'Critical', ...NEEDED[fixture.check] } },
    }) as { readonly enforcement?: object };
    // Everything denies, for the webhook says nothing of what is only audited.
    const everything = { critical: 'Deny', important: 'Deny', niceToHave: 'Deny', onUnknown: 'Warn' };
    const spec = { ...given, enforcement: { ...given.enforcement, ...everything } };
    const policy = policyOf(spec, undefined, { name: 'fixture' });
    current = { policy, fixture };

    const source = {
      file: 'policy',
      apiVersion: 'v1',
      kind: 'ReadinessPolicy',
      locate: () => ({ line: 1, column: 1 }),
    };
    const report = checkManifests(
      {
        paths: ['-'],
        stdin: Buffer.from(
          fixture.manifests
            .map(({ object }) => JSON.stringify(object))
            .filter((text) => !text.includes('"kind":"ReadinessPolicy"'))
            .join('\n'),
        ),
        policyFiles: [],
        profile: undefined,
        namespace: 'default',
        namespaceLabels: undefined,
        workloadKinds: KINDS,
        now: FIXTURE_TIME,
      },
      {
        policies: [{ ...source, object: { metadata: { name: 'fixture' }, spec } }],
        exceptions: [],
        namespaceLabels: new Map(),
        related: fixture.related,
      },
    );

    let compared = 0;
    for (const { workload } of fixture.workloads) {
      const judgedThroughOwner = workload.controller !== undefined;
      const checked = report.workloads.find(
        (one) =>
          one.workload.kind === workload.kind &&
          one.workload.name === workload.name &&
          one.workload.namespace === workload.namespace,
      );
      if (checked === undefined) {
        expect(judgedThroughOwner).toBe(true);
        continue;
      }
      compared++;
      const audited = reportOf(workload, [judge(policy, workload, fixture.related, FIXTURE_TIME)]);
      expect(
        checked.findings.map(({ check, priority, action, path, message, remediation, policies }) => ({
          check,
          priority,
          action,
          path: formatPath(path),
          message,
          remediation,
          policies,
        })),
      ).toEqual(audited.findings.map(({ container: _container, ...finding }) => finding));
      expect(checked.unknown.map(({ check, cause }) => [check, cause])).toEqual(
        (audited.unknown ?? []).map(({ check, cause }) => [check, cause]),
      );
      expect([checked.ready, checked.score]).toEqual([audited.ready, audited.score]);

      // What the webhook says is in lines; a finding that may yet go away by itself is one of its warnings.
      const { allowed, status, warnings = [] } = await admit(workload);
      const denied = (status?.message ?? '')
        .split('\n')
        .filter((line) => line.startsWith('  '))
        .map((line) => line.trim());
      const warned = warnings.flatMap(eachContainer);
      const said = [...denied.map((line) => line.replace(/ +/, ' ')), ...warned];
      for (const { check, path, message, remediation } of checked.findings) {
        const where = displayPath(path, workload);
        const what = `${where}: ${message}; ${remediation}`;
        const isSaid = said.some((line) => {
          const text = line.endsWith('...') ? line.slice(0, -3) : line;
          if (!line.startsWith('['))
            return line === text ? text === `${check} ${what}` : `${check} ${what}`.startsWith(text);
          // A warning leaves out the path of the pod.
          const [, name, rest = ''] = /^\[fixture\] \w+ (\w+)(?: \([^)]*\))?: (.*)$/s.exec(text) ?? [];
          return name === check && (what.startsWith(rest) || what.includes(`.${rest}`));
        });
        expect([what, isSaid || denied.length > 20]).toEqual([what, true]);
      }
      if (denied.length <= 20)
        expect(denied.length + warned.length).toBe(checked.findings.length + checked.unknown.length);
      expect(allowed).toBe(denied.length === 0);
    }
    expect(
      compared + fixture.workloads.filter(({ workload }) => workload.controller !== undefined).length,
    ).toBeGreaterThan(0);
  },
);

/** A warning of `containers[app, proxy]`, once for each. */
function eachContainer(warning: string): string[] {
  const [, before = '', names = '', after = ''] = /^(.*?[cC]ontainers\[)([^\]]*)(\].*)$/s.exec(warning) ?? [];
  return names === '' ? [warning] : names.split(', ').map((name) => `${before}${name}${after}`);
}
