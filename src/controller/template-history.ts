/** The pod templates that workloads ran: what their reports say, and what these do not say yet. */
import { MOST_TEMPLATES } from '../policy/report.ts';
import type { WorkloadKey } from './workloads.ts';

/** Hashes of templates, newest first. */
type Hashes = readonly string[];

/** Reports are written later than templates change, and less often. Until then their hashes are kept here. */
export class TemplateHistory {
  readonly #unwritten = new Map<WorkloadKey, { readonly uid: string; readonly hashes: Hashes }>();

  /** A workload was seen with a template. @param uid - what comes under the same name later has run nothing */
  saw(key: WorkloadKey, uid: string, hash: string): void {
    const present = this.#unwritten.get(key);
    this.#unwritten.set(key, { uid, hashes: withNewest(present?.uid === uid ? present.hashes : [], hash) });
  }

  /** All that a workload ran. @param written - what its report says */
  of(key: WorkloadKey, uid: string, written: Hashes): Hashes {
    const unwritten = this.#unwritten.get(key);
    return unwritten?.uid === uid ? unwritten.hashes.toReversed().reduce(withNewest, written) : written;
  }

  /** The report of a workload says all, or there is none any more. */
  forget(key: WorkloadKey): void {
    this.#unwritten.delete(key);
  }
}

function withNewest(hashes: Hashes, hash: string): Hashes {
  return hashes[0] === hash ? hashes : [hash, ...hashes.filter((other) => other !== hash)].slice(0, MOST_TEMPLATES);
}
