/** What kubectl get events tells of admission and of exceptions. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import https from 'node:https';
import { KubeClient } from '../../src/kube/client.ts';
import { EventRecorder, type ClusterEvent } from '../../src/kube/events.ts';
import { TestClock } from '../support/testClock.ts';
import { until } from '../support/until.ts';
import { apply, attempt, DEVELOPER, kube, latest, Stage, type Json } from './stage.ts';

const ANNOTATION = 'readiness-operator.dev/break-glass';
const CRITICAL = { imageTag: { priority: 'Critical' } };
const POLICY: Json = { profile: 'none', checks: CRITICAL };

let stage: Stage;
let others: string[];
beforeEach(() => {
  others = [];
});
afterEach(async () => {
  await stage?.close(...others);
});

/** `Kind/name: message` of the events with a reason, oldest first. */
async function events(reason: string, namespace = stage.namespace): Promise<string[]> {
  const list = await kube(['-n', namespace, 'get', 'events', `--field-selector=reason=${reason}`, '-o', 'json']);
  const { items } = JSON.parse(list) as { items: Json[] };
  return items.map(({ involvedObject: { kind, name }, message }) => `${kind}/${name}: ${message}`);
}

/** Those that speak of this namespace, of a kind of object that has none. */
async function clusterEvents(reason: string): Promise<string[]> {
  return (await events(reason, 'default')).filter((text) => text.includes(stage.namespace));
}

/** Waits for so many events. They are written in their order: what happened before is told by then, if it is told. */
function told(question: () => Promise<string[]>, count = 1): Promise<string[]> {
  return until(`${count} events`, async () => {
    const found = await question();
    return found.length >= count && found;
  });
}

test('RolloutDenied: on the policy for what is not there yet, on the object for what is, once, never for a dry-run', async () => {
  stage = await Stage.open('rollout-denied', POLICY);
  others = ['a-denied', 'z-denied'];
  // Two more routes: one that does not judge a change of labels, one that begins to match by it.
  await stage.enforce({ ...POLICY, match: { kinds: ['Deployment'] } }, 'a-denied');
  await stage.enforce({ ...POLICY, match: { workloadSelector: { matchLabels: { tier: 'web' } } } }, 'z-denied');
  const bad = stage.deployment('web', latest);
  expect((await apply(stage.deployment('dry', latest), '--dry-run=server')).code).toBe(1);
  expect((await apply(bad)).code).toBe(1);
  const created = await told(() => clusterEvents('RolloutDenied'), 2);
  expect(created.toSorted()).toEqual(
    ['a-denied', 'rollout-denied'].map(
      (policy) =>
        `ReadinessPolicy/${policy}: admin was not let create Deployment rollout-denied/web: imageTag (policy ${policy})`,
    ),
  );
  expect(await events('RolloutDenied')).toEqual([]);

  expect((await apply(stage.deployment('web'))).code).toBe(0);
  expect((await apply(bad)).code).toBe(1);
  expect(await told(() => events('RolloutDenied'))).toEqual([
    'Deployment/web: admin was not let change Deployment rollout-denied/web: imageTag (policies a-denied, rollout-denied)',
  ]);
});

test('RolloutDenied is told by the route that is asked, also where an earlier one is not', async () => {
  stage = await Stage.open('entering', { ...POLICY, enforcement: { critical: 'Audit' } });
  others = ['z-entering'];
  const { spec } = stage.deployment('web', latest)['spec'].template;
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'entering' }, spec };
  expect(await apply(pod)).toMatchObject({ code: 0 });
  await stage.enforce({ ...POLICY, match: { workloadSelector: { matchLabels: { tier: 'web' } } } }, 'z-entering');
  const labelled = await stage.run('label', 'pod', 'web', 'tier=web');
  expect(labelled).toMatchObject({ code: 1, stderr: expect.stringContaining('z-entering.workloads') });
  expect(await told(() => events('RolloutDenied'))).toEqual([expect.stringContaining('(policy z-entering)')]);
});

test('BreakGlassUsed', async () => {
  stage = await Stage.open('smashed', POLICY);
  const role = 'smashed-bypass';
  const resource = '--resource=readinesspolicies.readiness-operator.dev';
  await kube(['create', 'clusterrole', role, '--verb=bypass', resource, '--resource-name=smashed']);
  try {
    await stage.grant('alice', role);
    const object = stage.deployment('web', latest);
    object['metadata'].annotations = { [ANNOTATION]: 'site is down' };
    expect((await attempt(['apply', '-f', '-'], object, { as: DEVELOPER })).code).toBe(0);
    expect(await told(() => events('BreakGlassUsed'))).toEqual([
      'Deployment/web: alice broke the glass for Deployment smashed/web (policy smashed): site is down',
    ]);
  } finally {
    await kube(['delete', 'clusterrole', role]);
  }
});

test('ExceptionExpiring and ExceptionExpired, each once', async () => {
  stage = await Stage.open('expiring', POLICY);
  const inSeconds = (seconds: number): Date => new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000);
  const exception = (name: string, expiresAt: Date): Json => ({
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessException',
    metadata: { name, namespace: stage.namespace },
    spec: { selector: {}, checks: ['imageTag'], reason: 'TICKET-1', expiresAt: expiresAt.toISOString() },
  });
  /** Waits until the status of an exception says something; the events of it are written before. */
  const says = (name: string, type: string, status: string): Promise<unknown> =>
    until(`exception ${name} to be ${type}: ${status}`, async () => {
      const { conditions } = (await stage.get('rexc', name))['status'];
      return (conditions as Json[]).some((one) => one['type'] === type && one['status'] === status);
    });
  const hour = inSeconds(3600);
  expect(await apply(exception('soon', hour))).toMatchObject({ code: 0 });
  await says('soon', 'Expiring', 'True');
  const expiring = [expect.stringContaining(`ReadinessException/soon: Expires at ${hour.toISOString()}`)];
  expect([await events('ExceptionExpiring'), await events('ExceptionExpired')]).toEqual([expiring, []]);

  const end = inSeconds(2);
  expect(await apply(exception('soon', end))).toMatchObject({ code: 0 });
  await says('soon', 'Active', 'False');
  // It is looked at again, and tells nothing again; after it another one, which has a week to go.
  await stage.run('label', 'rexc', 'soon', 'seen=yes');
  expect(await apply(exception('later', inSeconds(8 * 24 * 3600)))).toMatchObject({ code: 0 });
  await says('later', 'Expiring', 'False');
  const expired = [`ReadinessException/soon: Expired at ${end.toISOString()}: its findings count again.`];
  expect([await events('ExceptionExpiring'), await events('ExceptionExpired')]).toEqual([expiring, expired]);
});

test('PolicyLeft: a label of the workload, or of its namespace, takes it out', async () => {
  stage = await Stage.open('leaving');
  others = ['leaving-tier'];
  await kube(['label', 'namespace', 'leaving', 'watched=yes']);
  await stage.enforce({ ...POLICY, match: { namespaceSelector: { matchLabels: { watched: 'yes' } } } });
  await stage.enforce({ ...POLICY, match: { workloadSelector: { matchLabels: { tier: 'web' } } } }, 'leaving-tier');
  for (const name of ['dry', 'web']) {
    const object = stage.deployment(name);
    object['metadata'].labels = { tier: 'web' };
    expect(await apply(object)).toMatchObject({ code: 0 });
  }

  const dry = await stage.run('label', 'deployment', 'dry', 'tier-', '--dry-run=server');
  expect(dry.stderr).toContain('[leaving-tier] workloadSelector matches no more');
  const left = await stage.run('label', 'deployment', 'web', 'tier-');
  expect([left.code, left.stderr]).toEqual([
    0,
    expect.stringContaining(
      '[leaving-tier] workloadSelector matches no more: Deployment leaving/web leaves the policy',
    ),
  ]);
  expect(await told(() => events('PolicyLeft'))).toEqual([
    'Deployment/web: admin took Deployment leaving/web out of policy leaving-tier by a change of labels',
  ]);

  const relabelled = await attempt(['label', 'namespace', 'leaving', 'watched-']);
  expect([relabelled.code, relabelled.stderr]).toEqual([
    0,
    expect.stringContaining('[leaving] namespaceSelector matches no more: Namespace leaving leaves the policy'),
  ]);
  expect(await told(() => clusterEvents('PolicyLeft'))).toEqual([
    'Namespace/leaving: admin took Namespace leaving out of policy leaving by a change of labels',
  ]);
  // Other labels are no news.
  expect((await attempt(['label', 'namespace', 'leaving', 'colour=blue'])).stderr).toBe('');
});

test('who is denied again and again writes few events, and is answered all the same', async () => {
  stage = await Stage.open('flooded', POLICY);
  const list = Array.from({ length: 40 }, (_, index) => stage.deployment(`web-${index}`, latest));
  const { stderr } = await attempt(
    ['apply', '-f', '-'],
    { apiVersion: 'v1', kind: 'List', items: list },
    { timeoutMs: 200_000 },
  );
  expect(stderr.match(/is not ready for production/g)).toHaveLength(list.length);
  // About another policy there is room; once that is told, so is all that is told of the flood.
  others = ['after-the-flood'];
  await stage.enforce(POLICY, 'after-the-flood');
  expect((await apply(stage.deployment('last', latest))).code).toBe(1);
  const about = async (policy: string): Promise<string[]> =>
    (await clusterEvents('RolloutDenied')).filter((text) => text.startsWith(`ReadinessPolicy/${policy}:`));
  await told(() => about('after-the-flood'));
  // Ten at once, and one a minute, of which this test has few.
  const written = (await about('flooded')).length;
  expect(written).toBeGreaterThanOrEqual(10);
  expect(written).toBeLessThan(list.length / 2);
  // Others may have caused more.
  const dropped = /events_dropped_total\{reason="RolloutDenied"\} (\d+)/.exec(await metrics());
  expect(Number(dropped?.[1] ?? 0)).toBeGreaterThanOrEqual(list.length - written);
});

describe('the recorder, with a clock that the test moves', () => {
  /** Milliseconds after which a count may be written again, and one more event about one object. */
  const [REFRESH, INTERVAL] = [300_000, 60_000];
  const EVENT: ClusterEvent = {
    reason: 'Counted',
    type: 'Normal',
    action: 'Test',
    note: 'ü'.repeat(600),
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'counted', name: 'web' },
  };
  let clock: TestClock;
  let client: KubeClient;
  let recorder: EventRecorder;
  let dropped: ClusterEvent[];
  let errors: unknown[];
  beforeEach(async () => {
    stage = await Stage.open('counted');
    clock = new TestClock();
    client = await KubeClient.load(clock, process.env['READINESS_TEST_KUBECONFIG']);
    [dropped, errors] = [[], []];
    recorder = new EventRecorder({
      client,
      instance: 'test',
      onDropped: (event) => dropped.push(event),
      onError: (_, error) => errors.push(error),
    });
  });
  afterEach(async () => {
    recorder.stop();
    client.close();
    // The next test has a namespace of the same name.
    await kube(['delete', 'namespace', 'counted']);
  });

  const written = async (): Promise<Json[]> => {
    const list = await kube(['-n', 'counted', 'get', 'events.v1.events.k8s.io', '-o', 'json']);
    return (JSON.parse(list) as { items: Json[] }).items;
  };
  const counts = async (): Promise<number[]> => (await written()).map((event) => event['series']?.count ?? 1);

  test('what happens again is one event with a count, and one that is gone is written anew', async () => {
    for (let times = 0; times < 5; times++) recorder.record(EVENT);
    await clock.advance(0);
    await until('a count of 5', async () => (await counts())[0] === 5);
    // The request has a time limit until its answer is there.
    await until('the recorder to know', () => clock.pending.length === 0);
    recorder.record(EVENT);
    await clock.advance(REFRESH - 1);
    expect([await counts(), clock.pending]).toEqual([[5], [1]]);
    await clock.advance(1);
    await until('a count of 6', async () => (await counts())[0] === 6);
    const [one] = await written();
    expect(one?.['note']).toBe(`${'ü'.repeat(510)}...`);
    await until('the recorder to know', () => clock.pending.length === 0);
    await stage.run('delete', 'events', '--all');
    recorder.record(EVENT);
    await clock.advance(REFRESH);
    await until('an event', async () => (await written()).length === 1);
    expect([errors, dropped]).toEqual([[], []]);
  });

  test('about one object ten are written at once, and one a minute; about another one there is room', async () => {
    const about = (name: string, note: string): void =>
      recorder.record({ ...EVENT, note, regarding: { ...EVENT.regarding, name } });
    for (let number = 1; number <= 12; number++) about('web', `number ${number}`);
    about('other', 'there is room');
    expect(dropped.map(({ note }) => note)).toEqual(['number 11', 'number 12']);
    await clock.advance(INTERVAL - 1);
    about('web', 'too soon');
    await clock.advance(1);
    about('web', 'a minute later');
    about('web', 'one too many');
    expect(dropped.slice(2).map(({ note }) => note)).toEqual(['too soon', 'one too many']);
    await until('all of them', async () => (await written()).length === 12);
  });

  test('what happens once is written once, whoever says it again', async () => {
    await recorder.write(EVENT, 'a');
    await recorder.write(EVENT, 'a');
    await recorder.write(EVENT, 'b');
    expect(await written()).toHaveLength(2);
    expect(errors).toEqual([]);
    // A namespace that is not there is no reason to try again.
    await recorder.write({ ...EVENT, regarding: { ...EVENT.regarding, namespace: 'gone' } }, 'a');
    expect(errors).toHaveLength(1);
  });
});

function metrics(): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = `${process.env['READINESS_TEST_OPERATOR']}/metrics`;
    const request = https.get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}
