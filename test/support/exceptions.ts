/** Exceptions for tests. */
import { CHECKS } from '../../src/checks/index.ts';
import type { Check } from '../../src/engine/check.ts';
import { formatPath } from '../../src/engine/path.ts';
import { ExceptionCompiler, ExceptionSet, type CompiledException } from '../../src/policy/exceptions.ts';

/** A valid spec; `more` changes it. */
export function exceptionSpec(more: object = {}): object {
  return {
    workloads: [{ kind: 'Deployment', name: 'app' }],
    checks: ['*'],
    reason: 'vendor image, TICKET-1',
    expiresAt: '2027-02-01T00:00:00Z',
    ...more,
  };
}

/** Compiles a spec that must be valid. */
export function exceptionOf(
  spec: object,
  metadata: object = { name: 'exception', namespace: 'default' },
  checks: readonly Check[] = CHECKS,
): CompiledException {
  const result = new ExceptionCompiler(checks).compile({ metadata, spec });
  if ('exception' in result) return result.exception;
  throw new Error(result.problems.map(({ path, message }) => `${formatPath(path)} ${message}`).join('; '));
}

/** What is wrong with a spec, a line each. */
export function exceptionProblems(spec: unknown): string[] {
  const result = new ExceptionCompiler(CHECKS).compile({ metadata: { name: 'exception' }, spec });
  return 'exception' in result ? [] : result.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
}

export function exceptions(...all: readonly CompiledException[]): ExceptionSet {
  return new ExceptionSet(all);
}
