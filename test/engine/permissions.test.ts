import { expect, test } from '@jest/globals';
import { grantsOf, subjectKeysOf, subjectsOf, type Grant } from '../../src/engine/permissions.ts';

const RBAC = 'rbac.authorization.k8s.io';

test.each<[string, string[], string[], string[], string[] | undefined, Grant[]]>([
  // what, apiGroups, resources, verbs, resourceNames, grants
  ['cluster-admin', ['*'], ['*'], ['*'], undefined, ['everything']],
  ['everything that has one name', ['*'], ['*'], ['*'], ['a'], []],
  ['everything of one group', ['apps'], ['*'], ['*'], undefined, ['wildcard']],
  ['reading everything', ['*'], ['*'], ['get'], undefined, ['wildcard', 'secrets']],
  ['everything of core', [''], ['*'], ['list'], undefined, ['wildcard', 'secrets']],
  ['everything with Secrets', [''], ['secrets'], ['*'], undefined, ['wildcard', 'secrets']],
  ['everything with a Secret', [''], ['secrets'], ['*'], ['a'], []],
  ['no names are no limit', [''], ['secrets'], ['get'], [], ['secrets']],
  ['writing Secrets', [''], ['secrets'], ['create', 'update', 'delete'], undefined, []],
  ['Secrets of another group', ['example.com'], ['secrets'], ['get'], undefined, []],
  ['escalate', [RBAC], ['roles'], ['escalate'], undefined, ['escalate']],
  ['bind, even of one role', [RBAC], ['clusterroles'], ['bind'], ['admin'], ['bind']],
  ['bind elsewhere', ['apis.example.com'], ['exports'], ['bind'], undefined, []],
  ['bind of what is no role', [RBAC], ['rolebindings'], ['bind', 'escalate'], undefined, []],
  ['impersonate, even of one account', [''], ['serviceaccounts'], ['impersonate'], ['a'], ['impersonate']],
  ['scaling everything', ['*'], ['*/scale'], ['get', 'update'], undefined, []],
  ['no resource at all', ['*'], [], ['*'], undefined, []],
])('the grants of a rule: %s', (_, apiGroups, resources, verbs, resourceNames, grants) => {
  expect(
    grantsOf([{ apiGroups, resources, verbs, ...(resourceNames === undefined ? {} : { resourceNames }) }]),
  ).toEqual(grants);
});

test('rules add up, each grant once and worst first; everything covers the rest', () => {
  const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
  const wildcard = { apiGroups: ['apps'], resources: ['*'], verbs: ['get'] };
  expect(grantsOf([secrets, wildcard, secrets])).toEqual(['wildcard', 'secrets']);
  expect(grantsOf([secrets, { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }])).toEqual(['everything']);
  for (const none of [null, undefined, [], [{}], [{ nonResourceURLs: ['*'], verbs: ['*'] }]]) {
    expect(grantsOf(none)).toEqual([]);
  }
});

test('a ServiceAccount is found under each subject that a binding can name it by', () => {
  const keys = subjectKeysOf([
    { kind: 'ServiceAccount', name: 'web', namespace: 'shop' },
    { kind: 'User', name: 'system:serviceaccount:shop:web' },
    { kind: 'Group', name: 'system:serviceaccounts:shop' },
    { kind: 'Group', name: 'system:serviceaccounts' },
    { kind: 'Group', name: 'system:authenticated' },
  ]);
  expect(keys.toSorted()).toEqual(
    subjectsOf('shop', 'web')
      .map(({ key }) => key)
      .toSorted(),
  );
});

test('nobody else', () => {
  const own = subjectsOf('shop', 'web').map(({ key }) => key);
  const others = subjectKeysOf([
    { kind: 'ServiceAccount', name: 'web', namespace: 'staging' },
    { kind: 'ServiceAccount', name: 'web' },
    { kind: 'ServiceAccount', name: 'other', namespace: 'shop' },
    { kind: 'User', name: 'system:serviceaccount:shop' },
    { kind: 'User', name: 'web' },
    { kind: 'Group', name: 'system:serviceaccounts:shop2' },
    { kind: 'Group', name: 'system:masters' },
    { kind: 'Robot', name: 'web' },
  ]);
  expect(own.filter((key) => others.includes(key))).toEqual([]);
  expect(subjectKeysOf(null)).toEqual([]);
});
