/** That the API server says the same of each line is tested in test/integration/selectorSyntax.test.ts. */
import { expect, test } from '@jest/globals';
import { isLabelKey, isLabelValue } from '../../src/policy/label-syntax.ts';
import { LABEL_KEYS, LABEL_VALUES } from '../support/labels.ts';

test.each(LABEL_KEYS.valid)('%j is a key', (text) => {
  expect(isLabelKey(text)).toBe(true);
});
test.each(LABEL_KEYS.invalid)('%j is no key', (text) => {
  expect(isLabelKey(text)).toBe(false);
});
test.each(LABEL_VALUES.valid)('%j is a value', (text) => {
  expect(isLabelValue(text)).toBe(true);
});
test.each(LABEL_VALUES.invalid)('%j is no value', (text) => {
  expect(isLabelValue(text)).toBe(false);
});
