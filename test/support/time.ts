import process from 'node:process';

/** Starts to measure; tells milliseconds of this process's processor time, so that a busy machine does not count. */
export function stopwatch(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
