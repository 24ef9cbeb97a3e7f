/** Reads that take the place of a watch that tells nothing, by a clock that the test moves. */
import { beforeEach, expect, test } from '@jest/globals';
import { NewestCopies, type NewestCopiesOptions } from '../../src/controller/newest-copies.ts';
import type { RawObject } from '../../src/engine/workload.ts';
import { ApiError } from '../../src/kube/client.ts';
import { ExceptionSet } from '../../src/policy/exceptions.ts';
import { PolicySet } from '../../src/policy/routes.ts';
import { exceptionOf, exceptionSpec } from '../support/exceptions.ts';
import { policyOf } from '../support/policies.ts';
import { TestClock } from '../support/testClock.ts';

let clock: TestClock;
/** What was asked of the API server. */
let asked: string[];
/** What it answers with: names of objects, an error, or nothing at all. */
let answer: readonly string[] | ApiError | 'silence';
let hurried: number;
let current: { policies: boolean; exceptions: boolean };

beforeEach(() => {
  clock = new TestClock();
  asked = [];
  answer = ['new'];
  hurried = 0;
  current = { policies: false, exceptions: false };
});

const nameOf = ({ metadata }: RawObject): string => (metadata as { name: string }).name;
const named = (name: string) => policyOf({ profile: 'none' }, undefined, { name });

/** What of the two kinds the reads need; the rest of them is tested with an API server. */
function made({ set = new PolicySet([]), mostWaiting = 100 } = {}): NewestCopies {
  const informer = (kind: keyof typeof current) => ({
    get isCurrent() {
      return current[kind];
    },
    hurry: () => hurried++,
  });
  const options = {
    clock,
    client: {
      dropIdle: () => {},
      request: async (_method: string, path: string) => {
        asked.push(path.split('/').slice(4).join('/'));
        if (answer === 'silence') return new Promise(() => {});
        if (answer instanceof ApiError) throw answer;
        const items = answer.map((name) => ({ metadata: { name } }));
        const [, single] = /readinesspolicies\/(.*)/.exec(path) ?? [];
        if (single === undefined) return { metadata: {}, items };
        const found = items.find(({ metadata }) => metadata.name === single);
        if (found === undefined) throw new ApiError(404, 'NotFound', 'no');
        return found;
      },
    },
    policies: {
      set,
      informer: informer('policies'),
      among: async (objects: RawObject[]) => new PolicySet(objects.map((object) => named(nameOf(object)))),
    },
    exceptions: {
      informer: informer('exceptions'),
      among: (_namespace: string, objects: RawObject[]) =>
        new ExceptionSet(objects.map((object) => exceptionOf(exceptionSpec(), { name: nameOf(object) }))),
    },
    onError: () => {},
    mostWaiting,
  };
  return new NewestCopies(options as unknown as NewestCopiesOptions);
}

test('all who come by a route that is not known here are answered by one read, and the watch is hurried', async () => {
  const newest = made();
  const found = await Promise.all([1, 2, 3].map(() => newest.policiesFor('new')));
  expect(found.map((set) => set?.route('new')?.name)).toEqual(['new', 'new', 'new']);
  expect([asked, hurried]).toEqual([['readinesspolicies/new'], 3]);
});

test('a watch that has told by then is not hurried', async () => {
  const found = await made({ set: new PolicySet([named('new')]) }).policiesFor('new');
  expect([found?.route('new')?.name, hurried]).toEqual(['new', 0]);
});

test('a policy that has gone is no reason to wait, nor one to hurry', async () => {
  const found = await made().policiesFor('gone');
  expect([found?.policies, asked, hurried]).toEqual([[], ['readinesspolicies/gone'], 0]);
});

test('reads that fail are tried again for 2 s; then nobody answers', async () => {
  answer = new ApiError(500, '', 'no');
  const waiting = made().policiesFor('new');
  await clock.advance(1700);
  expect(asked).toHaveLength(7);
  answer = ['new'];
  await clock.advance(100);
  expect((await waiting)?.route('new')?.name).toBe('new');

  answer = new ApiError(500, '', 'no');
  const inVain = made().policiesFor('new');
  await clock.advance(2000);
  expect(await inVain).toBeUndefined();
});

test('nor does anybody where the API server does not answer', async () => {
  answer = 'silence';
  const newest = made();
  let isOver = false;
  const waiting = newest.policiesFor('new').finally(() => (isOver = true));
  await clock.advance(1999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(await waiting).toBeUndefined();
});

test('without the kind there is no such policy', async () => {
  answer = new ApiError(404, '', '404 page not found');
  expect((await made().policiesFor('new'))?.policies).toEqual([]);
});

test('more than may wait are turned away at once, and there is room again afterwards', async () => {
  const newest = made({ mostWaiting: 2 });
  const waiting = [newest.policiesFor('a'), newest.policiesFor('b')];
  // Time stands still: whoever is answered now did not wait.
  expect(await newest.policiesFor('a')).toBeUndefined();
  expect((await Promise.all(waiting)).every((set) => set !== undefined)).toBe(true);
  expect(await newest.policiesFor('c')).toBeDefined();
});

test('before a denial nothing is read where both copies follow the API server', () => {
  current = { policies: true, exceptions: true };
  expect([made().beforeDenial('shop'), asked, hurried]).toEqual([undefined, [], 0]);
});

test.each([
  ['policies', { policies: false, exceptions: true }, ['readinesspolicies']],
  ['exceptions', { policies: true, exceptions: false }, ['namespaces/shop/readinessexceptions']],
])('before a denial the copy that is behind is read: %s', async (kind, now, paths) => {
  current = now;
  const newest = made();
  const found = await Promise.all([newest.beforeDenial('shop'), newest.beforeDenial('shop')]);
  expect(found.map((one) => Object.keys(one ?? {}))).toEqual([[kind], [kind]]);
  expect([asked, hurried]).toEqual([paths, 2]);
});

test('a denial waits 700 ms for what is newer, and then stands; those of the next 2 s do not wait', async () => {
  answer = 'silence';
  const newest = made();
  const waiting = newest.beforeDenial('shop');
  await clock.advance(700);
  expect(await waiting).toBeUndefined();
  answer = ['new'];
  expect(newest.beforeDenial('shop')).toBeUndefined();
  await clock.advance(2000);
  expect(await newest.beforeDenial('shop')).toMatchObject({ policies: {}, exceptions: {} });
});
