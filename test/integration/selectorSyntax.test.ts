/** Selectors of policies and exceptions: the CRDs take just what the API server takes for the labels of an object. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiError, KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { LONGEST_POLICY_NAME } from '../../src/policy/schema.ts';
import { LABEL_KEYS, LABEL_VALUES } from '../support/labels.ts';
import { Stage, type Json } from './stage.ts';

const CORE = '/api/v1/namespaces/selector-syntax/configmaps';
const OURS = '/apis/readiness-operator.dev/v1alpha1';

let client: KubeClient;
let stage: Stage;
beforeAll(async () => {
  client = await KubeClient.load(systemClock, process.env['READINESS_TEST_KUBECONFIG']);
  stage = await Stage.open('selector-syntax');
});
afterAll(async () => {
  client?.close();
  await stage?.close();
});

/** What the API server says against an object, without storing it; the empty text if it takes it. */
async function objection(path: string, body: Json): Promise<string> {
  try {
    await client.request('POST', path, { query: { dryRun: 'All' }, body });
    return '';
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.message;
  }
}

const toLabels = (labels: Json): Promise<string> =>
  objection(CORE, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'labelled', labels } });
const toPolicy = (match: Json): Promise<string> =>
  objection(`${OURS}/readinesspolicies`, stage.policyObject({ profile: 'none', match }));
const toException = (selector: Json): Promise<string> => {
  const exception = stage.exception('selecting', new Date(Date.now() + 3_600_000), { selector, workloads: undefined });
  return objection(`${OURS}/namespaces/selector-syntax/readinessexceptions`, exception);
};

/** What the CRDs say against a selector, wherever it stands. */
async function toSelector(selector: Json): Promise<string[]> {
  return [
    await toPolicy({ workloadSelector: selector }),
    await toPolicy({ namespaceSelector: selector }),
    await toException(selector),
  ];
}

test.each([...LABEL_KEYS.valid, ...LABEL_KEYS.invalid])('%j as a key', async (key) => {
  const isKey = LABEL_KEYS.valid.includes(key);
  expect((await toLabels({ [key]: '' })) === '').toBe(isKey);
  const objections = [
    ...(await toSelector({ matchLabels: { [key]: '' } })),
    ...(await toSelector({ matchExpressions: [{ key, operator: 'Exists' }] })),
  ];
  for (const said of objections) expect(said).toEqual(isKey ? '' : expect.stringMatching(/" is invalid: .*elector/));
});

test.each([...LABEL_VALUES.valid, ...LABEL_VALUES.invalid])('%j as a value', async (value) => {
  const isValue = LABEL_VALUES.valid.includes(value);
  expect((await toLabels({ key: value })) === '').toBe(isValue);
  const objections = [
    ...(await toSelector({ matchLabels: { key: value } })),
    ...(await toSelector({ matchExpressions: [{ key: 'key', operator: 'In', values: [value] }] })),
  ];
  for (const said of objections) expect(said).toEqual(isValue ? '' : expect.stringMatching(/" is invalid: .*elector/));
});

test.each([
  ['In', undefined, 'values must not be empty with operator In or NotIn'],
  ['NotIn', [], 'values must not be empty with operator In or NotIn'],
  ['Exists', ['a'], 'values must be empty with operator Exists or DoesNotExist'],
  ['DoesNotExist', ['a'], 'values must be empty with operator Exists or DoesNotExist'],
])('operator %s with values %j', async (operator, values, message) => {
  for (const said of await toSelector({ matchExpressions: [{ key: 'a', operator, values }] })) {
    expect(said).toContain(message);
  }
});

test('a policy at the limits of name and selectors is enforced: the API server takes its webhook entries', async () => {
  const name = 'p'.repeat(LONGEST_POLICY_NAME);
  const [longestValue = ''] = LABEL_VALUES.valid.toSorted((a, b) => b.length - a.length);
  const selector = {
    matchLabels: Object.fromEntries(LABEL_KEYS.valid.map((key) => [key, longestValue])),
    matchExpressions: [
      ...LABEL_KEYS.valid.map((key) => ({ key, operator: 'In', values: LABEL_VALUES.valid })),
      { key: 'a', operator: 'NotIn', values: [''] },
      { key: 'a', operator: 'Exists' },
      { key: 'a', operator: 'DoesNotExist', values: [] },
    ],
  };
  try {
    // Of all its checks some are of the replica count and some of a resize, so that there are all kinds of entries.
    await stage.enforce({ profile: 'production-v1', match: { workloadSelector: selector } }, name);
    await stage.enforce({ profile: 'production-v1', match: { namespaceSelector: selector } }, name);
  } finally {
    await stage.run('delete', 'rpol', name);
  }
});
