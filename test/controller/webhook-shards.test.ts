import { expect, test } from '@jest/globals';
import { assert, integer, property, uniqueArray } from 'fast-check';
import type { EntryGroup } from '../../src/controller/webhook-configuration.ts';
import { shardNames, shardsOf, type Shards } from '../../src/controller/webhook-shards.ts';

const NAMES = shardNames('operator');

/** A group of one entry of about so many bytes. */
const group = (name: string, bytes: number): EntryGroup => ({
  name,
  entries: [{ name: `${name}.example`, filler: 'x'.repeat(bytes) }],
});

/** What the API server would have after these were written. */
const presentOf = ({ objects }: Shards): Map<string, Set<string>> =>
  new Map([...objects].map(([name, entries]) => [name, new Set(entries.map((entry) => String(entry['name'])))]));

const placesOf = (shards: Shards): Map<string, string> =>
  new Map([...shards.objects].flatMap(([name, entries]) => entries.map((entry) => [String(entry['name']), name])));

test('a few policies need one object under the plain name', () => {
  const shards = shardsOf([group('', 100), group('a', 100), group('b', 100)], NAMES, new Map());
  expect([...placesOf(shards).values()]).toEqual(['operator', 'operator', 'operator']);
  expect(shards.left).toEqual([]);
});

test('what does not fit goes to further objects, each below the size that etcd takes', () => {
  const groups = Array.from({ length: 200 }, (_, index) => group(`policy-${index}`, 10_000));
  const shards = shardsOf(groups, NAMES, new Map());
  expect(shards.left).toEqual([]);
  expect(placesOf(shards).size).toBe(200);
  for (const entries of shards.objects.values()) expect(JSON.stringify(entries).length).toBeLessThan(610_000);
});

test('what no object has room for is named', () => {
  const groups = Array.from({ length: 10 }, (_, index) => group(`policy-${index}`, 590_000));
  expect(shardsOf(groups, NAMES, new Map()).left).toEqual(['policy-8', 'policy-9']);
});

test('whatever comes and goes, what stays keeps its place, and nothing stands twice or is lost', () => {
  const names = uniqueArray(integer({ min: 0, max: 60 }), { maxLength: 40 });
  assert(
    property(names, names, integer({ min: 1000, max: 90_000 }), (before, after, bytes) => {
      const first = shardsOf(
        before.map((number) => group(`p${number}`, bytes)),
        NAMES,
        new Map(),
      );
      const second = shardsOf(
        after.map((number) => group(`p${number}`, bytes)),
        NAMES,
        presentOf(first),
      );
      const [was, is] = [placesOf(first), placesOf(second)];
      for (const [entry, place] of is) if (was.has(entry)) expect(place).toBe(was.get(entry));
      expect(is.size + second.left.length).toBe(after.length);
      expect([...second.objects.values()].flat()).toHaveLength(is.size);
    }),
  );
});
