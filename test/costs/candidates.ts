/**
 * Reviews that are made to take long: for each list and map of a pod, and each text in it, as many or as long as fits, in the
 * shapes that patterns take longest for.
 */
import { LISTS, listOf, type Fields } from '../support/large-pods.ts';
import { reviewOf } from '../support/manifests.ts';
import { randomOf } from '../support/samples.ts';
import { objectOf } from '../support/workloads.ts';

/** What the API server takes as one request; an update's review carries two objects of it. Bytes. */
const LARGEST_OBJECT = 3 * 1024 * 1024;

/** Repeated, each is the start of something that a pattern looks for, and its end never comes. */
const SHAPES = [
  'a=',
  'password=x ',
  '"password": ',
  '{password: a, ',
  '<password>',
  'name: password, value: ',
  'http://a:',
  'a:b@',
  'a:b@c:',
  'eyJaaaaaaaa.',
  '"auths"',
  '-----BEGIN A ',
  '${',
  '$(',
  '%a',
  '__A',
  '`a',
  '<<E\n',
  '\n',
  'password:\n',
  '- name: password\n',
  ' --token x',
  ' -',
  '"',
  '\\"',
  "PASSWORD '",
  'authorization: ',
  ';password=abcd',
  ' password=abcd user=',
  'a:b@tcp(',
  'sk-',
  'abcdef0123456789',
  'AKIA',
  '\t=\t',
  '/a',
  ' ',
];

/** Where a text may stand. */
const TEXTS: Record<string, (texts: readonly string[]) => Fields> = {
  args: (texts) => ({ containers: [{ name: 'app', args: texts }] }),
  env: (texts) => ({ containers: [{ name: 'app', env: texts.map((value) => ({ name: 'CONFIG', value })) }] }),
  secret: (texts) => ({ containers: [{ name: 'app', env: texts.map((value) => ({ name: 'DB_PASSWORD', value })) }] }),
  image: ([image]) => ({ containers: [{ name: 'app', image }] }),
  name: ([name]) => ({ containers: [{ name }] }),
  memory: ([memory]) => ({ containers: [{ name: 'app', resources: { limits: { memory } } }] }),
  'path of a probe': ([path]) => ({ containers: [{ name: 'app', livenessProbe: { httpGet: { path, port: 1 } } }] }),
};

/** Entries of a list, up to and beyond all bounds. */
const AMOUNTS = [490, 4900, 5100, 20_000, 45_000, 190_000];
/** Characters of a text; the largest is as much as fits. */
const LENGTHS = [1000, 131_000, 520_000, LARGEST_OBJECT - 2000];

export interface Candidate {
  readonly what: string;
  readonly body: string;
}

/** A candidate, the same for the same seed. */
export function candidateOf(seed: number): Candidate {
  const random = randomOf(seed);
  const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const operation = oneOf(['CREATE', 'UPDATE']);
  const [what, pod] = random() < 0.5 ? manyOf(oneOf) : longOf(oneOf);
  const object = objectOf('Deployment', pod, { name: 'web', namespace: 'shop' });
  const oldObject = operation === 'CREATE' ? undefined : objectOf('Deployment', { ...pod, hostNetwork: true });
  const body = reviewOf(object, { operation, namespace: 'shop', oldObject });
  return { what: `${operation}, ${what}, ${(body.length / 2 ** 20).toFixed(1)} MiB`, body };
}

type Choose = <T>(items: readonly T[]) => T;

function manyOf(oneOf: Choose): [what: string, pod: Fields] {
  const [count, list] = [oneOf(AMOUNTS), oneOf(Object.keys(LISTS))];
  if (oneOf([true, false, false])) {
    const containers = listOf(490, (index) => ({ name: `c${index}`, env: secrets(Math.min(9, count / 490)) }));
    return [`490 containers of ${Math.floor(Math.min(9, count / 490))} passwords`, { containers }];
  }
  if (oneOf([true, false, false]))
    return [`${count} passwords`, { containers: [{ name: 'app', env: secrets(count) }] }];
  return [`${list}: ${count}`, LISTS[list]?.(count) ?? {}];
}

function secrets(count: number): unknown[] {
  return listOf(Math.floor(count), (index) => ({ name: `DB_PASSWORD_${index}`, value: `hunter${index}` }));
}

function longOf(oneOf: Choose): [what: string, pod: Fields] {
  const [place, shape, length] = [oneOf(Object.keys(TEXTS)), oneOf(SHAPES), oneOf(LENGTHS)];
  const longest = oneOf([131_000, LARGEST_OBJECT]);
  const start = oneOf(['', '/', 'x ', 'password: ']);
  const texts = listOf(Math.ceil(length / longest), () => {
    const size = Math.min(length, longest);
    return start + shape.repeat(Math.max(1, Math.floor(size / JSON.stringify(shape).length)));
  }) as string[];
  return [`${place}: ${texts.length} x ${JSON.stringify(start + shape)} up to ${longest}`, TEXTS[place]?.(texts) ?? {}];
}
