import type { ExceptionSet } from './exceptions.ts';
import type { PolicySet } from './routes.ts';

/** What requests are decided by, as the API server has it at one moment. */
export interface Copies {
  readonly policies: PolicySet;
  /** Whether in force or not. */
  readonly exceptions: ExceptionSet;
}
