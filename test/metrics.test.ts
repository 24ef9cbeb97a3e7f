import { expect, test } from '@jest/globals';
import { createMetrics, RequestCounter } from '../src/metrics.ts';

const shown = async ({ registry }: ReturnType<typeof createMetrics>): Promise<string[]> =>
  (await registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('readiness_operator_admission_requests_total{'));

test('requests are counted once, however often the metrics are read', async () => {
  const metrics = createMetrics();
  const denied = { operation: 'CREATE', kind: 'Deployment', decision: 'denied' };
  metrics.admissionRequests.inc(denied);
  metrics.admissionRequests.inc({ ...denied });
  metrics.admissionRequests.inc({ ...denied, operation: 'UPDATE' });
  metrics.admissionRequests.inc({ ...denied, decision: 'allowed' });
  metrics.admissionRequests.inc({ ...denied, kind: 'Pod' });
  const name = 'readiness_operator_admission_requests_total';
  const expected = [
    `${name}{operation="CREATE",kind="Deployment",decision="denied"} 2`,
    `${name}{operation="UPDATE",kind="Deployment",decision="denied"} 1`,
    `${name}{operation="CREATE",kind="Deployment",decision="allowed"} 1`,
    `${name}{operation="CREATE",kind="Pod",decision="denied"} 1`,
  ];
  expect(await shown(metrics)).toEqual(expected);
  expect(await shown(metrics)).toEqual(expected);
  metrics.admissionRequests.inc(denied);
  expect((await shown(metrics))[0]).toBe(expected[0]?.replace(/2$/, '3'));
});

test('kinds that somebody makes up do not fill the memory', async () => {
  const metrics = createMetrics();
  for (let index = 0; index < 5000; index++) {
    metrics.admissionRequests.inc({ operation: 'CREATE', kind: `Kind${index}`, decision: 'notJudged' });
  }
  const lines = await shown(metrics);
  expect(lines).toHaveLength(RequestCounter.mostSeries + 1);
  expect(lines.at(-1)).toBe(
    `readiness_operator_admission_requests_total{operation="CREATE",kind="other",decision="notJudged"} ${5000 - RequestCounter.mostSeries}`,
  );
});

test('a name that is too long for a kind is not kept', async () => {
  const metrics = createMetrics();
  metrics.admissionRequests.inc({ operation: 'CREATE', kind: 'K'.repeat(64), decision: 'notJudged' });
  expect(await shown(metrics)).toEqual([
    'readiness_operator_admission_requests_total{operation="CREATE",kind="other",decision="notJudged"} 1',
  ]);
});

test('each time is observed, whether many wait or few', async () => {
  const metrics = createMetrics();
  const count = async (): Promise<string | undefined> =>
    /^readiness_operator_admission_duration_seconds_count (\d+)$/m.exec(await metrics.registry.metrics())?.[1];
  for (let index = 0; index < 1203; index++) metrics.admissionDuration.observe(0.0001);
  expect([await count(), await count()]).toEqual(['1203', '1203']);
  metrics.admissionDuration.observe(2);
  expect(await metrics.registry.metrics()).toMatch(/_bucket\{le="1"\} 1203\n.*_bucket\{le="3"\} 1204\n/);
});
