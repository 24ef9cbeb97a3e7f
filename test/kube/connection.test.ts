/** In a pod, the connection is made of the ServiceAccount's files; a renewed token is taken. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { podConnection, type Connection } from '../../src/kube/connection.ts';
import { TestClock } from '../support/testClock.ts';

const POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

let folder: string;
let clock: TestClock;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'readiness-connection-'));
  clock = new TestClock();
  writeFileSync(join(folder, 'ca.crt'), 'authority');
  writeFileSync(join(folder, 'token'), 'first\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

const connect = (environment: Record<string, string> = POD) => podConnection(environment, clock, folder);

async function optionsOf(connection: Connection | undefined): Promise<RequestOptions> {
  const options: RequestOptions = { headers: { accept: 'application/json' } };
  await connection!.authenticate(options);
  return options;
}

test.each([
  ['10.96.0.1', 'https://10.96.0.1/'],
  ['fd00::1', 'https://[fd00::1]/'],
  ['kubernetes.default', 'https://kubernetes.default/'],
])('the API server at %s is reached by HTTPS, without a proxy', async (host, url) => {
  const connection = await connect({ ...POD, KUBERNETES_SERVICE_HOST: host });
  expect([connection?.server.href, connection?.proxied]).toEqual([url, false]);
});

test('authority and token are added to what a request has', async () => {
  const { ca, headers } = await optionsOf(await connect());
  expect(String(ca)).toBe('authority');
  expect(headers).toEqual({ accept: 'application/json', authorization: 'Bearer first' });
});

test('a renewed token is taken within a minute or so; until then the file is not read', async () => {
  const connection = await connect();
  writeFileSync(join(folder, 'token'), 'second');
  await clock.advance(60_000);
  expect((await optionsOf(connection)).headers).toMatchObject({ authorization: 'Bearer first' });
  await clock.advance(1);
  expect((await optionsOf(connection)).headers).toMatchObject({ authorization: 'Bearer second' });
});

test('a token file that is gone for a moment does not take the token away', async () => {
  const connection = await connect();
  rmSync(join(folder, 'token'));
  await clock.advance(120_000);
  expect((await optionsOf(connection)).headers).toMatchObject({ authorization: 'Bearer first' });
});

test('outside of a pod there is none', async () => {
  expect(await connect({})).toBeUndefined();
  rmSync(join(folder, 'token'));
  expect(await connect()).toBeUndefined();
});

test('a ServiceAccount without its authority is an error that names the file', async () => {
  rmSync(join(folder, 'ca.crt'));
  await expect(connect()).rejects.toThrow(/ca\.crt/);
});
