/** Finds, fetches or builds the programs that the test bed runs. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from './build.ts';
import { modules, thisPlatform, type Module, type ProgramName, type RemoteFile } from './catalog.ts';
import { download, publishedChecksum, Unavailable } from './download.ts';
import { withLock } from './lock.ts';
import { step, streamLog, type Log } from './log.ts';

export { programNames, type ProgramName } from './catalog.ts';

const execFileAsync = promisify(execFile);

/**
 * Provides programs of the test bed, each from the first source that has it; those of Kubernetes in the version that
 * READINESS_KUBERNETES names, such as `1.32`, or else the newest that we support:
 *
 * 1. the folder KUBEBUILDER_ASSETS, if set;
 * 2. the cache: READINESS_CACHE if set, else `readiness-operator` in the user's cache folder (XDG_CACHE_HOME or
 *    ~/.cache), so that a second clone finds it warm, else `.cache/bin` of this repository; by version and platform;
 * 3. the official download, checked against its SHA-256. READINESS_KUBERNETES_URL, READINESS_ETCD_URL and
 *    READINESS_HELM_URL name mirrors of the release sites; READINESS_DOWNLOAD=off skips this source;
 * 4. a build from the pinned Go modules.
 *
 * What 3 and 4 bring goes to the cache. Any number of processes may call this at once: one fetches, the others wait.
 *
 * @param names the programs wanted
 * @param options.log where to tell of steps that take time; standard error unless told
 * @returns the absolute path of each
 * @throws Error if one cannot be had, with what to do about it: a missing program is never passed over
 */
export async function ensureBinaries<Name extends ProgramName>(
  names: readonly Name[],
  options: { log?: Log } = {},
): Promise<Record<Name, string>> {
  const log = options.log ?? streamLog();
  const found = new Map<ProgramName, string>();
  await fromAssets(names, found);
  const lacking = modules().filter((module) =>
    names.some((name) => !found.has(name) && module.programs.includes(name)),
  );
  if (lacking.length > 0) {
    const cache = await cacheFolder();
    const places = lacking.map((module) => new Place(module, cache));
    const wanted = (place: Place) =>
      place.module.programs.filter((name) => names.some((n) => n === name) && !found.has(name));
    for (const place of places) await place.look(wanted(place), found);
    const empty = places.filter((place) => wanted(place).length > 0);
    // All sites are asked at once, so that a machine without a network finds out in seconds and not in a multiple of that.
    const offers = await Promise.all(empty.map((place) => probe(place.module, wanted(place))));
    for (const [index, place] of empty.entries()) {
      await withLock(
        place.lock,
        `${place.module.name} ${place.module.version}`,
        (alone) => place.fill(wanted(place), found, offers[index], alone, log),
        log,
      );
    }
  }
  const lost = names.filter((name) => !found.has(name));
  if (lost.length > 0) throw new Error(`no source of ${lost.join(', ')} left an executable file`);
  return Object.fromEntries(found) as Record<Name, string>;
}

/** What the official site of a module said: the checksum of one of its programs, or why there is none to be had. */
type Offer = { program: ProgramName; checksum: string } | { reason: string };

async function probe(module: Module, wanted: ProgramName[]): Promise<Offer> {
  if (process.env['READINESS_DOWNLOAD'] === 'off') return { reason: 'READINESS_DOWNLOAD=off' };
  const [program] = wanted;
  if (program === undefined) return { reason: 'nothing is wanted' };
  if (module.remote === undefined) return { reason: 'it is built in any case' };
  try {
    return { program, checksum: await publishedChecksum(module.remote(program, thisPlatform())) };
  } catch (error) {
    if (error instanceof Unavailable) return { reason: error.message };
    throw error;
  }
}

/** A module's folder in the cache. What is in it under a program's name is complete. */
class Place {
  readonly module: Module;
  readonly folder: string;
  readonly lock: string;

  constructor(module: Module, cache: string) {
    this.module = module;
    const { os, arch } = thisPlatform();
    this.folder = join(cache, `${module.name}-${module.version}-${os}-${arch}-${module.fingerprint}`);
    this.lock = `${this.folder}.lock`;
  }

  /** Adds to `found` what is here. */
  async look(names: readonly ProgramName[], found: Map<ProgramName, string>): Promise<void> {
    for (const name of names) {
      const path = join(this.folder, name);
      if (await executable(path)) found.set(name, path);
    }
  }

  /** Brings what is missing, under the lock: downloads what the site offers and builds the rest. */
  async fill(
    names: readonly ProgramName[],
    found: Map<ProgramName, string>,
    offer: Offer | undefined,
    alone: boolean,
    log: Log,
  ): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    if (alone) await this.#sweep();
    // Another process may have brought it while this one waited.
    await this.look(names, found);
    let missing = names.filter((name) => !found.has(name));
    if (missing.length === 0) return;
    let reason = offer && 'reason' in offer ? offer.reason : undefined;
    const { remote } = this.module;
    if (offer && 'checksum' in offer && remote !== undefined) {
      try {
        for (const name of missing) {
          const file = remote(name, thisPlatform());
          await this.#download(
            name,
            file,
            offer.program === name ? offer.checksum : await publishedChecksum(file),
            log,
          );
        }
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        reason = error.message;
      }
    }
    await this.look(missing, found);
    missing = missing.filter((name) => !found.has(name));
    if (missing.length === 0) return;
    if (reason !== undefined) log(`no download of ${missing.join(', ')}: ${reason}`);
    await this.#build(missing, log);
    await this.look(missing, found);
  }

  async #download(name: ProgramName, file: RemoteFile, checksum: string, log: Log): Promise<void> {
    const scratch = await mkdtemp(join(this.folder, '.tmp-'));
    try {
      const fetched = join(scratch, 'download');
      await step(log, `downloading ${name} ${this.module.version}`, (report) =>
        download(file, checksum, fetched, report),
      );
      if (file.member === undefined) {
        await rename(fetched, join(this.folder, name));
        return;
      }
      try {
        // The tar of macOS reads zip archives too, which is what etcd publishes for it.
        await execFileAsync('tar', ['-xf', fetched, '-C', scratch, file.member]);
      } catch (error) {
        throw new Unavailable(`${file.url} cannot be unpacked: ${(error as Error).message}`);
      }
      await rename(join(scratch, file.member), join(this.folder, name));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** A program comes under its own name, or as one of several in one that acts as the one by whose name it is called. */
  async #build(names: readonly ProgramName[], log: Log): Promise<void> {
    const { module } = this;
    const files = Object.keys(module.packages);
    const there = await Promise.all(files.map((file) => executable(join(this.folder, file))));
    if (there.includes(false)) await build(module, this.folder, log);
    for (const name of names) {
      if (files.includes(name)) continue;
      // A link may be there that led nowhere until now.
      await rm(join(this.folder, name), { force: true });
      await symlink(module.name, join(this.folder, name));
    }
  }

  /** For whoever is alone here: what is unfinished is of a process that died. */
  async #sweep(): Promise<void> {
    for (const entry of await readdir(this.folder)) {
      if (entry.startsWith('.tmp-')) await rm(join(this.folder, entry), { recursive: true, force: true });
    }
  }
}

async function fromAssets(names: readonly ProgramName[], found: Map<ProgramName, string>): Promise<void> {
  const setting = process.env['KUBEBUILDER_ASSETS'];
  if (!setting) return;
  const folder = resolve(setting);
  await readdir(folder).catch((error: Error) => {
    throw new Error(`KUBEBUILDER_ASSETS must be a folder with programs: ${error.message}`);
  });
  for (const name of names) {
    const path = join(folder, name);
    if (await executable(path)) found.set(name, path);
  }
}

async function cacheFolder(): Promise<string> {
  const own = process.env['READINESS_CACHE'];
  if (own) {
    const folder = resolve(own);
    await mkdir(folder, { recursive: true });
    return folder;
  }
  // A relative XDG_CACHE_HOME is to be ignored, says its specification.
  const xdg = process.env['XDG_CACHE_HOME'] ?? '';
  const user = join(isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'readiness-operator', 'bin');
  const repository = resolve(import.meta.dirname, '..', '..', '.cache', 'bin');
  try {
    await mkdir(user, { recursive: true });
    await access(user, constants.W_OK);
    return user;
  } catch {
    // No home, or one that is read-only, as in some containers.
    await mkdir(repository, { recursive: true });
    return repository;
  }
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
