/** What is known of a Secret without its values ever being sent: its row in a table, with its metadata. */
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
 * Reads a row. It does not tell the keys: their number is in it, and managedFields names them, but whoever may write the
 * Secret writes what he likes there.
 */
export function secretFromRow({ cells, object }: SecretRow): SecretFacts {
  const type = String(cells[1]);
  return {
    name: object.metadata.name,
    type,
    keys: undefined,
    changedAt: changedAtOf(object.metadata),
    managed: isManaged(object.metadata, type),
  };
}
