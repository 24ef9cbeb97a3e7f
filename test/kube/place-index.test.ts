import { expect, test } from '@jest/globals';
import { array, assert, boolean, constantFrom, nat, property, record } from 'fast-check';
import { PlaceIndex } from '../../src/kube/place-index.ts';

const ascending = (a: number, b: number): number => a - b;

test('finds what was added and not removed since, whatever the order', () => {
  const text = constantFrom('a', 'b', 'a/b', '');
  const step = record({ adds: boolean(), kind: text, namespace: text, key: text, object: text, value: nat() });
  assert(
    property(array(step, { maxLength: 40 }), (steps) => {
      const index = new PlaceIndex<number>();
      const plain = new Map<string, number>();
      for (const { adds, kind, namespace, key, object, value } of steps) {
        const name = JSON.stringify([kind, namespace, key, object]);
        if (adds) {
          index.add(kind, namespace, key, object, value);
          plain.set(name, value);
        } else {
          index.remove(kind, namespace, key, object);
          plain.delete(name);
        }
        // What was found before must not be found again.
        index.find(kind, namespace, key);
      }
      for (const { kind, namespace, key } of steps) {
        const wanted = [...plain].flatMap(([name, value]) => {
          const [k, n, y] = JSON.parse(name) as [string, string, string];
          return k === kind && n === namespace && y === key ? [value] : [];
        });
        const found = index.find(kind, namespace, key);
        expect((found ?? []).toSorted(ascending)).toEqual(wanted.toSorted(ascending));
        // A place at which nothing stands any more is none: its answer is "absent".
        expect(found === undefined).toBe(wanted.length === 0);
      }
    }),
  );
});
