/**
 * What is known of a Secret without its values ever being sent: its row in a table (type, number of keys) and the key
 * names that its field managers own (metadata.managedFields).
 */
import type { SecretFacts } from '../engine/related.ts';
import { changedAtOf, isManaged, type SecretMetadata } from '../engine/secret.ts';

/**
 * How Secrets are looked up. `Watch`: a watch of all of them, as tables without values. `Get`: each by its name, when it is
 * asked for. `None`: not at all.
 */
export type SecretAccess = 'Watch' | 'Get' | 'None';
export const SECRET_ACCESS: readonly SecretAccess[] = ['Watch', 'Get', 'None'];

/** A row of a meta/v1 Table of Secrets asked for with includeObject=Metadata. */
export interface SecretRow {
  /** Name, Type, Data (number of keys), Age: the printer columns of Secrets in kubernetes/pkg/printers/internalversion. */
  readonly cells: readonly unknown[];
  readonly object: { readonly metadata: SecretMetadata };
}

/**
 * Reads a row. The key names count only if there are as many as the Data cell says; else `keys` is undefined, for
 * instance where a client has cleared managedFields.
 */
export function secretFromRow({ cells, object }: SecretRow): SecretFacts {
  const keys = new Set<string>();
  for (const { fieldsV1 } of object.metadata.managedFields ?? []) {
    for (const field of ['f:data', 'f:stringData']) {
      for (const owned of Object.keys(fieldsV1?.[field] ?? {})) if (owned.startsWith('f:')) keys.add(owned.slice(2));
    }
  }
  const type = String(cells[1]);
  return {
    name: object.metadata.name,
    type,
    keys: keys.size === Number(cells[2]) ? [...keys] : undefined,
    changedAt: changedAtOf(object.metadata),
    managed: isManaged(object.metadata, type),
  };
}

/** The key names of a whole Secret; nothing else of it is looked at. */
export function secretKeysFrom(secret: unknown): string[] {
  const { data } = secret as { data?: object | null };
  return Object.keys(data ?? {});
}
