import { afterEach, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';
import { modules, SUPPORTED, thisPlatform } from './catalog.ts';
import { withLock } from './lock.ts';

const execFileAsync = promisify(execFile);

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'readiness-binaries-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A release site on loopback. Files are by path; `'silence'` never answers, as a network that drops packets. */
async function releaseSite(
  files: Record<string, string | Buffer> | 'silence',
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    if (files === 'silence') return;
    const file = files[path];
    // Late enough that whoever asks at the same time is still there.
    setTimeout(() => response.writeHead(file === undefined ? 404 : 200).end(file), 300);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** The files of a site that publishes one program; `published` is what its checksum is of, where that is another text. */
function release(
  module: 'kubernetes' | 'etcd',
  program: 'kubectl' | 'etcd',
  content: string | Buffer,
  published = content,
) {
  const file = modules().find(({ name }) => name === module)!.remote!(program, thisPlatform());
  const path = (url: string) => new URL(url).pathname.replace(/^\/(release|etcd-io\/etcd\/releases\/download)/, '');
  const hash = createHash('sha256').update(published).digest('hex');
  return { [path(file.url)]: content, [path(file.checksumUrl)]: `${hash}  ${basename(file.url)}\n` };
}

/** Runs `main.ts binaries` as a process of its own, with an empty cache, no site within reach and no Go unless told. */
async function binaries(names: string[], settings: Record<string, string>) {
  // What a test does not get from its site must fail at once, and not be built for minutes.
  const noGo = await temporaryFolder();
  await writeFile(join(noGo, 'go'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const env: Record<string, string> = {
    PATH: [noGo, process.env['PATH']].join(delimiter),
    HOME: await temporaryFolder(),
    READINESS_CACHE: await temporaryFolder(),
    READINESS_KUBERNETES_URL: 'http://127.0.0.1:1',
    READINESS_ETCD_URL: 'http://127.0.0.1:1',
    READINESS_HELM_URL: 'http://127.0.0.1:1',
    READINESS_KUBERNETES: process.env['READINESS_KUBERNETES'] ?? '',
    ...settings,
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'binaries', ...names], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  const paths = Object.fromEntries(
    stdout.split('\n').map((line) => line.split(/ (.*)/).slice(0, 2) as [string, string]),
  );
  return { code, stderr, paths };
}

describe('binaries', () => {
  test('a download with another checksum is refused and leaves nothing behind', async () => {
    const site = await releaseSite(release('kubernetes', 'kubectl', 'tampered with', 'the original'));
    const cache = await temporaryFolder();
    const result = await binaries(['kubectl'], { READINESS_KUBERNETES_URL: site.url, READINESS_CACHE: cache });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/kubectl was refused: its SHA-256 is [0-9a-f]{64}, but .*\.sha256 says [0-9a-f]{64}/);
    const left = await readdir(cache, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))).toEqual([]);
  });

  test('two processes at once download once, and a third one finds it in the cache', async () => {
    const folder = await temporaryFolder();
    const etcd = modules().find(({ name }) => name === 'etcd')!;
    const member = etcd.remote!('etcd', thisPlatform()).member!;
    await mkdir(join(folder, member, '..'), { recursive: true });
    await writeFile(join(folder, member), 'an etcd', { mode: 0o755 });
    const archive = join(folder, 'archive');
    await execFileAsync('tar', ['-czf', archive, '-C', folder, member]);
    const site = await releaseSite({
      ...release('kubernetes', 'kubectl', 'a kubectl'),
      ...release('etcd', 'etcd', await readFile(archive)),
    });
    const settings = {
      READINESS_KUBERNETES_URL: site.url,
      READINESS_ETCD_URL: site.url,
      READINESS_CACHE: await temporaryFolder(),
    };
    const [first, second] = await Promise.all([
      binaries(['etcd', 'kubectl'], settings),
      binaries(['etcd', 'kubectl'], settings),
    ]);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.paths).toEqual(second.paths);
    expect(await readFile(first.paths['etcd']!, 'utf8')).toBe('an etcd');
    expect(await readFile(first.paths['kubectl']!, 'utf8')).toBe('a kubectl');
    const downloads = site.asked.filter((path) => !/sha256/i.test(path));
    expect(downloads).toHaveLength(2);
    const asked = site.asked.length;
    expect((await binaries(['etcd', 'kubectl'], settings)).paths).toEqual(first.paths);
    expect(site.asked).toHaveLength(asked);
  });

  test('without a network and without Go it gives up and says what to do', async () => {
    const { url } = await releaseSite('silence');
    const result = await binaries([], {
      PATH: await temporaryFolder(),
      READINESS_KUBERNETES_URL: url,
      READINESS_ETCD_URL: url,
      READINESS_HELM_URL: url,
    });
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      /Go 1\.\d+[.\d]* or newer is needed to build .*KUBEBUILDER_ASSETS.*no go on the PATH/,
    );
  });

  test('KUBEBUILDER_ASSETS comes first, and what it lacks comes from the other sources', async () => {
    const assets = await temporaryFolder();
    await writeFile(join(assets, 'etcd'), '');
    await chmod(join(assets, 'etcd'), 0o755);
    const { url } = await releaseSite(release('kubernetes', 'kubectl', 'a kubectl'));
    const settings = { KUBEBUILDER_ASSETS: assets, READINESS_KUBERNETES_URL: url };
    const { paths } = await binaries(['etcd', 'kubectl'], settings);
    expect(paths['etcd']).toBe(join(assets, 'etcd'));
    expect(await readFile(paths['kubectl']!, 'utf8')).toBe('a kubectl');
  });

  test.each([...SUPPORTED, ''])('READINESS_KUBERNETES=%s: the programs are of that version', async (version) => {
    const site = await releaseSite({});
    await binaries(['kubectl'], { READINESS_KUBERNETES_URL: site.url, READINESS_KUBERNETES: version });
    expect(site.asked).toEqual([expect.stringContaining(`/v${version || SUPPORTED.at(-1)}.`)]);
  });

  test('a build takes the pins of the wanted version, and says before how much there is to compile', async () => {
    const folder = await temporaryFolder();
    const overlay = join(folder, 'overlay.json');
    // A Go that says what it is asked for, and keeps the overlay that it is given.
    const go = `#!/bin/sh
      case $1 in
        env) if [ "$2" = GOVERSION ]; then echo go1.99; else echo local; fi;;
        list) seq -f example.com/p%g 1200;;
        build) for word; do
          case $word in -overlay=*) cp "\${word#*=}" "${overlay}";; esac
          if [ "$last" = -o ]; then echo built >"$word"; chmod +x "$word"; fi
          last=$word
        done;;
      esac`;
    await writeFile(join(folder, 'go'), go, { mode: 0o755 });
    const [oldest = ''] = SUPPORTED;
    const PATH = [folder, process.env['PATH']].join(delimiter);
    const { paths, stderr } = await binaries(['kubectl'], { PATH, READINESS_KUBERNETES: oldest });
    expect(await readFile(paths['kubectl']!, 'utf8')).toBe('built\n');
    expect(stderr).toMatch(/: 1,200 packages to compile: about \d+ minutes if .*, and 1\.8 GB in Go's build cache/);
    const { Replace } = JSON.parse(await readFile(overlay, 'utf8')) as { Replace: Record<string, string> };
    const folders = join(import.meta.dirname, 'binaries');
    expect(Replace[join(folders, 'kubernetes/go.mod')]).toBe(join(folders, `kubernetes-${oldest}/go.mod`));
    // The newer of two neighbours with the same source has it.
    expect(Replace[join(folders, 'kubernetes/node_linux.go')]).toBe(join(folders, 'kubernetes-1.33/node_linux.go'));
  });

  test('READINESS_KUBERNETES=1.2: refused, and told what there is', async () => {
    const result = await binaries(['kubectl'], { READINESS_KUBERNETES: '1.2' });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`READINESS_KUBERNETES=1.2: the supported versions are ${SUPPORTED.join(', ')}`);
  });

  test('a lock is held by a live process only: kill -9 sets it free', async () => {
    const file = join(await temporaryFolder(), 'lock');
    const lock = JSON.stringify(join(import.meta.dirname, 'lock.ts'));
    const script = `import(${lock}).then(({ withLock }) => withLock(${JSON.stringify(file)}, 'x', () => {
      console.log('held');
      return new Promise(() => setInterval(() => {}, 2 ** 30));
    }))`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanups.push(() => holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    let mine = false;
    const lines: string[] = [];
    const taken = withLock(
      file,
      'x',
      async () => void (mine = true),
      (line) => lines.push(line),
    );
    await until('a try', () => mine || lines.length > 0);
    expect([mine, lines[0]]).toEqual([false, 'waiting for another process: x']);
    holder.kill('SIGKILL');
    await taken;
    expect(mine).toBe(true);
  });
});
