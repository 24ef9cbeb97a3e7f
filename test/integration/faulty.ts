/**
 * The operator with a fault of our own in it, which no manifest can bring about: its check imageTag fails on images that are
 * called faulty. Started instead of the program; arguments are the same.
 */
import { CHECKS } from '../../src/checks/index.ts';
import type { Check } from '../../src/engine/check.ts';

const index = CHECKS.findIndex(({ name }) => name === 'imageTag');
const check = CHECKS[index] as Check;
(CHECKS as Check[])[index] = {
  ...check,
  run: (input, report) => {
    if (input.containers.some(({ spec }) => spec.image?.startsWith('faulty'))) throw new TypeError('a fault of ours');
    check.run(input, report);
  },
};
await import('../../src/main.ts');
