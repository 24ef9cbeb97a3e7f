import { expect, test } from '@jest/globals';
import { remembering } from '../../src/engine/remember.ts';

function counted(most?: number): { readonly ask: (text: string) => number | undefined; readonly asked: string[] } {
  const asked: string[] = [];
  const compute = (text: string): number | undefined => {
    asked.push(text);
    return text === '' ? undefined : text.length;
  };
  return { ask: remembering(compute, most), asked };
}

test('a text is worked out once, and one without an answer too', () => {
  const { ask, asked } = counted();
  expect([ask('ab'), ask(''), ask('ab'), ask(''), ask('abc')]).toEqual([2, undefined, 2, undefined, 3]);
  expect(asked).toEqual(['ab', '', 'abc']);
});

test('no more answers are kept than that', () => {
  const { ask, asked } = counted(2);
  for (const text of ['a', 'b', 'a', 'c', 'a', 'c']) ask(text);
  expect(asked).toEqual(['a', 'b', 'c', 'a']);
});

test('long texts are not kept', () => {
  const { ask, asked } = counted();
  const [short, long] = ['x'.repeat(128), 'x'.repeat(129)];
  for (const text of [short, short, long, long]) expect(ask(text)).toBe(text.length);
  expect(asked).toEqual([short, long, long]);
});
