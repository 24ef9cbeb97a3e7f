/** The time of the machine, as far as no other program on it can turn this red. */
import { expect, test } from '@jest/globals';
import { systemClock, timeoutSignal } from '../../src/kube/clock.ts';

test('timers fire in the order of their times, and not before', async () => {
  const started = performance.now();
  const fired: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(40, () => {
      fired.push('late');
      resolve();
    });
    systemClock.after(5, () => fired.push('soon'));
    systemClock.after(20, () => fired.push('never'))();
  });
  expect(fired).toEqual(['soon', 'late']);
  // Node's timers count whole milliseconds.
  expect(performance.now() - started).toBeGreaterThan(38);
});

test('a time beyond what Node takes does not fire at once', async () => {
  let fired = false;
  const cancel = systemClock.after(2 ** 40, () => (fired = true));
  await systemClock.sleep(5);
  cancel();
  expect(fired).toBe(false);
});

test('a sleep ends when its signal aborts, also one that has aborted before', async () => {
  const stop = new AbortController();
  const asleep = systemClock.sleep(3_600_000, stop.signal);
  stop.abort();
  await asleep;
  await systemClock.sleep(3_600_000, stop.signal);
});

test('every goes on until it is ended', async () => {
  let times = 0;
  await new Promise<void>((resolve) => {
    const cancel = systemClock.every(1, () => {
      if (++times < 3) return;
      cancel();
      resolve();
    });
  });
  await systemClock.sleep(10);
  expect(times).toBe(3);
});

test('a signal that aborts after a time says so, and one that is cancelled never does', async () => {
  const { signal } = timeoutSignal(systemClock, 5);
  const other = timeoutSignal(systemClock, 5);
  other.cancel();
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  expect(signal.reason).toMatchObject({ name: 'TimeoutError', message: 'no answer within 5 ms' });
  await systemClock.sleep(10);
  expect(other.signal.aborted).toBe(false);
});
