import { describe, expect, test } from '@jest/globals';
import { assignmentsIn, settingsIn, type Syntax } from '../../src/engine/settings.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

const pairs = (text: string, syntax: Syntax): string[] =>
  settingsIn(text, syntax).map(({ name, value }) => `${name}=${value}`);

describe('a bare word behind a name', () => {
  test.each<[Syntax, string, string[]]>([
    ['config', 'password: word', ['password=word']],
    ['config', '{ password: word }', ['password=word']],
    ['shell', 'password: word', []],
    ['shell', 'password=word', ['password=word', 'password=word']],
    ['code', 'password: word', []],
    ['code', 'connect({ password: word })', []],
    ['code', 'connect({ "password": "word" })', ['password=word']],
  ])('in %s: %j', (syntax, text, expected) => {
    expect(pairs(text, syntax)).toEqual(expected);
  });
});

test('a name that says nothing is not read', () => {
  expect(pairs('{"user": "shop", "port": 5432}\nhost=db\n--verbose yes\n', 'config')).toEqual([]);
});

test('a comment is no setting', () => {
  expect(pairs('# password: word\n; password = word\n// password: word\n', 'config')).toEqual([]);
});

test('a here-document is a configuration until its end', () => {
  expect(pairs('cat <<EOF\npassword: word\nEOF\ntoken: word', 'shell')).toEqual(['password=word']);
});

test('a value may stand on the next line', () => {
  expect(pairs('password: |\n  word\nuser: shop', 'config')).toEqual(['password=word']);
  expect(pairs('- name: DB_PASSWORD\n  value: word', 'config')).toEqual(['DB_PASSWORD=word']);
  expect(pairs('- name: DB_PASSWORD\n  valueFrom: word', 'config')).toEqual([]);
});

test('a text for people is no value', () => {
  expect(pairs('{"password": "Password", "token": "Token"}', 'config')).toEqual([]);
});

test('what a value holds is not looked at again', () => {
  expect(assignmentsIn('token=password=word')).toEqual([{ name: 'token', value: 'password=word' }]);
  expect(assignmentsIn('--set=auth.token=word')).toEqual([{ name: 'auth.token', value: 'word' }]);
});

// Each repeats a name, the start of some pattern, or a part of it that could be matched in many ways.
const hostile = [
  'a', ' ', '\n', '=', ':', 'a=', 'key=', 'password=', 'password: ', '"password":', '"password":"x",', '{password: ', ',a: ',
  'name: password, value: ', 'name=', '<password>', '<password>x</', '\\"', '"a', '--password ', '-p ', '?token=', "token='",
  '<<EOF\n', '<<', 'echo "a: ', '"a: b" ', '\n\t- ', 'password: |\n', 'name: password\n', 'x password=', 'aA', 'a_1', 'A a',
]; // prettier-ignore

test.each(hostile)('of many %j takes linear time', (unit) => {
  const text = (size: number): string => unit.repeat(Math.ceil(size / unit.length));
  for (const syntax of ['config', 'shell'] as const) {
    expect(slowdown(text, (one) => settingsIn(one, syntax), 500)).toBeLessThan(LINEAR);
  }
});
