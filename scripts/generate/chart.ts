/** The chart as Helm renders it. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { ensureBinaries } from '../../test/cluster/binaries.ts';
import { NOTICE } from './notice.ts';

/** The chart's folder, relative to the root of the repository. */
export const CHART = 'charts/readiness-operator';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Renders the chart with its default values, and the namespace that it is installed in. Builds Helm if there is none.
 *
 * @param files texts that stand in for the chart's own files, by path relative to the root of the repository
 * @throws Error if Helm can't be had, or refuses the chart
 */
export async function renderChart(files: ReadonlyMap<string, string> = new Map()): Promise<string> {
  const { helm } = await ensureBinaries(['helm'], { log: (text) => console.error(text) });
  const folder = await mkdtemp(join(tmpdir(), 'readiness-generate-'));
  try {
    await cp(join(ROOT, CHART), join(folder, CHART), { recursive: true });
    for (const [file, text] of files) if (file.startsWith(`${CHART}/`)) await writeFile(join(folder, file), text);
    const values = ['--namespace=readiness-operator', '--set=image.repository=readiness-operator'];
    const args = ['template', 'readiness-operator', join(folder, CHART), '--skip-tests', ...values];
    const { stdout } = await promisify(execFile)(helm, args);
    const namespace = stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'readiness-operator' } });
    return `# ${NOTICE}\n${namespace}${stdout}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
