/**
 * Spreads the entries of all routes over several configuration objects: one object must stay below the size that etcd
 * takes, and 200 policies need more than that. What has a place keeps it, so that no entry is ever missing while it moves.
 */
import type { Entry, EntryGroup } from './webhook-configuration.ts';

/** Bytes of JSON; etcd takes 1.5 MiB, and managedFields come on top. */
const LARGEST = 600_000;
/** The operator may update configurations of so many names. */
const MOST = 8;

/** Names of the configuration objects: the first bears the plain name. */
export function shardNames(name: string): string[] {
  return Array.from({ length: MOST }, (_, index) => (index === 0 ? name : `${name}-${index + 1}`));
}

export interface Shards {
  /** Entries by the name of the object that is to hold them; every name is there, also those with none. */
  readonly objects: ReadonlyMap<string, readonly Entry[]>;
  /** Names of groups for which there is no room. */
  readonly left: readonly string[];
}

/**
 * Places groups of entries.
 *
 * @param names - of the objects, in the order in which they are filled
 * @param present - entry names that each object has now
 */
export function shardsOf(
  groups: readonly EntryGroup[],
  names: readonly string[],
  present: ReadonlyMap<string, ReadonlySet<string>>,
): Shards {
  const objects = new Map(names.map((name) => [name, { size: 0, entries: [] as Entry[] }]));
  const left: string[] = [];
  const put = ({ entries }: EntryGroup, name: string): boolean => {
    const size = JSON.stringify(entries).length;
    const object = objects.get(name);
    if (object === undefined || object.size + size > LARGEST) return false;
    object.size += size;
    object.entries.push(...entries);
    return true;
  };
  const homeOf = ({ entries }: EntryGroup): string | undefined =>
    names.find((name) => entries.some((entry) => present.get(name)?.has(String(entry['name'])) === true));
  const homeless: EntryGroup[] = [];
  for (const group of groups) {
    const home = homeOf(group);
    if (home === undefined || !put(group, home)) homeless.push(group);
  }
  for (const group of homeless) if (!names.some((name) => put(group, name))) left.push(group.name);
  return { objects: new Map([...objects].map(([name, { entries }]) => [name, byName(entries)])), left };
}

function byName(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1));
}
