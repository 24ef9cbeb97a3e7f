import { afterAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeImage } from './oci.ts';

const folder = mkdtempSync(join(tmpdir(), 'readiness-oci-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entries = [
  { path: 'usr/bin/tool', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
  { path: 'tmp', mode: 0o1777 },
];
const config = { Entrypoint: ['/usr/bin/tool'], User: '1:1' };

test('tar reads the archive and the layer, and every digest is right', async () => {
  const archive = join(folder, 'image.tar');
  expect(await writeImage(archive, 'example.com/tool:1', entries, config)).toBe(10);
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  const json = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));
  const blob = (digest: string) => join('blobs', digest.replace(':', '/'));
  const [manifest] = json('index.json').manifests;
  expect(manifest.annotations['io.containerd.image.name']).toBe('example.com/tool:1');
  const { config: ofConfig, layers } = json(blob(manifest.digest));
  for (const { digest, size } of [manifest, ofConfig, layers[0]]) {
    const path = join(folder, blob(digest));
    expect(statSync(path).size).toBe(size);
    expect(`sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`).toBe(digest);
  }
  expect(json(blob(ofConfig.digest))).toMatchObject({ config, rootfs: { diff_ids: [layers[0].digest] } });
  const listed = execFileSync('tar', ['--numeric-owner', '-tvf', join(folder, blob(layers[0].digest))], {
    encoding: 'utf8',
  });
  expect(listed.split('\n').map((line) => [line.slice(0, 10), line.split(' ').at(-1)])).toEqual([
    ['drwxrwxrwt', 'tmp/'],
    ['drwxr-xr-x', 'usr/'],
    ['drwxr-xr-x', 'usr/bin/'],
    ['-rwxr-xr-x', 'usr/bin/tool'],
    ['', ''],
  ]);
});

test('the same files in another order give the same bytes', async () => {
  const one = join(folder, 'one.tar');
  const other = join(folder, 'other.tar');
  await writeImage(one, 'example.com/tool:1', entries, config);
  await writeImage(other, 'example.com/tool:1', entries.toReversed(), config);
  expect(readFileSync(other).equals(readFileSync(one))).toBe(true);
});
