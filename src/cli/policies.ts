/** The policies to check with: given by file, found among the manifests, or made of a profile. */
import { CHECKS } from '../checks/index.ts';
import type { ProfileName } from '../engine/check.ts';
import { formatPath } from '../engine/path.ts';
import { PolicyCompiler, type CompiledPolicy } from '../policy/compile.ts';
import { API_VERSION, GROUP } from '../policy/schema.ts';
import type { Skipped, Source } from './objects.ts';
import { Problems, UnreadableInput } from './problems.ts';
import { groupOf } from '../engine/kinds.ts';
import { nameOf } from './shape.ts';

const KIND = 'ReadinessPolicy';

/** The profiles that can be asked for by name; `none` has no checks, so everything would pass it. */
export const PROFILE_CHOICES = ['production-v1', 'baseline-v1'] as const satisfies readonly ProfileName[];

/** Where the policies come from. */
export interface PolicyChoice {
  /** Objects of the files that the user named for that; undefined if none were named. */
  readonly given: readonly Source[] | undefined;
  /** The manifests, which may hold policies too. */
  readonly sources: readonly Source[];
  /** Policies of the cluster; undefined if it was not asked. */
  readonly inForce?: readonly Source[] | undefined;
  /** The profile that the user asked for; undefined if none. */
  readonly profile: (typeof PROFILE_CHOICES)[number] | undefined;
}

/** What is checked with. */
export interface Policies {
  readonly policies: readonly CompiledPolicy[];
  /** They are ReadinessPolicies, so each concerns what it matches; a profile concerns everything. */
  readonly byMatch: boolean;
  /** Policies among the manifests that are not used. */
  readonly unused: readonly Skipped[];
  /** What the user should know, a sentence each. */
  readonly hints: readonly string[];
}

/**
 * Chooses and compiles the policies: those given, else the profile asked for, else those of the cluster and those among
 * the manifests, else the profile production-v1.
 *
 * @throws UnreadableInput naming everything that is wrong with them, and if files given for their policies hold none
 */
export function policiesOf({ given, sources, profile, inForce }: PolicyChoice): Policies {
  const compiler = new PolicyCompiler(CHECKS);
  const among = sources.filter(isPolicy);
  if (given !== undefined) {
    const objects = given.filter(isPolicy);
    const files = new Set(given.map(({ file }) => file));
    if (objects.length === 0) {
      const file = [...files].join(', ') || '--policy';
      throw new UnreadableInput([{ file, at: undefined, message: `holds no ${KIND}` }]);
    }
    const others = among.filter(({ file }) => !files.has(file));
    return { policies: compileAll(compiler, objects), byMatch: true, unused: unusedFor('--policy', others), hints: [] };
  }
  if (profile === undefined && among.length + (inForce?.length ?? 0) > 0) {
    const own = compileAll(compiler, among);
    const names = new Set(own.map(({ name }) => name));
    const others = (inForce ?? []).filter(({ object }) => !names.has(nameOf(object) ?? ''));
    const { policies, hints } = compileValid(compiler, others);
    return { policies: [...own, ...policies], byMatch: true, unused: [], hints };
  }
  const policy = ofProfile(compiler, profile ?? 'production-v1');
  const asked = inForce !== undefined && profile === undefined;
  const hints = asked ? ['the cluster has no ReadinessPolicy; checked with the profile production-v1'] : [];
  return { policies: [policy], byMatch: false, unused: unusedFor('--profile', among), hints };
}

/** Policies of a cluster: what is wrong with one there is not in force there either. */
function compileValid(compiler: PolicyCompiler, sources: readonly Source[]) {
  const policies: CompiledPolicy[] = [];
  const hints: string[] = [];
  for (const { object } of sources) {
    const compiled = compiler.compile(object);
    if ('policy' in compiled) policies.push(compiled.policy);
    else {
      const [first] = compiled.problems;
      const why = first === undefined ? '' : `: ${formatPath(first.path)}: ${first.message}`;
      hints.push(`policy ${nameOf(object)} of the cluster is left out, it is not valid${why}`);
    }
  }
  return { policies, hints };
}

function unusedFor(option: string, sources: readonly Source[]): Skipped[] {
  return sources.map(({ file, object }) => ({
    file,
    kind: KIND,
    name: nameOf(object),
    reason: `not used, because ${option} is given`,
  }));
}

function isPolicy({ kind, apiVersion }: Source): boolean {
  return kind === KIND && groupOf(apiVersion) === GROUP;
}

function compileAll(compiler: PolicyCompiler, sources: readonly Source[]): CompiledPolicy[] {
  const problems = new Problems();
  const byName = new Map<string, CompiledPolicy>();
  for (const { object, apiVersion, file, locate } of sources) {
    const name = nameOf(object);
    if (apiVersion !== API_VERSION) {
      problems.add(file, locate(['apiVersion']), `${KIND}: apiVersion: must be ${API_VERSION}; is ${apiVersion}`);
    } else if (name === null) {
      problems.add(file, locate(['metadata', 'name']), `${KIND}: metadata.name: is required`);
    } else if (byName.has(name)) {
      problems.add(file, locate(['metadata', 'name']), `${KIND} ${name} stands here a second time`);
    } else {
      const compiled = compiler.compile(object);
      if ('policy' in compiled) byName.set(name, compiled.policy);
      else {
        for (const { path, message } of compiled.problems) {
          problems.add(file, locate(path), `${KIND} ${name}: ${formatPath(path)}: ${message}`);
        }
      }
    }
  }
  problems.throwIfAny();
  return [...byName.values()];
}

/** A policy that stands for a profile: it bears its name and matches everything. */
function ofProfile(compiler: PolicyCompiler, profile: ProfileName): CompiledPolicy {
  const compiled = compiler.compile({ metadata: { name: profile }, spec: { profile } });
  if ('problems' in compiled)
    throw new Error(`the profile ${profile} does not compile: ${compiled.problems[0]?.message}`);
  return compiled.policy;
}
