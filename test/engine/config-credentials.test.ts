import { describe, expect, test } from '@jest/globals';
import { configCredentialsOf, MOST_CREDENTIALS } from '../../src/engine/config-credentials.ts';

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
    ['DB_PASSWORD', 'changeme', []],
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
    'password: changeme',
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
    expect(found({ run: '#!/bin/sh\nPASSWORD=hunter2_variable\n' })).toEqual([]);
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

test('time grows with the text, not faster, whatever is in it', () => {
  // Each of these would take minutes if a pattern tried again at each place.
  for (const part of ['password=', 'a.', ' ', '"', 'password: "', '-----BEGIN ', '\t=', 'x=y;']) {
    expect(
      configCredentialsOf({ a: `${part.repeat(200_000 / part.length)}\n`, b: `${part}\n`.repeat(20_000) }).more,
    ).toBe(false);
  }
});
