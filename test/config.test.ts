import { Command } from 'commander';
import { describe, expect, test } from '@jest/globals';
import { addServeOptions, configOf, type Config } from '../src/config.ts';

/** The configuration that flags make. @throws CommanderError if one of them is refused */
function parsed(...flags: string[]): Config {
  const command = addServeOptions(new Command('serve'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return configOf(command.parse(flags, { from: 'user' }));
}

describe('what stands in every webhook entry is refused if the API server would refuse it there', () => {
  test.each([
    ['--exclude-namespace=web app', '"web app" is no name of a namespace'],
    ['--exclude-namespace=good,Bad', '"Bad" is no name of a namespace'],
    [`--exclude-namespace=${'n'.repeat(64)}`, 'is no name of a namespace'],
    ['--service-port=0', 'must be a port from 1 to 65535'],
    ['--service-port=65536', 'not a port number'],
    ['--webhook-url=http://operator.example.com', 'must be an https URL'],
    ['--webhook-url=https://me:pw@operator.example.com', 'must be without user, query and fragment'],
    ['--webhook-url=https://operator.example.com?a=b', 'must be without user, query and fragment'],
    ['--webhook-url=https://operator.example.com#a', 'must be without user, query and fragment'],
  ])('%s', (flag, message) => {
    expect(() => parsed(flag)).toThrow(message);
  });
});

test('what it takes', () => {
  expect(parsed('--exclude-namespace=a,b-1', '--exclude-namespace=c')).toMatchObject({
    excludedNamespaces: ['a', 'b-1', 'c'],
    address: { service: { namespace: 'readiness-operator', name: 'readiness-operator', port: 443 } },
  });
  expect(parsed('--webhook-url=https://127.0.0.1:9443/', '--listen=:0')).toMatchObject({
    address: { url: 'https://127.0.0.1:9443' },
    listen: { host: '', port: 0 },
  });
});
