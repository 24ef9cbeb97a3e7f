/** What is shipped as an example is one. */
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { run } from './run.ts';

const SAMPLES = join(import.meta.dirname, '../../manifests/samples');

interface Checked {
  readonly workloads: readonly {
    readonly name: string;
    readonly ready: string;
    readonly findings: readonly { readonly check: string; readonly priority: string }[];
  }[];
}

test('the good sample lacks nothing that would be denied or warned of, the bad one much', async () => {
  const { status, stdout } = await run(['check', '-f', SAMPLES, '-o', 'json']);
  const { workloads } = JSON.parse(stdout) as Checked;
  const [good, bad] = ['cart', 'checkout'].map((wanted) => workloads.find(({ name }) => name === wanted));
  expect(status).toBe(1);
  expect(good?.findings.filter(({ priority }) => priority !== 'NiceToHave')).toEqual([]);
  expect(bad?.findings.filter(({ priority }) => priority === 'Critical').length).toBeGreaterThan(5);
});
