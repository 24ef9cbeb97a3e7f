// @ts-check
/**
 * Builds side by side, so that nobody notices when one follows another:
 *
 *     dist/main.js                  starts the current build, and is replaced at once
 *     dist/builds/<key>/main.js     a build, named after what it was made of; appears whole and never changes
 *
 * A program that starts meanwhile finds the old build or the new one, and a program that runs goes on finding the chunks
 * that it loads late.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How long a build stays that is current no more, in milliseconds: longer than any program runs from a checkout. */
const KEPT_MS = 24 * 3600 * 1000;

/**
 * The folder of the build that `main.js` starts.
 *
 * @param {string} dist
 * @returns {string | undefined} undefined if nothing was built yet
 */
export function currentBuild(dist) {
  const main = join(dist, 'main.js');
  const [, key] =
    (existsSync(main) && /^import '\.\/builds\/(\w+)\/main\.js';$/m.exec(readFileSync(main, 'utf8'))) || [];
  return key === undefined ? undefined : join(dist, 'builds', key);
}

/**
 * Makes the build of what is there now, unless it is there already, and has `main.js` start it. Several processes may do
 * so at a time.
 *
 * @param {string} dist
 * @param {() => string} keyOf what the build is made of, as a word: the same word means the same build
 * @param {(folder: string) => Promise<unknown>} make writes the build, with its `main.js`, into a folder in `dist/builds`
 * @throws what `make` throws; then all is as before
 */
export async function publishBuild(dist, keyOf, make) {
  const builds = join(dist, 'builds');
  await mkdir(builds, { recursive: true });
  let key = keyOf();
  while (!existsSync(join(builds, key))) {
    const draft = join(builds, `.draft-${randomUUID()}`);
    try {
      await mkdir(draft);
      await make(draft);
      const after = keyOf();
      // What changed meanwhile may be half in the draft.
      if (after === key) await rename(draft, join(builds, key)).catch(unlessThere);
      key = after;
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  const last = currentBuild(dist);
  const current = join(builds, key);
  // The time that a folder bears is when its build was last the current one.
  for (const build of new Set([last, current])) if (build !== undefined && existsSync(build)) await touch(build);
  if (last !== current) await replace(join(dist, 'main.js'), `import './builds/${key}/main.js';\n`);
  await sweep(builds, key);
}

/**
 * Passes over that another process was faster to put the same build there.
 *
 * @param {NodeJS.ErrnoException} error
 */
function unlessThere(error) {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}

/**
 * Notes on a build that it is the current one now.
 *
 * @param {string} build
 */
async function touch(build) {
  await utimes(build, new Date(), new Date());
}

/**
 * Writes a file that a reader finds whole at any time.
 *
 * @param {string} file
 * @param {string} text
 */
async function replace(file, text) {
  const fresh = `${file}.${randomUUID()}`;
  await writeFile(fresh, text);
  await rename(fresh, file);
}

/**
 * Removes what has not been current for long, and drafts of processes that died.
 *
 * @param {string} builds
 * @param {string} current
 */
async function sweep(builds, current) {
  const old = Date.now() - KEPT_MS;
  for (const name of await readdir(builds)) {
    const folder = join(builds, name);
    // Another process may be sweeping too.
    const touched = await stat(folder).catch(() => undefined);
    if (name === current || touched === undefined || touched.mtimeMs > old) continue;
    // Away at once: a build that is half removed would be taken for a whole one.
    const waste = join(builds, `.draft-${randomUUID()}`);
    await rename(folder, waste).catch(() => {});
    await rm(waste, { recursive: true, force: true });
  }
}
