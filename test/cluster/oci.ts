/**
 * Writes container images as OCI archives, without a container engine: one layer of given files. The same files give the
 * same bytes, wherever and whenever.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { thisPlatform } from './catalog.ts';

/** A file or a folder of an image. */
export interface ImageEntry {
  /** Path from the root, without a leading slash: `usr/bin/node`. Its folders come by themselves. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** What is in the file; absent: it is a folder. */
  readonly content?: Buffer;
}

/** How a container of the image starts: the fields of the OCI image configuration. */
export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User: string;
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

const BLOCK = 512;
const MEDIA = 'application/vnd.oci.image';

/**
 * Writes an archive that `ctr images import`, `kind load image-archive` and `skopeo` read.
 *
 * @param file path of the archive
 * @param name the image's name with its tag
 * @returns the bytes that the image has unpacked
 * @throws Error if a path is longer than 100 characters
 */
export async function writeImage(
  file: string,
  name: string,
  entries: readonly ImageEntry[],
  config: ImageConfig,
): Promise<number> {
  const layer = tar(withFolders(entries));
  const platform = { architecture: thisPlatform().arch, os: 'linux' };
  const blobs: ImageEntry[] = [];
  const blob = (content: Buffer) => {
    const digest = createHash('sha256').update(content).digest('hex');
    blobs.push({ path: `blobs/sha256/${digest}`, mode: 0o644, content });
    return { digest: `sha256:${digest}`, size: content.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const ofLayer = blob(layer);
  const ofConfig = blob(json({ ...platform, config, rootfs: { type: 'layers', diff_ids: [ofLayer.digest] } }));
  const ofManifest = blob(
    json({
      schemaVersion: 2,
      mediaType: `${MEDIA}.manifest.v1+json`,
      config: { mediaType: `${MEDIA}.config.v1+json`, ...ofConfig },
      layers: [{ mediaType: `${MEDIA}.layer.v1.tar`, ...ofLayer }],
    }),
  );
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: `${MEDIA}.manifest.v1+json`,
        ...ofManifest,
        platform,
        annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.split(':').at(-1) },
      },
    ],
  };
  const head = [
    { path: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', mode: 0o644, content: json(index) },
  ];
  await writeFile(file, tar([...head, ...blobs]));
  return entries.reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
}

/** Adds the folders of all entries and sorts them, each folder before what is in it. */
function withFolders(entries: readonly ImageEntry[]): ImageEntry[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      const folder = path.slice(0, slash);
      if (!all.has(folder)) all.set(folder, { path: folder, mode: 0o755 });
    }
  }
  return [...all.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** A tar archive (ustar) of entries that belong to root and are as old as time. */
function tar(entries: readonly ImageEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const { path, mode, content } of entries) {
    const name = content === undefined ? `${path}/` : path;
    if (Buffer.byteLength(name) > 100) throw new Error(`too long for a tar archive: ${name}`);
    const header = Buffer.alloc(BLOCK);
    const octal = (value: number, at: number, width: number) =>
      header.write(value.toString(8).padStart(width - 1, '0'), at);
    header.write(name, 0);
    octal(mode, 100, 8);
    octal(0, 108, 8);
    octal(0, 116, 8);
    octal(content?.length ?? 0, 124, 12);
    octal(0, 136, 12);
    header.write(' '.repeat(8), 148);
    header.write(content === undefined ? '5' : '0', 156);
    header.write('ustar\u000000', 257);
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      148,
      7,
    );
    parts.push(header);
    if (content !== undefined) parts.push(content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
