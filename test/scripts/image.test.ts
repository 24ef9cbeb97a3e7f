import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_CONFIG } from '../../scripts/image.ts';

test('the Dockerfile starts the operator as the image without an engine does', () => {
  const lines = readFileSync(join(import.meta.dirname, '../../Dockerfile'), 'utf8').split('\n');
  const last = (instruction: string): string | undefined =>
    lines.findLast((line) => line.startsWith(`${instruction} `))?.slice(instruction.length + 1);
  expect(JSON.parse(last('ENTRYPOINT') ?? '')).toEqual(IMAGE_CONFIG.Entrypoint);
  expect(JSON.parse(last('CMD') ?? '')).toEqual(IMAGE_CONFIG.Cmd);
  expect(last('USER')).toBe(IMAGE_CONFIG.User);
  expect(last('WORKDIR')).toBe(IMAGE_CONFIG.WorkingDir);
  expect(last('ENV')?.split(' ')).toEqual(IMAGE_CONFIG.Env);
});
