import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { matchesNamePattern, nearestName } from '../../src/engine/names.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

const KNOWN = ['memoryLimits', 'memoryRequests', 'cpuLimits', 'imageTag', 'minReplicas'];

describe('nearestName', () => {
  test.each([
    ['memoryLimit', 'memoryLimits'],
    ['memorylimits', 'memoryLimits'],
    ['memroyLimits', 'memoryLimits'],
    ['cpuLimit', 'cpuLimits'],
    ['imageTags', 'imageTag'],
    ['MINREPLICAS', 'minReplicas'],
    ['replicas', undefined],
    ['networkPolicy', undefined],
    ['', undefined],
  ])('finds for %j %j', (unknown, expected) => {
    expect(nearestName(unknown, KNOWN)).toBe(expected);
  });

  test('prefers the nearer one', () => {
    expect(nearestName('max', ['min', 'mix', 'max'])).toBe('max');
    expect(nearestName('memoryLimts', ['memoryRequests', 'memoryLimits'])).toBe('memoryLimits');
    expect(nearestName('ab', ['a', 'ab'])).toBe('ab');
    expect(nearestName('ab', ['abc', 'ab'])).toBe('ab');
  });

  test('forgives more slips in a long name', () => {
    expect(nearestName('serviceAcountRefs', ['serviceAccountReference'])).toBeUndefined();
    expect(nearestName('serviceAcountReferenz', ['serviceAccountReference'])).toBe('serviceAccountReference');
    expect(nearestName('service_account_reference', ['serviceAccountReference'])).toBe('serviceAccountReference');
  });

  test('finds nothing among nothing', () => {
    expect(nearestName('anything', [])).toBeUndefined();
  });

  test('finds each name after one slip', () => {
    const slip = fc.tuple(fc.constantFrom(...KNOWN), fc.nat(), fc.constantFrom('drop', 'double', 'change'));
    fc.assert(
      fc.property(slip, ([name, at, how]) => {
        const i = at % name.length;
        const middle = how === 'drop' ? '' : how === 'double' ? name.slice(i, i + 1).repeat(2) : '_';
        expect(nearestName(name.slice(0, i) + middle + name.slice(i + 1), KNOWN)).toBe(name);
      }),
    );
  });

  test('takes no more than linear time for hostile names', () => {
    const name = (size: number): string => 'a'.repeat(size);
    expect(slowdown(name, (unknown) => nearestName(unknown, KNOWN), 100)).toBeLessThan(LINEAR);
  });
});

describe('matchesNamePattern', () => {
  test.each<[string, string[], boolean]>([
    ['istio-proxy', [], false],
    ['istio-proxy', ['istio-proxy'], true],
    ['istio-proxy', ['istio'], false],
    ['istio-proxy', ['istio*'], true],
    ['istio-proxy', ['istio-proxy*'], true],
    ['istio-proxy', ['*'], true],
    ['', ['*'], true],
    ['istio-proxy', ['vault', 'istio-*'], true],
    ['istio-proxy', ['*-proxy'], true],
    ['istio-proxy', ['i*o-p*y'], true],
    ['istio-proxy', ['istio-proxy*istio-proxy'], false],
    ['abab', ['ab*ab'], true],
    ['aba', ['ab*ba'], false],
    ['a-b-c', ['a*-c-*'], false],
    ['1.0-SNAPSHOT', ['*-SNAPSHOT'], true],
    ['istio-proxy', ['istio.proxy'], false],
    ['istio-proxy', ['ISTIO-PROXY'], false],
    ['a.b', ['a?b'], false],
  ])('%s against %j: %s', (name, patterns, expected) => {
    expect(matchesNamePattern(name, patterns)).toBe(expected);
  });

  test('agrees with the regular expression that a pattern stands for', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    fc.assert(
      fc.property(text, pattern, (name, glob) => {
        expect(matchesNamePattern(name, [glob])).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });
});
