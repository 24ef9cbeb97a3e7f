/** How long a test may take that talks to a cluster: it only ends what hangs. Waits in it end sooner (until.ts). */
import { jest } from '@jest/globals';

jest.setTimeout(300_000);
