/**
 * Which groups of entries the API server refuses. It takes a webhook configuration as a whole or not at all, so that one bad
 * entry would hold up the entries of all other policies, and their removal too.
 */
import { deepEqual } from '../engine/equal.ts';
import type { Clock } from '../kube/clock.ts';
import { hasStatus, type ApiError } from '../kube/client.ts';
import type { Entry, EntryGroup } from './webhook-configuration.ts';

/** After so many milliseconds a refused group is tried again: another API server of the cluster may take it. */
export const REFUSAL_LASTS = 600_000;

/** `webhooks[3].objectSelector.matchLabels`, as the API server names what it refuses. */
const FIELD_OF_ENTRY = /^webhooks\[(\d+)\]\.?(.*)$/;

/** Does an error say that the API server looked at an object and refuses what it says? */
export function isRefusal(error: unknown): error is ApiError {
  return hasStatus(error, 400, 422);
}

/**
 * Finds the groups because of which the API server refused an object: it names the entries, or else it is asked about fewer
 * and fewer groups, at most twice as many times as there are groups.
 *
 * @param refusal - the API server's answer
 * @param entries - those of the object, in its order
 * @param groups - those whose entries they are
 * @param attempt - asks whether the object could hold just these groups, and writes nothing. @throws ApiError if it could not
 * @returns by name why each is refused; at least one
 * @throws ApiError if no group of a policy is to blame
 */
export async function refusedGroups(
  refusal: ApiError,
  entries: readonly Entry[],
  groups: readonly EntryGroup[],
  attempt: (groups: readonly EntryGroup[]) => Promise<void>,
): Promise<ReadonlyMap<string, string>> {
  const named = namedGroups(refusal, entries, groups);
  if (named.size > 0) return named;
  const found = await searchedGroups(groups, attempt);
  if (found.size === 0) throw refusal;
  return found;
}

/** The groups of policies whose entries the answer names. */
function namedGroups(
  { causes }: ApiError,
  entries: readonly Entry[],
  groups: readonly EntryGroup[],
): Map<string, string> {
  const named = new Map<string, string>();
  for (const { field, message } of causes) {
    const [, index, rest] = FIELD_OF_ENTRY.exec(field) ?? [];
    const entry = entries[Number(index)];
    const group = groups.find((one) => entry !== undefined && one.entries.includes(entry));
    if (entry === undefined || group === undefined || isStanding(group)) continue;
    const before = named.has(group.name) ? `${named.get(group.name)}; ` : '';
    named.set(group.name, `${before}${[entry['name'], rest, message].filter(Boolean).join(': ')}`);
  }
  return named;
}

/** Halves what is refused until single groups are left. */
async function searchedGroups(
  groups: readonly EntryGroup[],
  attempt: (groups: readonly EntryGroup[]) => Promise<void>,
): Promise<Map<string, string>> {
  const refused = new Map<string, string>();
  let good = groups.filter(isStanding);
  // What no policy has a part in must be taken, or leaving policies out is of no use.
  await attempt(good);
  const add = async (some: readonly EntryGroup[]): Promise<void> => {
    const [first] = some;
    if (first === undefined) return;
    try {
      await attempt([...good, ...some]);
      good = [...good, ...some];
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (some.length === 1) {
        refused.set(first.name, error.message);
        return;
      }
      const half = some.length >> 1;
      await add(some.slice(0, half));
      await add(some.slice(half));
    }
  };
  await add(groups.filter((group) => !isStanding(group)));
  return refused;
}

/** Is a group there whatever the policies say? */
function isStanding({ name }: EntryGroup): boolean {
  return name === '';
}

/** What the API server has refused lately, so that it is not asked again each time that another policy changes. */
export class RefusedEntries {
  readonly #clock: Clock;
  readonly #refused = new Map<
    string,
    { readonly entries: readonly Entry[]; readonly why: string; readonly until: number }
  >();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ name, entries }: EntryGroup, why: string): void {
    this.#refused.set(name, { entries, why, until: this.#clock.monotonic() + REFUSAL_LASTS });
  }

  /** Why some of the groups are refused as they are now, by name. What is known of others is forgotten. */
  among(groups: readonly EntryGroup[]): ReadonlyMap<string, string> {
    const entriesOf = new Map(groups.map(({ name, entries }) => [name, entries]));
    for (const [name, { entries, until }] of this.#refused) {
      if (this.#clock.monotonic() >= until || !deepEqual(entries, entriesOf.get(name))) this.#refused.delete(name);
    }
    return new Map([...this.#refused].map(([name, { why }]) => [name, why]));
  }
}
