/** The mutants of all checks. The last line counts the checks. */
import { CHECKS } from '../../src/checks/index.ts';
import { loadFixtures } from '../support/fixtures.ts';
import { printVerdict, verdictOf } from './verdict.ts';

const fixtures = loadFixtures();
let failed = 0;
for (const check of CHECKS) {
  const verdict = verdictOf(
    check,
    fixtures.filter((fixture) => fixture.check === check.name),
  );
  printVerdict(check.name, verdict);
  if (verdict.complaints.length > 0) failed++;
}
console.log(`tests: ${CHECKS.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
