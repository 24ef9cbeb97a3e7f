/** Runs the fixtures of test/checks; its README.md tells how they are written. Knows nothing of a test framework. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../../src/engine/check.ts';
import { evaluateCheck, type CheckResult, type EnabledCheck, type Status } from '../../src/engine/evaluate.ts';
import { workloadKindOf } from '../../src/engine/kinds.ts';
import { RELATED_KINDS, relatedKindsOf, type Related } from '../../src/engine/related.ts';
import { readWorkload, type RawObject, type Workload } from '../../src/engine/workload.ts';
import { PolicyCompiler } from '../../src/policy/compile.ts';
import { parseManifests, type Manifest } from '../../src/cli/documents.ts';
import { onlyReading, relatedOf } from './related.ts';

export const FIXTURES_FOLDER = join(import.meta.dirname, '..', 'checks');

/** The clock of all fixtures. */
export const FIXTURE_TIME = Date.parse('2027-01-01T00:00:00Z');

/** What a fixture's name promises of its workloads. */
const PREFIXES = { met: 'Met', unmet: 'Unmet', unknown: 'Unknown', notApplicable: 'NotApplicable' } as const;

export interface Fixture {
  /** Name of the check, which is the name of the folder. */
  readonly check: string;
  /** File name without folder. */
  readonly file: string;
  readonly status: Status;
  readonly manifests: readonly Manifest[];
  readonly workloads: readonly FixtureWorkload[];
  readonly related: Related;
  /** The ReadinessPolicy that sets the check's parameters. */
  readonly policy: RawObject | undefined;
}

export interface FixtureWorkload {
  readonly workload: Workload;
  readonly manifest: Manifest;
  /** Expectations as the comments state them, each with its line where it has one. */
  readonly expected: readonly string[];
}

/** Reads all fixtures. Throws Error on one that is not written as it should be. */
export function loadFixtures(): Fixture[] {
  return readdirSync(FIXTURES_FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => loadFixturesOf(name));
}

/** Reads the fixtures of one check, none if it has no folder. Throws Error on one that is not written as it should be. */
export function loadFixturesOf(check: string): Fixture[] {
  const folder = join(FIXTURES_FOLDER, check);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).toSorted();
  return files.map((file) => readFixture(check, file, readFileSync(join(folder, file), 'utf8')));
}

/** Reads one fixture. Throws Error on one that is not written as it should be. */
export function readFixture(check: string, file: string, text: string): Fixture {
  const where = `${check}/${file}`;
  const [, prefix] = /^(met|unmet|unknown|notApplicable)(?:-[a-z0-9-]+)?\.yaml$/.exec(file) ?? [];
  if (prefix === undefined) throw new Error(`${where}: the name must be met-*.yaml, unmet-*.yaml or unknown-*.yaml`);
  const status = PREFIXES[prefix as keyof typeof PREFIXES];

  const manifests = parseManifests(text, where);
  const policies = manifests.filter(({ object }) => object['kind'] === 'ReadinessPolicy');
  const comments = readComments(text, where);
  const workloads: FixtureWorkload[] = [];
  const others: RawObject[] = [];
  const claimed = new Set<Comment>();
  for (const manifest of manifests) {
    const { object } = manifest;
    deepFreeze(object);
    const kind = workloadKindOf(String(object['apiVersion']), String(object['kind']));
    if (kind === undefined) {
      if (relatedKindsOf(String(object['apiVersion']), String(object['kind'])).length > 0) others.push(object);
      else if (object['kind'] !== 'ReadinessPolicy')
        throw new Error(`${where}: no check reads ${String(object['kind'])}`);
      continue;
    }
    const read = readWorkload(object, kind);
    if ('problem' in read) throw new Error(`${where}: ${read.problem.path.join('.')} ${read.problem.message}`);
    const own = comments.filter(({ line }) => line >= manifest.firstLine && line <= manifest.lastLine);
    for (const comment of own) claimed.add(comment);
    const expected = own.filter(({ word }) => !WORLD.has(word)).map(({ text }) => text);
    workloads.push({ workload: read.workload, manifest, expected });
  }
  if (workloads.length === 0) throw new Error(`${where}: holds no workload`);
  if (policies.length > 1) throw new Error(`${where}: holds more than one ReadinessPolicy`);

  const unanswered: Record<string, string> = {};
  const notServed = new Set<string>();
  for (const comment of comments) {
    if (comment.word === 'unanswered') unanswered[comment.kind] = comment.cause;
    else if (comment.word === 'notServed') notServed.add(comment.kind);
    else if (!claimed.has(comment)) throw new Error(`${where}:${comment.line}: a comment outside the workloads`);
  }
  return {
    check,
    file,
    status,
    manifests,
    workloads,
    related: relatedOf(others, unanswered, notServed),
    policy: policies[0]?.object,
  };
}

interface Comment {
  readonly line: number;
  readonly word: string;
  readonly text: string;
  readonly kind: string;
  readonly cause: string;
}

const WORDS = 'unmet|unknown|notApplicable|note|unanswered|notServed';
/** Words that say something of what surrounds the workloads, and expect nothing. */
const WORLD: ReadonlySet<string> = new Set(['unanswered', 'notServed']);

/** Finds the comments that state expectations: `# unmet: ...`, several on a line if need be. */
function readComments(text: string, where: string): Comment[] {
  const comments: Comment[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    for (const part of content.split(new RegExp(`(?:^|\\s)#\\s*(?=(?:${WORDS})\\b)`)).slice(1)) {
      const comment = part.trim();
      const [, word, mark, rest] = new RegExp(`^(${WORDS})(?: \\(?([A-Za-z]+)\\)?)?(?:: (.+))?$`).exec(comment) ?? [];
      const bad = new Error(`${where}:${line}: "# ${comment}" is not an expectation; see test/checks/README.md`);
      if (word === undefined || (rest === undefined) !== (word === 'notApplicable' || word === 'notServed')) throw bad;
      if (WORLD.has(word) ? !Object.hasOwn(RELATED_KINDS, mark ?? '') : mark && !/^(waits|companion)$/.test(mark)) {
        throw bad;
      }
      const placed = word === 'unmet' ? `${line}: ${comment}` : comment;
      comments.push({ line, word, text: placed, kind: mark ?? '', cause: rest ?? '' });
    }
  }
  return comments;
}

const compilers = new WeakMap<Check, PolicyCompiler>();

/** The check as the fixture's policy enables it, or with its defaults. */
export function enabledBy(
  { policy, check: name, file }: Pick<Fixture, 'policy' | 'check' | 'file'>,
  check: Check,
): EnabledCheck {
  if (policy === undefined) {
    const prepared: unknown = check.prepare?.(neededParameters(check.name) as never) ?? {};
    return { check, priority: 'Critical', parameters: prepared, exclude: [], identity: check.name };
  }
  const compiler = compilers.get(check) ?? new PolicyCompiler([check]);
  compilers.set(check, compiler);
  const compiled = compiler.compile(policy);
  if ('problems' in compiled) {
    const problems = compiled.problems.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new Error(`${name}/${file}: ${problems.join('; ')}`);
  }
  const enabled = compiled.policy.enabled[0];
  if (enabled === undefined) throw new Error(`${name}/${file}: the policy does not enable ${name}`);
  return enabled;
}

/** Runs a fixture with the given check; an empty list means that all is as expected. */
export function failuresOf(
  fixture: Fixture,
  check: Check,
  {
    enabled = enabledBy(fixture, check),
    related = fixture.related,
  }: { enabled?: EnabledCheck; related?: Related } = {},
): string[] {
  const failures: string[] = [];
  const statuses = new Set<Status>();
  for (const { workload, manifest, expected } of fixture.workloads) {
    const result = evaluateCheck(enabled, workload, onlyReading(check.reads ?? [], related), FIXTURE_TIME);
    statuses.add(result.status);
    const actual = statementsOf(result, manifest, check);
    const missing = without(expected, actual);
    const surplus = without(actual, expected);
    const name = `${workload.kind.kind} ${workload.name}`;
    failures.push(...missing.map((text) => `${name}: expected but not reported: ${text}`));
    failures.push(...surplus.map((text) => `${name}: reported but not expected: ${text}`));
  }
  const worst = (['Error', 'Unmet', 'Unknown', 'Met', 'NotApplicable'] as const).find((status) => statuses.has(status));
  if (worst !== fixture.status) failures.push(`the file's name says ${fixture.status}, the result is ${worst}`);
  return failures;
}

/** What a result says, in the words of the comments. */
function statementsOf(result: CheckResult, manifest: Manifest, check: Check): string[] {
  const { status, unmet, causes, notes } = result;
  if (status === 'Error') return [`error: ${causes.join('; ')}`];
  return [
    ...unmet.map(({ path, message, waits, scope }) => {
      const mark = waits === true ? ' (waits)' : scope === undefined || scope === check.scope ? '' : ` (${scope})`;
      return `${manifest.locate(path).line}: unmet${mark}: ${message}`;
    }),
    ...(status === 'NotApplicable' ? [] : causes.map((cause) => `unknown: ${cause}`)),
    ...(status === 'NotApplicable' ? ['notApplicable'] : []),
    ...notes.map((text) => `note: ${text}`),
  ];
}

/** The texts of one list that the other lacks, counting how often each occurs. */
function without(texts: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return texts.filter((text) => {
    const index = rest.indexOf(text);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}

/** Forbids changes to an object, all the way down: checks are pure. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** Parameters of the few checks that mean nothing without them. */
export function neededParameters(check: string): object {
  switch (check) {
    case 'maxReplicas':
      return { replicas: 10 };
    case 'imageRegistry':
      return { allowed: ['registry.example.com'] };
    default:
      return {};
  }
}
