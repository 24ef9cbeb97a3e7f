import { expect, jest, test } from '@jest/globals';
import { Progress } from '../../src/cli/progress.ts';

function shown(stderrIsTTY: boolean): string[] {
  const clock = jest.spyOn(performance, 'now');
  const written: string[] = [];
  const stderr = { write: (text: string) => written.push(text), once: () => undefined };
  const at = (time: number, step: () => void): void => {
    clock.mockReturnValue(time);
    step();
  };
  clock.mockReturnValue(0);
  const progress = new Progress({ stderr, stderrIsTTY });
  at(100, () => progress.show('too soon'));
  at(100, () => progress.clear());
  at(250, () => progress.show('1 of 2'));
  at(300, () => progress.show('too soon again'));
  at(500, () => progress.show('2 of 2'));
  at(500, () => progress.clear());
  at(500, () => progress.clear());
  clock.mockRestore();
  return written;
}

test('on a terminal: one line that is written over, and taken away in the end', () => {
  expect(shown(true)).toEqual(['\r\u001b[K1 of 2', '\r\u001b[K2 of 2', '\r\u001b[K']);
});

test('elsewhere: nothing', () => {
  expect(shown(false)).toEqual([]);
});
