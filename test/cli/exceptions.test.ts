import { describe, expect, test } from '@jest/globals';
import { checkText, textOf } from './run.ts';

const NO_LIMIT = `${textOf('memory-policy.yaml')}\n---\n${textOf('no-limit.yaml')}`;
const exception = (more: string): string => `---
apiVersion: readiness-operator.dev/v1alpha1
kind: ReadinessException
metadata: { name: legacy }
spec:
  reason: vendor image, TICKET-1
  expiresAt: '2027-02-01T00:00:00Z'
${more}
`;
const FOR_WEB = exception("  workloads: [{ kind: Deployment, name: web }]\n  checks: ['*']");
const AS_OF = ['--as-of', '2027-01-31T23:59:59Z'];

describe('exceptions among the manifests', () => {
  test('count until their end', async () => {
    const within = await checkText(NO_LIMIT + FOR_WEB, '-o', 'json', ...AS_OF);
    expect([within.status, within.stderr]).toEqual([0, '']);
    const report = JSON.parse(within.stdout);
    expect(report.workloads[0]).toMatchObject({ ready: 'True', score: 100 });
    expect(report.workloads[0].findings).toMatchObject([
      { check: 'memoryLimits', action: 'Audit', exception: 'legacy' },
    ]);
    expect(report.summary).toMatchObject({ ready: 1, critical: 0 });
    expect(report.skipped).toEqual([]);

    const after = await checkText(NO_LIMIT + FOR_WEB, '--as-of', '2027-02-01T00:00:00Z');
    expect(after.status).toBe(1);
    expect(after.stderr).toContain(
      'note: ReadinessException default/legacy does not count: it expired at 2027-02-01T00:00:00.000Z',
    );
  });

  test('let nothing fail, whatever is asked for', async () => {
    const failOn = ['--fail-on', 'important', ...AS_OF];
    expect((await checkText(NO_LIMIT, ...failOn)).status).toBe(1);
    expect((await checkText(NO_LIMIT + FOR_WEB, ...failOn)).status).toBe(0);
  });

  test('are named in the table', async () => {
    const { stdout } = await checkText(NO_LIMIT + FOR_WEB, ...AS_OF);
    expect(stdout).toMatch(/Excepted +memoryLimits .*\(exception legacy\)/);
    expect(stdout).toContain('0 findings; 1 excepted\n');
    expect(stdout).not.toContain('Explained');
  });

  test.each([
    ['another workload', exception("  workloads: [{ kind: Deployment, name: db }]\n  checks: ['*']")],
    ['another namespace', FOR_WEB.replace('name: legacy', 'name: legacy, namespace: elsewhere')],
    ['another container', exception("  selector: {}\n  containers: [other]\n  checks: ['*']")],
    ['another check', exception('  selector: {}\n  checks: [livenessProbe]')],
  ])('do not count for %s', async (_, text) => {
    expect((await checkText(NO_LIMIT + text, ...AS_OF)).status).toBe(1);
  });

  test('that reach too far do not count, and are told', async () => {
    const { status, stderr } = await checkText(NO_LIMIT + FOR_WEB, '--as-of', '2026-01-01');
    expect(status).toBe(1);
    expect(stderr).toContain('later than exceptions.maxDuration of the policy allows');
  });

  test('of the wrong shape make the input unreadable', async () => {
    const text = exception('  selector: {}\n  checks: [memoryLimit]');
    const { status, stderr } = await checkText(NO_LIMIT + text, ...AS_OF);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^error: stdin:\d+:\d+: ReadinessException legacy: spec\.checks\[0\]: unknown check memoryLimit; did you mean memoryLimits\?\n$/,
    );
    const twice = await checkText(NO_LIMIT + FOR_WEB + FOR_WEB, ...AS_OF);
    expect([twice.status, twice.stderr]).toEqual([2, expect.stringContaining('stands here a second time')]);
  });
});
