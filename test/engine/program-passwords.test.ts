import { expect, test } from '@jest/globals';
import { programPasswordIn, programPasswords } from '../../src/engine/program-passwords.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

test('each password of a command, with the word that holds it', () => {
  expect(programPasswords(['env', 'A=b', 'curl', '-u', 'a:S3cr3tPw', '-U', 'b:S3cr3tPw'])).toEqual([
    { index: 4, found: 'a password for curl' },
    { index: 6, found: 'a password for curl' },
  ]);
});

test.each([
  ['behind quotes', `mysql -p'S3cr3t Pw' shop`],
  ['on another line', 'set -e\nredis-cli \\\n  -a S3cr3tPw ping'],
  ['behind another command', 'sleep 1 && mysql -pS3cr3tPw'],
])('%s', (_, text) => {
  expect(programPasswordIn(text)).toMatch(/^a password for /);
});

test.each([
  ['as another program is given it', 'wait-for mysql -pS3cr3tPw'],
  ['behind another command', 'redis-cli ping; app -a S3cr3tPw'],
  ['what is put in', 'mysql -p"$(cat /run/pw)"'],
  ['an argument of the script', 'mysql -p$1 shop'],
  ['a placeholder in quotes', 'sshpass -p "changeme" ssh deploy@host'],
  ['a port', 'mongosh --host db -p 27017'],
  ['a proxy', 'curl -U http://Proxy1:3128 http://web'],
  ['the flag at the end', 'redis-cli -a'],
])('none: %s', (_, text) => {
  expect(programPasswordIn(text)).toBeUndefined();
});

const HOSTILE = ['redis-cli -a ', '"', "'", `"'`, 'timeout 5 ', 'A=b ', '\\', 'curl -u a:', 'mysql -p;', '; -', '('];
test.each(HOSTILE)('of many %j takes linear time', (unit) => {
  const text = (size: number): string => `${unit.repeat(Math.ceil(size / unit.length))} -`;
  expect(slowdown(text, programPasswordIn, 500)).toBeLessThan(LINEAR);
});
