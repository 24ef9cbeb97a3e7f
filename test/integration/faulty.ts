/**
 * The operator with faults of our own in it, which no manifest can bring about. Its check imageTag fails on images that are
 * called faulty. A policy's workloadSelector `tier: refused` becomes one that the API server refuses in a webhook entry.
 * Started instead of the program; arguments are the same.
 */
import { CHECKS } from '../../src/checks/index.ts';
import type { Check } from '../../src/engine/check.ts';
import { PolicyCompiler } from '../../src/policy/compile.ts';

const index = CHECKS.findIndex(({ name }) => name === 'imageTag');
const check = CHECKS[index] as Check;
(CHECKS as Check[])[index] = {
  ...check,
  run: (input, report) => {
    if (input.containers.some(({ spec }) => spec.image?.startsWith('faulty'))) throw new TypeError('a fault of ours');
    check.run(input, report);
  },
};

const { compile } = PolicyCompiler.prototype;
PolicyCompiler.prototype.compile = function (object) {
  const result = compile.call(this, object);
  if (!('policy' in result)) return result;
  const { policy } = result;
  const { spec } = policy.match;
  if (spec.workloadSelector?.matchLabels?.['tier'] !== 'refused') return result;
  const faulty = { ...spec, workloadSelector: { matchLabels: { tier: 'web app' } } };
  return { policy: { ...policy, match: { ...policy.match, spec: faulty } } };
};

await import('../../src/main.ts');
