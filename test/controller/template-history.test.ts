import { expect, test } from '@jest/globals';
import { TemplateHistory } from '../../src/controller/template-history.ts';

const WEB = 'Deployment/shop/web';

test('newest first, each once, ten at most', () => {
  const history = new TemplateHistory();
  expect(history.of(WEB, 'uid', ['a', 'b'])).toEqual(['a', 'b']);
  for (const hash of ['c', 'd', 'b']) history.saw(WEB, 'uid', hash);
  expect(history.of(WEB, 'uid', ['a', 'b'])).toEqual(['b', 'd', 'c', 'a']);
  expect(history.of(WEB, 'uid', ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'])).toEqual([
    'b',
    'd',
    'c',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '7',
  ]);
});

test('the same template seen again is nothing new', () => {
  const history = new TemplateHistory();
  history.saw(WEB, 'uid', 'a');
  history.saw(WEB, 'uid', 'a');
  expect(history.of(WEB, 'uid', ['a', 'b'])).toEqual(['a', 'b']);
});

test('what comes under the same name later has run nothing', () => {
  const history = new TemplateHistory();
  history.saw(WEB, 'uid', 'a');
  history.saw(WEB, 'other', 'b');
  expect(history.of(WEB, 'other', [])).toEqual(['b']);
  expect(history.of(WEB, 'uid', [])).toEqual([]);
});

test('what the report says need not be kept', () => {
  const history = new TemplateHistory();
  history.saw(WEB, 'uid', 'a');
  history.forget(WEB);
  expect(history.of(WEB, 'uid', [])).toEqual([]);
});
