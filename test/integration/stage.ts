/** What the tests through kubectl share: a namespace with a policy of its own, and manifests to vary. */
import { expect } from '@jest/globals';
import { until } from '../support/until.ts';
import { kubectl, type CommandOptions, type CommandResult } from '../cluster/kubectl.ts';
import { calledUrl } from '../cluster/configurations.ts';
import { enforced, permitted } from '../cluster/operator.ts';

const kubeconfig = process.env['READINESS_TEST_KUBECONFIG'];
if (kubeconfig === undefined) throw new Error('run me with: npm run test:integration');
const target = { kubeconfig };

export type Json = Record<string, any>;

/** Runs kubectl as the administrator; a failure throws. */
export async function kube(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return (await kubectl(target, args, options)).stdout;
}

/** Runs kubectl and returns what it said, however it ended. */
export function attempt(
  args: readonly string[],
  input?: unknown,
  options: CommandOptions = {},
): Promise<CommandResult> {
  const text = input === undefined ? {} : { input: typeof input === 'string' ? input : JSON.stringify(input) };
  return kubectl(target, args, { allowFailure: true, ...text, ...options });
}

export const apply = (object: unknown, ...more: string[]): Promise<CommandResult> =>
  attempt(['apply', '-f', '-', ...more], object);

/** Changes a Deployment so that imageTag is not met. */
export const latest = (_spec: Json, container: Json): void => {
  container['image'] = 'registry.example.com/shop/app:latest';
};

/** Waits until what is made now is younger than all that is there: the API server counts in whole seconds. */
export async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  await until('the next second', () => Promise.resolve(Math.floor(Date.now() / 1000) > second));
}

/** A person without any special rights. */
export const DEVELOPER = { user: 'alice', groups: ['developers', 'system:authenticated'] };

/** A namespace, its policies, and objects in it. */
export class Stage {
  readonly namespace: string;
  readonly policy: string;

  private constructor(name: string) {
    this.namespace = name;
    this.policy = name;
  }

  /** Makes a namespace; with a spec also a policy that concerns it alone. */
  static async open(name: string, spec?: Json): Promise<Stage> {
    const stage = new Stage(name);
    await kube(['create', 'namespace', name]);
    if (spec !== undefined) await stage.enforce(spec);
    return stage;
  }

  /** Creates or changes a policy for the namespace and waits until it is in force. */
  async enforce(spec: Json, name = this.policy): Promise<void> {
    const result = await apply(this.policyObject(spec, name));
    if (result.code !== 0) throw new Error(result.stderr);
    await enforced(target, name);
  }

  policyObject(spec: Json, name = this.policy): Json {
    return {
      apiVersion: 'readiness-operator.dev/v1alpha1',
      kind: 'ReadinessPolicy',
      metadata: { name },
      spec: {
        ...spec,
        match: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': this.namespace } },
          ...spec['match'],
        },
      },
    };
  }

  /** A Deployment that meets everything; `change` edits its spec. */
  deployment(name: string, change: (spec: Json, container: Json) => void = () => {}): Json {
    const container: Json = {
      name: 'app',
      image: 'registry.example.com/shop/app:1.0.0',
      ports: [{ name: 'http', containerPort: 8080 }],
      resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '32Mi', 'ephemeral-storage': '64Mi' } },
      readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
      livenessProbe: { httpGet: { path: '/live', port: 'http' }, failureThreshold: 6 },
    };
    const spec: Json = {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
    };
    change(spec, container);
    return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: this.namespace }, spec };
  }

  /** An exception from the policy for Deployment web; `spec` adds or replaces. */
  exception(name: string, expiresAt: Date, spec: Json = {}): Json {
    return {
      apiVersion: 'readiness-operator.dev/v1alpha1',
      kind: 'ReadinessException',
      metadata: { name, namespace: this.namespace },
      spec: {
        policies: [this.policy],
        workloads: [{ kind: 'Deployment', name: 'web' }],
        checks: ['imageTag'],
        reason: 'vendor image, TICKET-1',
        expiresAt: expiresAt.toISOString(),
        ...spec,
      },
    };
  }

  /** kubectl in the namespace. */
  run(...args: string[]): Promise<CommandResult> {
    return attempt(['-n', this.namespace, ...args]);
  }

  /** Lets a user, or a ServiceAccount, do in the namespace all that `edit` allows and what else is named, and waits for it. */
  async grant(who: string, ...roles: string[]): Promise<void> {
    const subject = who.startsWith('system:serviceaccount:')
      ? `--serviceaccount=${who.slice('system:serviceaccount:'.length)}`
      : `--user=${who}`;
    // In this order: who may edit may then do the rest too.
    for (const role of [...roles, 'edit']) {
      const name = `${role}-${who.replaceAll(':', '-')}`;
      await kube(['-n', this.namespace, 'create', 'rolebinding', name, `--clusterrole=${role}`, subject]);
    }
    await this.may(who, 'create', 'deployments.apps');
  }

  /** Waits until somebody may do something in the namespace. */
  may(user: string, verb: string, resource: string): Promise<void> {
    return permitted(target, this.namespace, user, verb, resource);
  }

  async get(what: string, name: string): Promise<Json> {
    return JSON.parse(await kube(['-n', this.namespace, 'get', what, name, '-o', 'json'])) as Json;
  }

  /** `kind/name` of all objects of a kind in the namespace. */
  async names(kind: string): Promise<string[]> {
    const text = await kube(['-n', this.namespace, 'get', kind, '-o', 'name']);
    return text.split('\n').filter((name) => name !== '');
  }

  /** Waits for a workload's report, as it is to be: what watches bring comes a moment later. */
  async report(name: string, expected: Json = {}): Promise<Json> {
    return until(`the report ${name} to be ${JSON.stringify(expected)}`, async () => {
      const report = await this.get('rrep', name);
      expect(report).toMatchObject(expected);
      return report;
    });
  }

  /** Waits until a workload has no report. */
  async unreported(name: string): Promise<void> {
    await until(`the report ${name} to go`, async () => (await this.run('get', 'rrep', name)).code !== 0);
  }

  /** The URL by which the API server calls about its workloads. */
  calledUrl(): Promise<string> {
    return calledUrl(target, this.policy);
  }

  /** Removes the policies, so that no other test meets them. */
  async close(...policies: string[]): Promise<void> {
    await attempt(['delete', 'rpol', '--ignore-not-found', this.policy, ...policies]);
    await attempt(['delete', 'namespace', this.namespace, '--wait=false']);
  }
}
