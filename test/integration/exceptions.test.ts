/** Exceptions and break-glass, by the identities that meet them. */
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { apply, attempt, DEVELOPER, kube, latest, Stage, type Json } from './stage.ts';

const ANNOTATION = 'readiness-operator.dev/break-glass';
const POLICY: Json = { profile: 'none', checks: { imageTag: { priority: 'Critical' } } };

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

const inSeconds = (seconds: number): Date => new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000);
let asked = 0;
/** Asks for a new rollout without doing it; each time another one, because what does not change is not judged. */
function dryRun(name = 'web') {
  const object = stage.deployment(name, (spec, container) => {
    latest(spec, container);
    container['env'] = [{ name: 'ASKED', value: String(++asked) }];
  });
  return attempt(['apply', '--dry-run=server', '-f', '-'], object);
}

test('an exception lets pass what it names, shows everywhere, and ends at its second', async () => {
  stage = await Stage.open('excepted', POLICY);
  expect((await dryRun()).stderr).toContain('1 critical finding');
  expect(await apply(stage.exception('legacy', inSeconds(3600)))).toMatchObject({ code: 0 });
  await until('the exception to count', async () => (await dryRun()).code === 0);
  // It neither denies nor warns, and is for no other workload.
  expect((await dryRun()).stderr).not.toContain('imageTag');
  expect((await dryRun('other')).stderr).toContain('1 critical finding');

  expect(await apply(stage.deployment('web', latest))).toMatchObject({ code: 0 });
  await stage.report('deployment-web', {
    ready: 'True',
    score: 100,
    counts: { critical: 0, excepted: 1 },
    exceptions: [{ name: 'legacy', findings: 1, checks: ['imageTag'], policies: ['excepted'] }],
  });
  await until('the exception to tell what it covers', async () => {
    const { status } = await stage.get('rexc', 'legacy');
    return status.workloads === 1 && status.conditions[0].status === 'True';
  });
  await until('the policy to count it', async () => {
    return (await stage.get('rpol', 'excepted'))['status'].findings.excepted === 1;
  });

  // Now it ends so soon that whoever asks until a denial sees it pass that second.
  const end = inSeconds(2);
  expect(await apply(stage.exception('legacy', end))).toMatchObject({ code: 0 });
  const denied = await until('the exception to end', async () => {
    const { code, stderr } = await dryRun();
    const now = Date.now();
    return code !== 0 && { stderr, now };
  });
  expect(denied.now).toBeGreaterThanOrEqual(end.getTime());
  expect(denied.stderr).toContain(
    `ReadinessException excepted/legacy does not count: it expired at ${end.toISOString()}`,
  );
  await stage.report('deployment-web', { ready: 'False' });
  await until('the exception to tell that it is over', async () => {
    const { status } = await stage.get('rexc', 'legacy');
    return status.conditions[0].reason === 'Expired' && status.workloads === 0;
  });
});

test('an exception that goes, or is changed by label, is followed at once', async () => {
  stage = await Stage.open('changing', POLICY);
  const labelled = { workloads: undefined, selector: { matchLabels: { tier: 'legacy' } } };
  await apply(stage.exception('by-label', inSeconds(3600), labelled));
  const object = stage.deployment('web', latest);
  object['metadata'].labels = { tier: 'legacy' };
  await until('the exception to count', async () => (await apply(object)).code === 0);
  await stage.report('deployment-web', { ready: 'True' });
  await stage.run('delete', 'rexc', 'by-label');
  await stage.report('deployment-web', { ready: 'False' });
});

test('the API server refuses what contradicts itself', async () => {
  stage = await Stage.open('contradicting');
  const both = stage.exception('both', inSeconds(3600), { selector: {} });
  expect((await apply(both)).stderr).toContain('name the workloads either by workloads or by selector');
  const star = stage.exception('star', inSeconds(3600), { checks: ['*', 'imageTag'] });
  expect((await apply(star)).stderr).toContain("'*' means every check and stands alone");
});

test('break-glass: with the verb, once for each reason, and told to who does not hold it', async () => {
  stage = await Stage.open('glass', POLICY);
  await kube([
    'create',
    'clusterrole',
    'glass-bypass',
    '--verb=bypass',
    '--resource=readinesspolicies.readiness-operator.dev',
    '--resource-name=glass',
  ]);
  try {
    await stage.grant('alice', 'glass-bypass');
    await stage.grant('bob');
    const broken = (reason: string, name = 'web'): Json => {
      const object = stage.deployment(name, latest);
      object['metadata'].annotations = { [ANNOTATION]: reason };
      return object;
    };
    const by = (user: string, object: Json) => attempt(['apply', '-f', '-'], object, { as: { ...DEVELOPER, user } });

    expect((await by('bob', broken('site is down'))).stderr).toContain(
      'bob may not break the glass: that needs the verb bypass on readinesspolicies/glass in namespace glass',
    );
    expect((await by('alice', broken('  '))).stderr).toContain('does not count: it gives no reason');
    const used = await by('alice', broken('site is down'));
    expect([used.code, used.stderr]).toEqual([0, expect.stringContaining('Critical imageTag (the glass is broken)')]);
    await stage.report('deployment-web', { ready: 'False', breakGlass: { reason: 'site is down' } });

    const again = broken('site is down');
    again['spec'].template.spec.containers[0].env = [{ name: 'A', value: '1' }];
    expect((await by('alice', again)).stderr).toContain('has been used');
    again['metadata'].annotations[ANNOTATION] = 'still down';
    expect((await by('alice', again)).code).toBe(0);
  } finally {
    await kube(['delete', 'clusterrole', 'glass-bypass']);
  }
});

test('break-glass by service accounts: only where the policy allows it, and with the verb', async () => {
  stage = await Stage.open('robots', POLICY);
  await kube([
    'create',
    'clusterrole',
    'robots-bypass',
    '--verb=bypass',
    '--resource=readinesspolicies.readiness-operator.dev',
    '--resource-name=robots',
  ]);
  try {
    const robot = 'system:serviceaccount:robots:deployer';
    await stage.grant(robot, 'robots-bypass');
    const object = stage.deployment('web', latest);
    object['metadata'].annotations = { [ANNOTATION]: 'pipeline' };
    const create = () => attempt(['create', '--dry-run=server', '-f', '-'], object, { as: robot });
    expect((await create()).stderr).toContain('lets no service account break the glass');
    await stage.enforce({ ...POLICY, enforcement: { breakGlass: { serviceAccounts: 'Allow' } } });
    expect((await create()).code).toBe(0);
  } finally {
    await kube(['delete', 'clusterrole', 'robots-bypass']);
  }
});
