/** What becomes of a ReadinessException on its way into the cluster. */
import { afterEach, expect, test } from '@jest/globals';
import { apply, attempt, DEVELOPER, kube, Stage, type Json } from './stage.ts';

const POLICY: Json = {
  profile: 'none',
  checks: { imageTag: { priority: 'Critical' } },
  exceptions: { maxDuration: '240h' },
};

let stage: Stage;
afterEach(async () => {
  await stage?.close();
});

const exception = (name: string, hours: number, spec?: Json): Json =>
  stage.exception(name, new Date(Date.now() + hours * 3_600_000), spec);

test('what would not count is refused with the field and the cure', async () => {
  stage = await Stage.open('admitted', POLICY);
  const refused: [string, number, Json, string][] = [
    ['misspelt', 1, { checks: ['imageTga'] }, 'spec.checks[0]: unknown check imageTga; did you mean imageTag?'],
    ['past', -1, {}, 'spec.expiresAt: is in the past: it would never count'],
    ['long', 241, {}, 'spec.expiresAt: is further ahead than exceptions.maxDuration of policy admitted allows; set '],
    [
      'selector',
      1,
      { workloads: undefined, selector: { matchExpressions: [{ key: 'tier', operator: 'In', values: [] }] } },
      'spec.selector.matchExpressions[0]',
    ],
  ];
  for (const [name, hours, spec, message] of refused) {
    const { code, stderr } = await apply(exception(name, hours, spec));
    expect([name, code, stderr]).toEqual([name, 1, expect.stringContaining(message)]);
  }
  const mistaken = await apply(exception('mistaken', 1, { policies: ['admited'] }));
  expect([mistaken.code, mistaken.stderr]).toEqual([0, expect.stringContaining('did you mean admitted?')]);

  expect((await apply(exception('good', 239))).code).toBe(0);
  const longer = await apply(exception('good', 241));
  expect([longer.code, longer.stderr]).toEqual([1, expect.stringContaining('exceptions.maxDuration')]);
  expect((await apply(exception('good', -1))).code).toBe(0);
  // Labels are nobody's business.
  expect((await stage.run('label', 'rexc', 'good', 'seen=yes')).code).toBe(0);
  expect((await stage.run('delete', 'rexc', 'good')).code).toBe(0);
});

test('the stamp says who asked, whatever is written', async () => {
  stage = await Stage.open('stamped');
  const role = 'stamped-exceptions';
  await kube(['create', 'clusterrole', role, '--verb=get,create,update,patch', '--resource=readinessexceptions']);
  try {
    const bind = ['create', 'rolebinding', role, `--clusterrole=${role}`, '--user=alice', '--user=bob'];
    await kube(['-n', stage.namespace, ...bind]);
    await stage.may('bob', 'patch', 'readinessexceptions.readiness-operator.dev');
    const bob = { user: 'bob', groups: ['sre', 'system:authenticated'] };
    const stampOf = async (): Promise<Json> => (await stage.get('rexc', 'legacy'))['spec'].requestedBy;
    const forged = exception('legacy', 1, { requestedBy: { username: 'boss', groups: ['bosses'] } });
    const stampedFor = { username: DEVELOPER.user, groups: DEVELOPER.groups };
    const put = (object: Json, as: { user: string; groups: string[] }) => attempt(['apply', '-f', '-'], object, { as });

    expect(await put(forged, DEVELOPER)).toMatchObject({ code: 0 });
    expect(await stampOf()).toEqual(stampedFor);
    const patch = (spec: Json, as: typeof bob) =>
      attempt(
        ['-n', stage.namespace, 'patch', 'rexc', 'legacy', '--type=merge', '-p', JSON.stringify({ spec })],
        undefined,
        { as },
      );
    // Altered, removed: it is restored.
    expect(await patch({ requestedBy: { username: 'boss' } }, bob)).toMatchObject({ code: 0 });
    expect(await stampOf()).toEqual(stampedFor);
    expect(await patch({ requestedBy: null }, bob)).toMatchObject({ code: 0 });
    expect(await stampOf()).toEqual(stampedFor);
    // Who changes what it says answers for it.
    expect(await patch({ reason: 'TICKET-2' }, bob)).toMatchObject({ code: 0 });
    expect(await stampOf()).toEqual({ username: 'bob', groups: bob.groups });
    // A tool that applies its file again changes nothing.
    await stage.run('annotate', 'rexc', 'legacy', 'seen=yes');
    expect(await stampOf()).toEqual({ username: 'bob', groups: bob.groups });
  } finally {
    await kube(['delete', 'clusterrole', role]);
  }
});
