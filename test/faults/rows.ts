/** The table, in the order in which it is run. */
import { apiServerRestart, etcdStopped, refused, slow } from './rows/apiServer.ts';
import { clockJump } from './rows/clock.ts';
import { configurationBroken, definitionsDeleted } from './rows/configuration.ts';
import { allGone } from './rows/gone.ts';
import { connectionsHeld, hostileReviews } from './rows/hostile.ts';
import { killTheLeader, restartWhilePoliciesChange, rollingRestart } from './rows/replicas.ts';
import { authorityRotation, expiredAtStart, leafRotation, secretDeleted } from './rows/certificates.ts';
import { watchesCut, watchesDeaf } from './rows/watches.ts';
import type { Row } from './row.ts';

export const ROWS: readonly Row[] = [
  rollingRestart,
  killTheLeader,
  restartWhilePoliciesChange,
  leafRotation,
  authorityRotation,
  secretDeleted,
  expiredAtStart,
  apiServerRestart,
  etcdStopped,
  slow,
  refused,
  watchesCut,
  watchesDeaf,
  configurationBroken,
  definitionsDeleted,
  clockJump,
  hostileReviews,
  connectionsHeld,
  allGone,
];
