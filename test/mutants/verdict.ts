/**
 * Do the fixtures notice a check that is broken? Each check is replaced in memory by mutants that say nothing, too much,
 * or the wrong thing; a mutant survives where all fixtures of the check still pass.
 */
import type { Check, CheckInput, Outcome } from '../../src/engine/check.ts';
import type { EnabledCheck } from '../../src/engine/evaluate.ts';
import type { Related } from '../../src/engine/related.ts';
import { enabledBy, failuresOf, type Fixture, neededParameters } from '../support/fixtures.ts';
import { NOTHING_RELATED, unknownRelated } from '../support/related.ts';

/** A check's `run` as one that returns what it reports. */
type Run = (input: CheckInput<never>) => readonly Outcome[];

const returning =
  (run: Check['run']): Run =>
  (input) => {
    const outcomes: Outcome[] = [];
    run(input, (outcome) => outcomes.push(outcome));
    return outcomes;
  };
const reporting =
  (run: Run): Check['run'] =>
  (input, report) =>
    run(input).forEach((outcome) => report(outcome));

interface Mutant {
  readonly name: string;
  /** Does this way of breaking it make sense for the check? */
  readonly concerns?: (check: Check) => boolean;
  readonly run?: (original: Run) => Run;
  readonly related?: (original: Related) => Related;
  readonly enabled?: (original: EnabledCheck) => EnabledCheck;
  /** Each of the fixtures that it concerns must fail; absent: at least one of all. */
  readonly mustFail?: (fixture: Fixture) => boolean;
}

const UNMET: Outcome = { type: 'unmet', path: [], message: 'is always wrong' };

/** Replaces each outcome by others. */
function mapped(change: (outcome: Outcome, input: CheckInput<never>) => readonly Outcome[]): (original: Run) => Run {
  return (original) => (input) => original(input).flatMap((outcome) => change(outcome, input));
}

const readsSomething = ({ reads }: Check): boolean => (reads ?? []).length > 0;
const hasParameters = ({ parameters }: Check): boolean =>
  Object.keys((parameters as { properties?: object }).properties ?? {}).length > 0;

const MUTANTS: readonly Mutant[] = [
  { name: 'says nothing', run: () => () => [], mustFail: ({ status }) => status === 'Unmet' || status === 'Unknown' },
  { name: 'always unmet at the root', run: () => () => [UNMET], mustFail: ({ status }) => status !== 'NotApplicable' },
  { name: 'says one thing more', run: (run) => (input) => [...run(input), UNMET] },
  {
    name: 'says only the first thing',
    concerns: ({ perContainer }) => perContainer === true,
    run: (run) => (input) => run(input).slice(0, 1),
  },
  { name: 'forgets the last thing', run: (run) => (input) => run(input).slice(0, -1) },
  {
    name: 'says it one level up',
    run: mapped((outcome) => [outcome.type === 'unmet' ? { ...outcome, path: outcome.path.slice(0, -1) } : outcome]),
  },
  {
    name: 'says it in other words',
    run: mapped((outcome) => [outcome.type === 'unmet' ? { ...outcome, message: `${outcome.message}!` } : outcome]),
  },
  {
    name: 'judges regular containers alone',
    concerns: ({ perContainer }) => perContainer === true,
    run: (run) => (input) => run({ ...input, containers: input.containers.filter(({ role }) => role === 'regular') }),
  },
  {
    name: 'judges the first container alone',
    concerns: ({ perContainer }) => perContainer === true,
    run: (run) => (input) => run({ ...input, containers: input.containers.slice(0, 1) }),
  },
  {
    name: 'ignores exclude',
    concerns: ({ perContainer }) => perContainer === true,
    enabled: (enabled) => ({ ...enabled, exclude: [] }),
  },
  {
    name: 'ignores its parameters',
    concerns: hasParameters,
    enabled: (enabled) => ({
      ...enabled,
      parameters: enabled.check.prepare?.(neededParameters(enabled.check.name) as never) ?? {},
    }),
  },
  {
    name: 'applies to every workload',
    concerns: ({ appliesTo }) => appliesTo !== undefined,
    enabled: (enabled) => ({ ...enabled, check: { ...enabled.check, appliesTo: undefined } as never }),
  },
  { name: 'finds nothing around the workload', concerns: readsSomething, related: () => NOTHING_RELATED },
  { name: 'knows nothing around the workload', concerns: readsSomething, related: () => unknownRelated('no idea') },
];

/** The fixtures that still pass with a mutant although they should not. */
function survivors(check: Check, mutant: Mutant, fixtures: readonly Fixture[]): readonly Fixture[] {
  const { run, related, enabled: change, mustFail } = mutant;
  const mutated: Check = run === undefined ? check : { ...check, run: reporting(run(returning(check.run))) };
  const passing = fixtures.filter((fixture) => {
    const enabled = { ...enabledBy(fixture, check), check: mutated };
    const changes = { enabled: change?.(enabled) ?? enabled, related: related?.(fixture.related) ?? fixture.related };
    return failuresOf(fixture, mutated, changes).length === 0;
  });
  if (mustFail !== undefined) return passing.filter(mustFail);
  return passing.length === fixtures.length ? fixtures : [];
}

/** What the fixtures of a check and the mutants of that check say of one another. */
export interface Verdict {
  /** All in a line. */
  readonly summary: string;
  /** What is wrong, a line each; none if all is well. */
  readonly complaints: readonly string[];
}

/** Runs the fixtures of a check with the check as it is, and with each of its mutants. */
export function verdictOf(check: Check, fixtures: readonly Fixture[]): Verdict {
  const mutants = MUTANTS.filter(({ concerns }) => concerns?.(check) !== false);
  const alive = mutants
    .map((mutant) => ({ mutant, files: survivors(check, mutant, fixtures).map(({ file }) => file) }))
    .filter(({ files }) => files.length > 0);
  return {
    summary: `${mutants.length - alive.length} of ${mutants.length} mutants killed by ${fixtures.length} fixtures`,
    complaints: [
      ...fixtures.flatMap((fixture) => failuresOf(fixture, check).map((failure) => `${fixture.file}: ${failure}`)),
      ...alive.map(({ mutant, files }) => `survives "${mutant.name}": ${files.join(', ')}`),
      ...(fixtures.length === 0 ? ['it has no fixtures'] : []),
    ],
  };
}

/** Prints a verdict, with a line that begins with `failed: ` for each complaint. */
export function printVerdict(check: string, { summary, complaints }: Verdict): void {
  console.log(`${complaints.length === 0 ? 'ok  ' : 'FAIL'} ${check.padEnd(24)} ${summary}`);
  for (const complaint of complaints) console.log(`failed: ${check}: ${complaint}`);
}
