/**
 * The operator's image, without a container engine: `npm run image [-- <archive.tar>]` writes an OCI archive, and
 * `node scripts/image.ts --rootfs <folder>` its files alone, which the Dockerfile takes.
 *
 * In the image are Node, the libraries that it is linked to, and the bundle: no shell, no package manager.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { currentBuild } from './build/builds.js';
import { writeImage, type ImageConfig, type ImageEntry } from '../test/cluster/oci.ts';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** The image's name in an archive. The tag is the chart's default; the host is nobody's. */
export const IMAGE_NAME = `readiness-operator.invalid/readiness-operator:${version}`;

/**
 * How it starts; the Dockerfile says the same.
 *
 * Five settings keep a replica small: the heap grows by a fifth at a time; what is new gets 4 MiB twice instead of 16 (2
 * cost a tenth more processor time for each request); the operator may collect garbage when nobody asks (src/rest.ts);
 * there is no code of Sparkplug, V8's compiler between interpreter and optimisers, which saves 3 MiB and costs no time that
 * could be measured; and the C library keeps two pools of freed memory instead of eight for each processor, since hardly
 * anything but V8's heap and buffers is allocated. Not `--memory-saver-mode`, 2 MiB less but 10 to 25 % more processor time
 * for each request, because compiled code is thrown away again and again; nor `--optimize-for-size`, 40 % more.
 */
export const IMAGE_CONFIG = {
  Entrypoint: [
    '/usr/bin/node',
    '--heap-growing-percent=20',
    '--max-semi-space-size=4',
    '--expose-gc',
    '--no-sparkplug',
    '/app/bin/readiness-operator.js',
  ],
  Cmd: ['serve'],
  User: '65532:65532',
  Env: ['NODE_ENV=production', 'MALLOC_ARENA_MAX=2'],
  WorkingDir: '/app',
  Labels: {
    'org.opencontainers.image.title': 'readiness-operator',
    'org.opencontainers.image.description': 'Keeps workloads that are not ready for production out of production',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.version': version,
  },
} satisfies ImageConfig;

/**
 * The files of the image. Linux only.
 *
 * @throws Error if the bundle is not built
 */
export function imageEntries(): ImageEntry[] {
  const file = (path: string, source: string, mode = 0o644) => ({ path, mode, content: readFileSync(source) });
  const text = (path: string, content: string) => ({ path, mode: 0o644, content: Buffer.from(content) });
  const node = realpathSync(process.execPath);
  const build = currentBuild(DIST);
  if (build === undefined) throw new Error('the bundle is not built; run: npm run build');
  const bundle = readdirSync(build, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => file(`app/dist/${relative(build, path)}`, path));
  return [
    { path: 'usr/bin/node', mode: 0o755, content: withoutDebugging(readFileSync(node)) },
    ...libraries(node).map((path) => file(path.slice(1), realpathSync(path), 0o755)),
    file('app/bin/readiness-operator.js', join(ROOT, 'bin/readiness-operator.js'), 0o755),
    file('app/LICENSE', join(ROOT, 'LICENSE')),
    // Without it, Node takes the bundle for CommonJS first.
    text('app/package.json', `${JSON.stringify({ name: 'readiness-operator', version, type: 'module' })}\n`),
    ...bundle,
    text('etc/passwd', 'nonroot:x:65532:65532::/app:/nonexistent\n'),
    text('etc/group', 'nonroot:x:65532:\n'),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { path: 'tmp', mode: 0o1777 },
  ];
}

/** The libraries that a program is linked to, its loader included, by the paths where it looks for them. */
function libraries(program: string): string[] {
  const said = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...said.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path).toSorted();
}

/**
 * An ELF program cut after the last byte that is loaded: symbols and debugging information, a quarter of Node, are behind
 * it. Anything but a 64-bit little-endian ELF comes back as it is.
 */
function withoutDebugging(program: Buffer): Buffer {
  const elf64 = program.readUInt32BE(0) === 0x7f454c46 && program[4] === 2 && program[5] === 1;
  if (!elf64) return program;
  const table = Number(program.readBigUInt64LE(0x20));
  const size = program.readUInt16LE(0x36);
  const count = program.readUInt16LE(0x38);
  let end = table + size * count;
  for (let at = table; at < table + size * count; at += size) {
    end = Math.max(end, Number(program.readBigUInt64LE(at + 8) + program.readBigUInt64LE(at + 0x20)));
  }
  const cut = Buffer.from(program.subarray(0, end));
  // No section headers any more: their offset, number and the index of their names.
  cut.writeBigUInt64LE(0n, 0x28);
  cut.writeUInt16LE(0, 0x3c);
  cut.writeUInt16LE(0, 0x3e);
  return cut;
}

if (import.meta.main) {
  const [first, folder] = process.argv.slice(2);
  if (first === '--rootfs' && folder !== undefined) {
    for (const { path, mode, content } of imageEntries()) {
      const target = join(folder, path);
      mkdirSync(content === undefined ? target : dirname(target), { recursive: true });
      if (content !== undefined) writeFileSync(target, content);
      chmodSync(target, mode);
    }
  } else {
    const archive = first ?? join(DIST, 'image.tar');
    const bytes = await writeImage(archive, IMAGE_NAME, imageEntries(), IMAGE_CONFIG);
    console.log(`${archive}: ${IMAGE_NAME}, ${(bytes / 1e6).toFixed(1)} MB unpacked`);
  }
}
