import { describe, expect, test } from '@jest/globals';
import { configCredentialsOf, MOST_CREDENTIALS } from '../../src/engine/config-credentials.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

/** What is found, as `key (setting): what`. */
function found(data: Record<string, unknown> | null | undefined): string[] {
  return configCredentialsOf(data).found.map(
    ({ key, setting, what }) => `${key}${setting === undefined ? '' : ` (${setting})`}: ${what}`,
  );
}
const LITERAL = 'a literal credential';

describe('a value', () => {
  test.each<[string, string, string[]]>([
    ['DB_PASSWORD', 'hunter2-FAKE', [`DB_PASSWORD: ${LITERAL}`]],
    ['DB_PASSWORD', 'changeme', ['DB_PASSWORD: a placeholder']],
    ['DB_HOST', 'changeme', []],
    ['DB_PASSWORD', '$(OTHER)', []],
    ['USER', 'hunter2-FAKE', []],
    ['ANY', 'redis://:FAKE-pass@cache:6379', ['ANY: a URL with a password']],
  ])('%s=%s', (key, value, expected) => {
    expect(found({ [key]: value })).toEqual(expected);
  });
});

describe('a line of a file', () => {
  const line = (text: string, key = 'file.conf'): string[] => found({ [key]: `first\n${text}\n` });
  test.each<[string, string, string | undefined]>([
    ['password=hunter2-FAKE', 'password', LITERAL],
    ['password = hunter2-FAKE', 'password', LITERAL],
    ['  password: hunter2-FAKE', 'password', LITERAL],
    ['\tdb.password: "hunter2 FAKE"', 'db.password', LITERAL],
    ["password: 'hunter2-FAKE' # a comment", 'password', LITERAL],
    ['"password": "hunter2-FAKE",', 'password', LITERAL],
    ['password => "hunter2-FAKE"', 'password', LITERAL],
    ['export API_KEY=hunter2-FAKE', 'API_KEY', LITERAL],
    ['password: hunter2-FAKE\r', 'password', LITERAL],
    ['password: changeme', 'password', 'a placeholder'],
    ['{"db": {"password": "hunter2-FAKE"}}', 'password', LITERAL],
    ['url: https://a:FAKE-b@c', 'url', 'a URL with a password'],
    ['dsn = Server=db;Password=FAKE-b', 'dsn', 'a connection string with a password'],
  ])('%j is one', (text, setting, what) => {
    expect(line(text)).toEqual([`file.conf (${setting}): ${what}`]);
  });

  test.each([
    '# password: hunter2-FAKE',
    '; password = hunter2-FAKE',
    '// password = hunter2-FAKE',
    'password:',
    'password: ""',
    'password: ${DB_PASSWORD}',
    'password: "prefix-${DB_PASSWORD}"',
    'password: {{ .Values.password }}',
    'password: /run/secrets/password',
    'user: changeme',
    'password: <secret>',
    'password = read_password()',
    'password = words of a sentence',
    'token: $TOKEN',
    'user: hunter2-FAKE',
    'the password is: hunter2-FAKE',
  ])('%j is none', (text) => {
    expect(line(text)).toEqual([]);
  });

  test('in code a bare word is a variable, and a quoted one is a literal', () => {
    expect(line('password = hunter2_variable', 'run.py')).toEqual([]);
    expect(line('password = "hunter2-FAKE"', 'run.py')).toEqual([`run.py (password): ${LITERAL}`]);
    expect(found({ run: '#!/usr/bin/python3\npassword=hunter2_variable\n' })).toEqual([]);
  });

  test('for a shell a bare word is a literal, and what it puts together is none', () => {
    expect(found({ run: '#!/bin/sh\nPASSWORD=hunter2-FAKE\n' })).toEqual([`run (PASSWORD): ${LITERAL}`]);
    expect(line('PASSWORD=$1', 'run.sh')).toEqual([]);
    expect(line('PASSWORD="$(cat /run/password)"', 'run.sh')).toEqual([]);
  });

  test('a format counts wherever it stands', () => {
    const token = `ghp_${'FAKE'.repeat(9)}`;
    expect(line(`# ${token}`)).toEqual(['file.conf: a GitHub token']);
    expect(line(`curl -H "Authorization: ${token}"`, 'run.sh')).toEqual(['run.sh: a GitHub token']);
  });
});

test('the same setting twice is told once', () => {
  expect(found({ 'a.ini': '[a]\npassword=hunter2-FAKE\n[b]\npassword=hunter3-FAKE\n' })).toEqual([
    `a.ini (password): ${LITERAL}`,
  ]);
});

test('what is no text is left out', () => {
  expect(found({ a: 1, b: null, c: { password: 'hunter2-FAKE' } })).toEqual([]);
  expect(found(null)).toEqual([]);
  expect(found(undefined)).toEqual([]);
});

test('is bounded, and says so', () => {
  const many = (count: number): string =>
    Array.from({ length: count }, (_, index) => `s${index}.password=hunter2-FAKE\n`).join('');
  expect(configCredentialsOf({ a: many(MOST_CREDENTIALS) })).toMatchObject({ more: false });
  const { found: kept, more } = configCredentialsOf({ a: many(MOST_CREDENTIALS + 1) });
  expect([kept.length, more]).toEqual([MOST_CREDENTIALS, true]);
});

test('never a value', () => {
  const data = { PASSWORD: 'hunter2-FAKE', 'a.yaml': 'a: 1\npassword: hunter2-FAKE\n' };
  expect(JSON.stringify(configCredentialsOf(data))).not.toContain('hunter2');
});

// Each of these would take minutes if a pattern tried again at each place.
test.each([
  'password=',
  'a.',
  ' ',
  '"',
  'password: "',
  '-----BEGIN ',
  '\t=',
  'x=y;',
  '{a: ',
  '"password":',
  '<password>',
])('time grows with a text of many %j, not faster, in a line or in many', (part) => {
  const texts = (size: number) => ({
    a: `${part.repeat(Math.ceil(size / part.length))}\n`,
    b: `${part}\n`.repeat(Math.ceil(size / part.length)),
  });
  expect(slowdown(texts, configCredentialsOf, 1000)).toBeLessThan(LINEAR);
});
