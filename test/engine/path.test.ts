import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { formatPath, fromPointer, valueAt, type Path } from '../../src/engine/path.ts';

describe('formatPath', () => {
  test.each<[Path, string]>([
    [[], '(root)'],
    [['spec'], 'spec'],
    [['spec', 'replicas'], 'spec.replicas'],
    [['spec', 'containers', 0, 'image'], 'spec.containers[0].image'],
    [['metadata', 'annotations', 'example.com/a'], 'metadata.annotations[example.com/a]'],
    [['metadata', 'labels', 'app.kubernetes.io/name'], 'metadata.labels[app.kubernetes.io/name]'],
    [['limits', 'ephemeral-storage'], 'limits.ephemeral-storage'],
    [[0], '[0]'],
    [['a', ''], 'a[]'],
    [['data', '1st'], 'data[1st]'],
  ])('writes %j as %s', (path, expected) => {
    expect(formatPath(path)).toBe(expected);
  });
});

describe('valueAt', () => {
  const object = { spec: { list: [{ name: 'a' }, null], none: null, zero: 0 } };

  test.each<[Path, unknown]>([
    [[], object],
    [['spec', 'list', 0, 'name'], 'a'],
    [['spec', 'list', 1], null],
    [['spec', 'list', 2], undefined],
    [['spec', 'list', 1, 'name'], undefined],
    [['spec', 'none'], null],
    [['spec', 'none', 'x'], undefined],
    [['spec', 'zero', 'x'], undefined],
    [['nothing', 'at', 'all'], undefined],
  ])('reads %j', (path, expected) => {
    expect(valueAt(object, path)).toBe(expected);
  });

  test('never throws', () => {
    const step = fc.oneof(fc.nat(3), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(step), (value, path) => {
        valueAt(value, path);
      }),
    );
  });
});

describe('fromPointer', () => {
  test.each<[string, Path]>([
    ['', []],
    ['/spec/containers/0', ['spec', 'containers', 0]],
    ['/metadata/annotations/example.com~1a', ['metadata', 'annotations', 'example.com/a']],
    ['/a~0b', ['a~b']],
    ['/a~01', ['a~1']],
    ['/', ['']],
    ['/0/1/7/8/10/18/79/90/109', [0, 1, 7, 8, 10, 18, 79, 90, 109]],
    ['/01', ['01']],
    ['/-1', ['-1']],
  ])('reads %j', (pointer, expected) => {
    expect(fromPointer(pointer)).toEqual(expected);
  });

  test('reads back what RFC 6901 makes of keys', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (keys) => {
        const pointer = keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
        expect(fromPointer(pointer).map(String)).toEqual(keys);
      }),
    );
  });
});
