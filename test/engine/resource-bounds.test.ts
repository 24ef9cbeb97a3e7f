import { describe, expect, test } from '@jest/globals';
import { ParameterError } from '../../src/engine/check.ts';
import { prepareBounds } from '../../src/engine/resource-bounds.ts';
import type { ComputeResource } from '../../src/engine/resource-values.ts';

const MEMORY = 'write a quantity with its unit, for example 256Mi';
const CPU = 'write a quantity with its unit, for example 500m';
const DISK = 'write a quantity with its unit, for example 2Gi';

describe('prepareBounds', () => {
  test.each<[ComputeResource, Parameters<typeof prepareBounds>[1], string, string]>([
    ['memory', { min: 'lots' }, 'min', '"lots" is not a quantity; write a quantity, for example 256Mi'],
    ['cpu', { max: '1 core' }, 'max', '"1 core" is not a quantity; write a quantity, for example 500m'],
    ['memory', { min: '2Gi', max: '1Gi' }, 'min', 'is 2Gi, above max, which is 1Gi'],
    ['memory', { min: '1025Mi', max: '1Gi' }, 'min', 'is 1025Mi, above max, which is 1Gi'],
    ['cpu', { min: 2, max: '1999m' }, 'min', 'is 2, above max, which is 1999m'],
    ['memory', { max: '-1' }, 'max', `is -1, below 0; ${MEMORY}`],
    ['cpu', { min: -1 }, 'min', `is -1, below 0; ${CPU}`],
    ['memory', { max: 0 }, 'max', `is 0, which means none; ${MEMORY}`],
    ['cpu', { min: '0m' }, 'min', `is 0m, which means none; ${CPU}`],
    ['memory', { max: '512m' }, 'max', `is 512m, less than a byte; ${MEMORY}`],
    ['memory', { max: 8 }, 'max', `is 8, less than 1Mi, too little for any container; ${MEMORY}`],
    ['memory', { max: '2Pi' }, 'max', `is 2Pi, more than any machine has; ${MEMORY}`],
    ['cpu', { min: '999u' }, 'min', `is 999u, less than 2m, the smallest share of a CPU; ${CPU}`],
    ['cpu', { max: '8Gi' }, 'max', `is 8Gi, more than any machine has; ${CPU}`],
    ['ephemeral-storage', { max: '1u' }, 'max', `is 1u, less than a byte; ${DISK}`],
  ])('refuses for %s %j', (resource, parameters, field, message) => {
    let error: unknown;
    try {
      prepareBounds(resource, parameters);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ParameterError);
    expect(error).toMatchObject({ field, message });
  });

  test.each<[ComputeResource, Parameters<typeof prepareBounds>[1]]>([
    ['memory', {}],
    ['memory', { min: '1Gi', max: '1024Mi' }],
    ['memory', { min: '1Mi', max: '1Pi' }],
    ['cpu', { min: '2m', max: '10k' }],
    ['cpu', { max: 2 }],
    ['memory', { maxRatioToRequest: 1.5 }],
  ])('takes for %s %j', (resource, parameters) => {
    expect(() => prepareBounds(resource, parameters)).not.toThrow();
  });
});
