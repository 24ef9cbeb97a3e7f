/** What a row of the table is. */
import type { Checks } from './checks.ts';
import type { Load, Mix } from './load.ts';
import type { Stage } from './stage.ts';

export interface Row {
  readonly name: string;
  /** What is broken, and for how long. */
  readonly breaks: string;
  /** What must hold afterwards, besides no wrong and no failed request. */
  readonly asserts: string;
  /** Before the requests begin. */
  readonly prepare?: (stage: Stage, checks: Checks) => Promise<void>;
  /** Breaks and mends, while the requests come. */
  readonly run: (stage: Stage, load: Load, checks: Checks) => Promise<void>;
  /** After the last request. */
  readonly after?: (stage: Stage, checks: Checks) => Promise<void>;
  /** What is sent, if not the standard mix. */
  readonly mix?: Mix;
  /** The API server itself is disturbed: that it refuses requests is no fault of ours. */
  readonly refuses?: true;
}
