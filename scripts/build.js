/**
 * Bundles src/main.ts into dist/: what the image, npx and the quickstart run. Plain JavaScript, because npm calls it in
 * `prepare`, before anything else is known to work.
 *
 * Bundling is not about publishing: @kubernetes/client-node loaded from its own files costs 0.5 s and 130 MB at each
 * start, bundled a fraction of both.
 */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { build } from 'esbuild';

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

const root = new URL('..', import.meta.url).pathname;
await rm(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/main.ts' },
  outdir: 'dist',
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
  plugins: [clientNodeIsPure],
  // CommonJS packages inside an ES module bundle still call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

// So that npx runs the checkout's own program at once, instead of installing the checkout into its cache first.
await mkdir(`${root}/node_modules/.bin`, { recursive: true });
for (const name of ['readiness-operator', 'kubectl-readiness']) {
  await rm(`${root}/node_modules/.bin/${name}`, { force: true });
  await symlink('../../bin/readiness-operator.js', `${root}/node_modules/.bin/${name}`);
}
