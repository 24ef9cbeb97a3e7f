import { expect, test } from '@jest/globals';
import { readAmount } from '../../src/engine/resource-values.ts';

test('of what is no quantity a message repeats a part alone, however long it is', () => {
  const read = readAmount('memory', 'x'.repeat(3_000_000));
  expect(read).toEqual({
    flaw: {
      message: `"${'x'.repeat(100)}" is not a quantity`,
      remediation: 'write a quantity, for example 256Mi',
    },
  });
});
