import type { Logger } from '../../src/logger.ts';

/** A log that goes nowhere. */
export const SILENT: Logger = Object.fromEntries(
  ['error', 'warn', 'info', 'debug'].map((level) => [level, () => undefined]),
) as never;
