import { expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../support/until.ts';

const execFileAsync = promisify(execFile);

jest.setTimeout(180_000);

test('--keep leaves a cluster, and the commands that it prints show a refusal and the reports, and end it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'readiness-steps-'));
  try {
    // From elsewhere, and with a KUBECONFIG of somebody else: the printed commands must do.
    const env = { ...process.env, INIT_CWD: folder, KUBECONFIG: join(folder, 'none') };
    const script = join(import.meta.dirname, 'quickstart.ts');
    const { stdout } = await execFileAsync(process.execPath, [script, '--keep'], { env });
    const [, commands = '', end = ''] =
      /It goes on running.*\n\n((?:.+\n){3})\nTo end it:\n\n(.+\n)$/.exec(stdout) ?? [];
    const shell = async (text: string) =>
      (await execFileAsync('sh', ['-c', `(${text}) 2>&1`], { cwd: folder, env })).stdout;
    const said = await shell(commands);
    const kubeconfig = /KUBECONFIG=(.+)/.exec(commands)?.[1] ?? '';
    try {
      expect(said).toMatch(/denied the request:\s+Deployment shop\/checkout is not ready for production/);
      expect(said).toMatch(/^shop +deployment-cart /m);
      expect(existsSync(kubeconfig)).toBe(true);
    } finally {
      await shell(end);
    }
    await until('the folder to be removed', () => !existsSync(dirname(kubeconfig)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
