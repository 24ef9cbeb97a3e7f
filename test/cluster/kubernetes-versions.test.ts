import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SUPPORTED } from './kubernetes-versions.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test.each([
  ['README.md', `Kubernetes ${SUPPORTED[0]} to ${SUPPORTED.at(-1)}`],
  ['charts/readiness-operator/README.md', `Kubernetes ${SUPPORTED[0]} or newer`],
])('%s names the versions that we support', (file, words) => {
  expect(readFileSync(join(ROOT, file), 'utf8').replace(/\s+/g, ' ')).toContain(words);
});
