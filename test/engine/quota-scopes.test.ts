/** Scopes that no fixture has: the API server takes no quota of theirs that counts CPU or memory. */
import { expect, test } from '@jest/globals';
import { concerns } from '../../src/engine/quota-scopes.ts';
import { workloadOf } from '../support/workloads.ts';

test.each(['BestEffort', 'VolumeAttributesClass', 'OfAnotherYear'])('%s concerns no pod', (name) => {
  const pod = workloadOf('Pod', { containers: [{ name: 'app' }] });
  expect(concerns([{ name, operator: 'Exists', values: [] }], pod, [])).toBe('no');
});
