/** How long a test may take: it only ends what hangs, on the busiest machine. Waits in a test end sooner (until.ts). */
import { jest } from '@jest/globals';

jest.setTimeout(300_000);
