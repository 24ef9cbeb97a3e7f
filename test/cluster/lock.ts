/** A lock between processes that nobody can leave behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { silent, step, type Log } from './log.ts';

/** SQLite's result code for "another connection has the lock". */
const SQLITE_BUSY = 5;
const RETRY_MS = 200;

/**
 * Runs `work` while no other process (nor another call in this one) runs work under the same lock file, and waits for its
 * turn without limit.
 *
 * The lock is SQLite's exclusive lock on the file. The operating system holds it for the process and releases it when the
 * process ends, however it ends, so there is no stale lock to recognise: a lock file that a dead process left is free.
 * The file itself stays, empty: removing it would let two holders lock two different files of the same name.
 *
 * @param file path of the lock file; its folder must exist
 * @param what what the other process is busy with, in the line that is shown while waiting
 * @param work gets `false` where the file system has no locks, and it may not be alone
 * @throws what `work` throws
 */
export async function withLock<T>(
  file: string,
  what: string,
  work: (alone: boolean) => Promise<T>,
  log: Log = silent,
): Promise<T> {
  let lock = tryLock(file, log);
  if (lock === 'busy') {
    const waiting = `waiting for another process: ${what}`;
    log(waiting);
    lock = await step(log, waiting, async () => {
      for (;;) {
        await sleep(RETRY_MS);
        const result = tryLock(file, log);
        if (result !== 'busy') return result;
      }
    });
  }
  try {
    return await work(lock !== undefined);
  } finally {
    lock?.close();
  }
}

/** The locked database, `'busy'`, or undefined where the file system has no locks (then there is nothing to hold). */
function tryLock(file: string, log: Log): DatabaseSync | 'busy' | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return 'busy';
    // Some network file systems cannot lock. The work still writes to temporary names only, so what is lost without a
    // lock is time, not correctness.
    log(`going on without a lock on ${file}: ${(error as Error).message}`);
    return undefined;
  }
}
