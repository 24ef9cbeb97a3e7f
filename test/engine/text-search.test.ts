import { expect, test } from '@jest/globals';
import { credentialIn } from '../../src/engine/credentials.ts';
import { TextSearch, textSearchOf } from '../../src/engine/text-search.ts';
import { workloadOf } from '../support/workloads.ts';

const TOKEN = `ghp_${'FAKE'.repeat(9)}`;

test('a text is told of alike, read anew or looked up', () => {
  const texts = new TextSearch();
  const long = `${'x '.repeat(100)}${TOKEN}`;
  for (let time = 0; time < 1200; time++) {
    expect(texts.credentialIn(TOKEN)).toBe(credentialIn(TOKEN));
    expect(texts.credentialIn(long)).toBe('a GitHub token');
    expect(texts.credentialIn('harmless')).toBeUndefined();
    expect(texts.literalsIn('DB_PASSWORD=hunter2\nNAME=web', 'config')).toEqual(['DB_PASSWORD']);
    // A word without quotes is a value in one syntax and none in another.
    expect(texts.literalsIn('DB_PASSWORD: hunter2', 'config')).toEqual(['DB_PASSWORD']);
    expect(texts.literalsIn('DB_PASSWORD: hunter2', 'shell')).toEqual([]);
    expect(texts.placeholdersIn('{"db": {"password": "changeme"}}')).toEqual(['password']);
  }
});

test('a value is judged under its own name', () => {
  const texts = new TextSearch();
  const value = 'Z'.repeat(70);
  for (let time = 0; time < 2; time++) {
    expect(texts.isLiteral('DB_PASSWORD', value)).toBe(true);
    expect(texts.isLiteral('COLOUR', value)).toBe(false);
    // Together they read the same as the next two.
    expect(texts.isLiteral('X', `_PASSWORD=${value}`)).toBe(false);
    expect(texts.isLiteral('X_PASSWORD', `=${value}`)).toBe(true);
  }
});

test('the policies that judge one workload share it, and no others do', () => {
  const one = workloadOf('Pod', {});
  expect(textSearchOf(one)).toBe(textSearchOf(one));
  expect(textSearchOf(one)).not.toBe(textSearchOf(workloadOf('Pod', {})));
});
