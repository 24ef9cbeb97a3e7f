/** Conditions of our own kinds, as meta/v1 Condition. */
import { Type, type Static } from 'typebox';
import { valueAt } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { words } from '../policy/schema.ts';

/** @param types - the types of conditions that a kind has, in words */
export function conditionSchema(types: string, kind: string) {
  return Type.Object({
    type: Type.String({ description: `${types}.`, maxLength: 63 }),
    status: words(['True', 'False', 'Unknown'], 'Whether it holds.'),
    reason: Type.String({ description: 'Why, as one word.', maxLength: 63 }),
    message: Type.String({ description: 'Why, for people.', maxLength: 4096 }),
    observedGeneration: Type.Integer({ description: `Generation of the ${kind} that it speaks of.`, minimum: 0 }),
    lastTransitionTime: Type.String({ format: 'date-time', description: 'When status changed last.' }),
  });
}

export type Condition = Static<ReturnType<typeof conditionSchema>>;
/** What a condition says, without when. */
export interface Said extends Pick<Condition, 'type' | 'status' | 'reason' | 'message'> {
  /** The generation that it speaks of; undefined: the newest. */
  readonly generation?: number | undefined;
}

/** The conditions that an object's status has now. */
export function previousConditions(object: RawObject): readonly Condition[] {
  return (valueAt(object, ['status', 'conditions']) ?? []) as readonly Condition[];
}

/** The generation of an object's spec; 0 if it has none. */
export function generationOf(object: RawObject): number {
  return Number(valueAt(object, ['metadata', 'generation']) ?? 0);
}

/** Makes conditions of what is to be said of an object; the time of a status that stays the same is kept. */
export function conditionsOf(said: readonly Said[], object: RawObject, now: number): Condition[] {
  const previous = previousConditions(object);
  return said.map(({ generation = generationOf(object), ...condition }) => {
    const before = previous.find(({ type }) => type === condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : new Date(now).toISOString();
    return { ...condition, observedGeneration: generation, lastTransitionTime: since };
  });
}
