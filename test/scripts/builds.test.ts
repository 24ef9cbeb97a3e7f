import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { currentBuild, publishBuild } from '../../scripts/build/builds.js';

let dist: string;
beforeEach(async () => {
  dist = await mkdtemp(join(tmpdir(), 'readiness-builds-'));
  await writeFile(join(dist, 'package.json'), '{ "type": "module" }');
});
afterEach(() => rm(dist, { recursive: true, force: true }));

/** Writes a build that prints its key, half of it late: after it has read a line. */
const writing = (key: string) => async (folder: string) => {
  await mkdir(join(folder, 'chunks'));
  await writeFile(
    join(folder, 'main.js'),
    `console.log('${key}'); process.stdin.once('data', () => import('./chunks/late.js').finally(() => process.exit()));`,
  );
  await sleep(5);
  await writeFile(join(folder, 'chunks/late.js'), `console.log('${key} late');`);
};
const publish = (key: string) => publishBuild(dist, () => key, writing(key));
const builds = () => readdirSync(join(dist, 'builds')).toSorted();
/** The name of the build that main.js starts. */
const current = () => basename(currentBuild(dist) ?? '');
const started = async () => {
  const run = promisify(execFile)(process.execPath, [join(dist, 'main.js')]);
  run.child.stdin?.end('go on\n');
  return (await run).stdout;
};

test('main.js starts the build, which is made once', async () => {
  expect(currentBuild(dist)).toBeUndefined();
  await publish('one');
  expect(await started()).toBe('one\none late\n');
  await publishBuild(
    dist,
    () => 'one',
    () => Promise.reject(new Error('made again')),
  );
  expect(current()).toBe('one');
});

test('a program that runs finds the chunks of its build after the next one came', async () => {
  await publish('one');
  const program = spawn(process.execPath, [join(dist, 'main.js')]);
  let said = '';
  program.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(program.stdout, 'data');
  await publish('two');
  program.stdin.write('go on\n');
  await once(program, 'close');
  expect(said).toBe('one\none late\n');
  expect(await started()).toBe('two\ntwo late\n');
});

test('whoever looks at any time finds a whole build, while several are published at once', async () => {
  await publish('zero');
  const over = new AbortController();
  const publishing = Promise.all(
    ['a', 'b', 'c'].map(async (own) => {
      for (let round = 0; round < 20; round++) await publish(round % 2 === 0 ? `${own}${round}` : `shared${round}`);
    }),
  ).finally(() => over.abort());
  let looks = 0;
  while (!over.signal.aborted) {
    const key = /builds\/(\w+)\//.exec(await readFile(join(dist, 'main.js'), 'utf8'))?.[1];
    expect(await readFile(join(dist, `builds/${key}/chunks/late.js`), 'utf8')).toBe(`console.log('${key} late');`);
    looks++;
  }
  await publishing;
  expect(looks).toBeGreaterThan(20);
  expect(builds()).toHaveLength(1 + 3 * 10 + 10);
  expect(readdirSync(dist).toSorted()).toEqual(['builds', 'main.js', 'package.json']);
});

test('what changes while it is read is made again', async () => {
  let key = 'before';
  const made: string[] = [];
  await publishBuild(
    dist,
    () => key,
    async (folder) => {
      made.push(key);
      await writing(key)(folder);
      key = 'after';
    },
  );
  expect(made).toEqual(['before', 'after']);
  expect(builds()).toEqual(['after']);
  expect(current()).toBe('after');
});

test('a build that fails leaves all as it was', async () => {
  await publish('one');
  const failing = publishBuild(
    dist,
    () => 'two',
    async (folder) => {
      await writeFile(join(folder, 'main.js'), 'half');
      throw new Error('syntax error');
    },
  );
  await expect(failing).rejects.toThrow('syntax error');
  expect(builds()).toEqual(['one']);
  expect(current()).toBe('one');
});

test('a build goes a day after it was last the current one', async () => {
  const age = async (name: string, hours: number) => {
    const then = new Date(Date.now() - hours * 3600 * 1000);
    await utimes(join(dist, 'builds', name), then, then);
  };
  await publish('longAgo');
  await publish('yesterday');
  await publish('untilNow');
  await mkdir(join(dist, 'builds/.draft-of-a-dead-process'));
  await age('longAgo', 25);
  await age('yesterday', 23);
  await age('.draft-of-a-dead-process', 25);
  // Old too, but somebody may have started it a moment ago.
  await age('untilNow', 25);
  await publish('new');
  expect(builds()).toEqual(['new', 'untilNow', 'yesterday']);
  expect(existsSync(join(dist, 'builds/untilNow/chunks/late.js'))).toBe(true);
});
