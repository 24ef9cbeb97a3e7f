/**
 * Bundles src/main.ts into dist/ (build/builds.js): what the image, npx and the quickstart run. Does nothing if it is
 * there. Plain JavaScript, because npm calls it in `prepare`, before anything else is known to work.
 *
 * Bundling is not about publishing: @kubernetes/client-node loaded from its own files costs 0.5 s and 130 MB at each
 * start, bundled a fraction of both.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { publishBuild } from './build/builds.js';
import { fingerprint } from './build/fingerprint.js';

const ROOT = join(import.meta.dirname, '..');
/** What a build is made of: our own files, and for those of others the lock file that pins them. */
const SOURCES = ['src', 'package.json', 'package-lock.json', 'tsconfig.json', 'scripts/build.js'];

/**
 * The package does not say so, but importing its modules has no effect beyond their exports: without this, every
 * generated API class is loaded at each start although we use the configuration loader alone.
 */
const clientNodeIsPure = {
  name: 'client-node-is-pure',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /.*/ }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      const inside = importer.includes('@kubernetes/client-node/dist');
      if (pluginData === 'resolved' || !(inside || path.startsWith('@kubernetes/client-node'))) return undefined;
      const result = await resolve(path, { importer, resolveDir, kind, pluginData: 'resolved' });
      return result.path.includes('@kubernetes/client-node/dist') ? { ...result, sideEffects: false } : result;
    });
  },
};

await publishBuild(join(ROOT, 'dist'), () => fingerprint(ROOT, SOURCES).slice(0, 16), bundle);
await linkPrograms();

/** Writes the bundle into a folder. */
async function bundle(folder) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: 'src/main.ts' },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    chunkNames: 'chunks/[name]-[hash]',
    sourcemap: 'linked',
    sourcesContent: false,
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'linked',
    logLevel: 'warning',
    metafile: true,
    plugins: [clientNodeIsPure],
    // CommonJS packages inside an ES module bundle still call require() for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  const own = Object.keys(metafile.inputs).filter((file) => !file.includes('node_modules/'));
  const stray = own.filter((file) => !SOURCES.some((path) => file === path || file.startsWith(`${path}/`)));
  // A change of it would not be noticed.
  if (stray.length > 0) throw new Error(`SOURCES in scripts/build.js lacks ${stray.join(', ')}`);
}

/** So that npx runs the checkout's own program at once, instead of installing the checkout into its cache first. */
async function linkPrograms() {
  const programs = join(ROOT, 'node_modules/.bin');
  await mkdir(programs, { recursive: true });
  for (const name of ['readiness-operator', 'kubectl-readiness']) {
    const fresh = join(programs, `.${name}-${randomUUID()}`);
    await symlink('../../bin/readiness-operator.js', fresh);
    await rename(fresh, join(programs, name));
  }
}
