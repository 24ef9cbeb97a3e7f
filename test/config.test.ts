import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { addServeOptions, configOf, type Config } from '../src/config.ts';
import { Authority } from './cluster/pki.ts';

/** The configuration that flags make. @throws CommanderError if one of them is refused */
function parsed(...flags: string[]): Config {
  const command = addServeOptions(new Command('serve'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return configOf(command.parse(flags, { from: 'user' }));
}

const names = (count: number): string => Array.from({ length: count }, (_, index) => `n${index}`).join(',');

describe('what stands in every webhook entry is refused if the API server would refuse it there', () => {
  test.each(
    [
      ['--exclude-namespace=web app', '"web app" is no name of a namespace'],
      ['--exclude-namespace=good,Bad', '"Bad" is no name of a namespace'],
      [`--exclude-namespace=${'n'.repeat(64)}`, 'is no name of a namespace'],
      [`--exclude-namespace=${names(257)}`, '257 names; at most 256 can be excluded'],
      [`--exclude-user=${names(257)}`, '257 names; at most 256 can be excluded'],
      [`--exclude-user=${'n'.repeat(254)}`, 'a name has 254 characters; at most 253 are possible'],
      [`--exclude-user=${'"'.repeat(127)}`, 'a name has 254 characters; at most 253 are possible'],
      ['--service-port=0', 'must be a port from 1 to 65535'],
      ['--service-port=65536', 'not a port number'],
      ['--webhook-url=http://operator.example.com', 'must be an https URL'],
      ['--webhook-url=https://me:pw@operator.example.com', 'must be without user, query and fragment'],
      ['--webhook-url=https://operator.example.com?a=b', 'must be without user, query and fragment'],
      ['--webhook-url=https://operator.example.com#a', 'must be without user, query and fragment'],
    ].map(([flag = '', message = '']) => [flag.slice(0, 60), flag, message] as const),
  )('%s', (_, flag, message) => {
    expect(() => parsed(flag)).toThrow(message);
    expect(() => parsed(flag)).toThrow(flag.slice(0, flag.indexOf('=')));
  });

  test('also where a flag is given more than once', () => {
    expect(() => parsed(`--exclude-user=${names(200)}`, `--exclude-user=${names(57)}`)).toThrow('257 names');
  });
});

test('what it takes', () => {
  expect(parsed('--exclude-namespace=a,b-1', '--exclude-namespace=c')).toMatchObject({
    excludedNamespaces: ['a', 'b-1', 'c'],
    address: { service: { namespace: 'readiness-operator', name: 'readiness-operator', port: 443 } },
  });
  expect(parsed(`--exclude-user=${names(256)}`).excludedUsers).toHaveLength(256);
  expect(parsed('--webhook-url=https://127.0.0.1:9443/', '--listen=:0')).toMatchObject({
    address: { url: 'https://127.0.0.1:9443' },
    listen: { host: '', port: 0 },
  });
});

test('whose client certificates are good is refused at the start if it says nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'readiness-config-'));
  try {
    const [good, bad] = [join(folder, 'ca.crt'), join(folder, 'empty.crt')];
    const { certificate } = await Authority.create('clients');
    writeFileSync(good, certificate);
    writeFileSync(bad, 'no certificate');
    expect(parsed().clients).toBeUndefined();
    expect(parsed(`--client-ca-file=${good}`, '--client-allowed-names=a,b').clients).toMatchObject({
      authorities: certificate,
    });
    expect(() => parsed(`--client-ca-file=${bad}`)).toThrow('holds no PEM certificate');
    expect(() => parsed(`--client-ca-file=${folder}/missing`)).toThrow('ENOENT');
    expect(() => parsed('--client-allowed-names=a')).toThrow('--client-allowed-names needs --client-ca-file');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
