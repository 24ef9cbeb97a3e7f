/**
 * Which policies are in force. A policy comes into force when everything that it asks for has been read; one that can't
 * be compiled leaves its last good version in force and takes no other down.
 */
import { formatPath, valueAt } from '../engine/path.ts';
import type { RelatedKindName } from '../engine/related.ts';
import type { FieldProblem, RawObject } from '../engine/workload.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Logger } from '../logger.ts';
import type { CompiledPolicy, PolicyCompiler } from '../policy/compile.ts';
import { PolicySet } from '../policy/routes.ts';
import type { PolicyStatus } from './policy-status.ts';
import { GROUP, VERSION } from '../policy/schema.ts';

export const POLICIES = { group: GROUP, version: VERSION, resource: 'readinesspolicies' };

export interface PoliciesOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly compiler: PolicyCompiler;
  /** Resolves when what a policy asks for has been read: kinds of workloads (undefined: all) and related kinds. */
  readonly prepare: (kinds: readonly string[] | undefined, reads: Iterable<RelatedKindName>) => Promise<void>;
  /** Told that the set of policies in force changed. */
  readonly onChange: () => void;
  /** Told that a policy's status may have to say something else. */
  readonly onStatus: (name: string) => void;
}

/** A policy as the cluster has it, and what became of it here. */
export interface PolicyState {
  readonly object: RawObject;
  /** What is wrong with its newest version; empty if that is in force, or about to be. */
  readonly problems: readonly FieldProblem[];
  /** The version in force; undefined: none yet. */
  readonly inForce: CompiledPolicy | undefined;
  /** The spec of that version, as the policy stated it. */
  readonly inForceSpec: unknown;
}

export class Policies {
  readonly #options: PoliciesOptions;
  readonly #informer: Informer<RawObject>;
  readonly #queue: WorkQueue;
  readonly #inForce = new Map<string, { readonly policy: CompiledPolicy; readonly spec: unknown }>();
  readonly #problems = new Map<string, readonly FieldProblem[]>();
  readonly #initial = Promise.withResolvers<void>();
  /** Policies that were there at the start and have not been looked at yet. */
  #awaited: Set<string> | undefined;
  #set = new PolicySet([]);

  constructor(options: PoliciesOptions) {
    this.#options = options;
    const { client, logger, onStatus } = options;
    this.#queue = new WorkQueue({
      clock: client.clock,
      concurrency: 4,
      reconcile: (name) => this.#reconcile(name),
      onError: (policy, error, retryIn) =>
        logger.error('a policy could not be brought into force', { policy, error, retryIn }),
    });
    this.#informer = new Informer<RawObject>({
      client,
      group: POLICIES.group,
      versions: [POLICIES.version],
      resource: POLICIES.resource,
      keep: ({ metadata, spec, status }: RawObject) => ({ metadata, spec, status }),
      onChange: (name, before, after) => {
        onStatus(name);
        // Without a version in force, the status may come to tell of one that was.
        if (versionOf(before) !== versionOf(after) || !this.#inForce.has(name)) this.#queue.add(name);
      },
      onState: ({ state }) => {
        if (state === 'synced') this.#awaitInitial();
      },
      onError: (error, what) => logger.warn('watching policies', { what, error }),
    });
  }

  start(): void {
    this.#informer.start();
  }

  async stop(): Promise<void> {
    this.#queue.stop();
    await this.#informer.stop();
  }

  /** Resolves when every policy that was there at the start is in force, or is known not to be fit for it. */
  get initial(): Promise<void> {
    return this.#initial.promise;
  }

  /** The policies in force. */
  get set(): PolicySet {
    return this.#set;
  }

  /**
   * The policies that these objects, just read, bring into force: with the version of each that is in force here, if it is the
   * same or a newer one can't be used. Resolves when what they ask for has been read.
   */
  async among(objects: readonly RawObject[]): Promise<PolicySet> {
    const policies = await Promise.all(objects.map((object) => this.#version(object)));
    return new PolicySet(policies.filter((policy) => policy !== undefined));
  }

  state(name: string): PolicyState | undefined {
    const object = this.#informer.get(name);
    if (object === undefined) return undefined;
    const inForce = this.#inForce.get(name);
    return {
      object,
      problems: this.#problems.get(name) ?? [],
      inForce: inForce?.policy,
      inForceSpec: inForce?.spec,
    };
  }

  *names(): Iterable<string> {
    for (const [name] of this.#informer.entries()) yield name;
  }

  get informer(): Informer<RawObject> {
    return this.#informer;
  }

  #awaitInitial(): void {
    if (this.#awaited !== undefined) return;
    this.#awaited = new Set(this.names());
    this.#looked('');
  }

  #looked(name: string): void {
    this.#awaited?.delete(name);
    if (this.#awaited?.size === 0) this.#initial.resolve();
  }

  async #reconcile(name: string): Promise<void> {
    const { compiler, logger, onStatus } = this.#options;
    const object = this.#informer.get(name);
    if (object === undefined) {
      this.#problems.delete(name);
      if (this.#inForce.delete(name)) this.#publish('policy is gone', name);
      this.#looked(name);
      return;
    }
    const compiled = compiler.compile(object);
    if ('problems' in compiled) {
      this.#problems.set(name, compiled.problems);
      logger.warn('a policy can not be used', { policy: name, problems: compiled.problems.map(problemText) });
      await this.#recall(name, object);
    } else {
      await this.#enforce(name, object, compiled.policy, object['spec']);
      this.#problems.delete(name);
    }
    onStatus(name);
    this.#looked(name);
  }

  async #enforce(name: string, object: RawObject, policy: CompiledPolicy, spec: unknown): Promise<void> {
    await this.#options.prepare(policy.match.spec.kinds, policy.reads);
    // It may have changed or gone while we read; then the queue brings us here again.
    if (versionOf(this.#informer.get(name)) !== versionOf(object)) return;
    this.#inForce.set(name, { policy, spec });
    this.#publish('policy is in force', name);
  }

  async #recall(name: string, object: RawObject): Promise<void> {
    if (this.#inForce.has(name)) return;
    const last = this.#lastGood(object);
    if (last !== undefined) await this.#enforce(name, object, last.policy, last.spec);
  }

  /** The last good version of a policy that can't be used, from its status: a restart must not weaken what is enforced. */
  #lastGood(object: RawObject): { readonly policy: CompiledPolicy; readonly spec: unknown } | undefined {
    const last = valueAt(object, ['status', 'inForce']) as PolicyStatus['inForce'];
    if (last === undefined) return undefined;
    const metadata = { ...(object['metadata'] as object), generation: last.generation };
    const compiled = this.#options.compiler.compile({ metadata, spec: last.spec });
    return 'policy' in compiled ? { policy: compiled.policy, spec: last.spec } : undefined;
  }

  /** The version of a policy that an object brings into force, ready for use; undefined: none. */
  async #version(object: RawObject): Promise<CompiledPolicy | undefined> {
    const present = this.#inForce.get(String(valueAt(object, ['metadata', 'name'])))?.policy;
    if (present !== undefined && `${present.uid}/${present.generation}` === versionOf(object)) return present;
    const compiled = this.#options.compiler.compile(object);
    const policy = 'policy' in compiled ? compiled.policy : (present ?? this.#lastGood(object)?.policy);
    if (policy !== undefined && policy !== present) {
      await this.#options.prepare(policy.match.spec.kinds, policy.reads);
    }
    return policy;
  }

  #publish(what: string, policy: string): void {
    this.#set = new PolicySet([...this.#inForce.values()].map((one) => one.policy));
    this.#options.logger.info(what, { policy, policies: this.#set.policies.length });
    this.#options.onChange();
  }
}

/** Tells versions of a policy's spec apart, also that of a policy made anew under the same name. */
function versionOf(object: RawObject | undefined): string {
  return `${String(valueAt(object, ['metadata', 'uid']))}/${String(valueAt(object, ['metadata', 'generation']))}`;
}

/** `spec.checks.memoryLimts: unknown check; did you mean memoryLimits?` */
export function problemText({ path, message }: FieldProblem): string {
  return `${formatPath(path)}: ${message}`;
}
