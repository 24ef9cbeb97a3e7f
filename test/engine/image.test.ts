import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseImage } from '../../src/engine/image.ts';
import { charactersOf } from '../support/arbitraries.ts';
import { LINEAR, slowdown } from '../support/growth.ts';

type Golden = readonly [domain: string, path: string, tag: string, digest: string];
const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, 'golden', 'images.json'), 'utf8')) as {
  readonly cases: readonly (readonly [text: string, parts: Golden | null])[];
};

const HEX = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

/** As the reference implementation names it: without registry it means Docker Hub, and there without folder `library`. */
function normalized(text: string): Golden | null {
  const image = parseImage(text);
  if (image === undefined) return null;
  const domain = image.registry ?? 'docker.io';
  const path =
    domain === 'docker.io' && !image.repository.includes('/') ? `library/${image.repository}` : image.repository;
  return [domain, path, image.tag ?? '', image.digest ?? ''];
}

const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const registry = fc.oneof(
  fc.constantFrom(
    'localhost',
    'localhost:5000',
    'host:5000',
    'ghcr.io',
    'registry.example.com:8443',
    '[::1]:5000',
    'UPPER',
  ),
  fc.stringMatching(/^[a-z0-9]{1,6}\.[a-z]{2,4}(?::[0-9]{1,5})?$/),
);
const parts = fc.record({
  registry: fc.option(registry, { nil: undefined }),
  repository: fc.array(component, { minLength: 1, maxLength: 4 }).map((components) => components.join('/')),
  tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,30}$/), { nil: undefined }),
  digest: fc.option(fc.stringMatching(/^sha256:[0-9a-f]{64}$/), { nil: undefined }),
});

describe('parseImage', () => {
  test.each(cases)('reads %j as container runtimes do', (text, expected) => {
    expect(normalized(text)).toEqual(expected);
  });

  test('finds the parts of which a reference was made', () => {
    fc.assert(
      fc.property(parts, (expected) => {
        // Without a registry, a first folder that looks like one is one.
        const [first = '', ...more] = expected.repository.split('/');
        fc.pre(expected.registry !== undefined || more.length === 0 || !(first.includes('.') || first === 'localhost'));
        const text = [
          expected.registry === undefined ? '' : `${expected.registry}/`,
          expected.repository,
          expected.tag === undefined ? '' : `:${expected.tag}`,
          expected.digest === undefined ? '' : `@${expected.digest}`,
        ].join('');
        expect(parseImage(text)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('never throws, and what it takes is made of its parts', () => {
    const text = fc.oneof(
      fc.string(),
      charactersOf('ab0A-_./:@[]{} $', 24),
      fc.tuple(component, fc.string({ maxLength: 6 })).map(([start, end]) => start + end),
    );
    fc.assert(
      fc.property(text, (source) => {
        const image = parseImage(source);
        if (image === undefined) return;
        const { registry: host, repository, tag, digest } = image;
        const again = `${host === undefined ? '' : `${host}/`}${repository}${tag === undefined ? '' : `:${tag}`}`;
        expect(digest === undefined ? again : `${again}@${digest}`).toBe(source);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['host:5000/app', { registry: 'host:5000', repository: 'app', tag: undefined, digest: undefined }],
    ['host:5000', { registry: undefined, repository: 'host', tag: '5000', digest: undefined }],
    ['app:1', { registry: undefined, repository: 'app', tag: '1', digest: undefined }],
    ['team/app', { registry: undefined, repository: 'team/app', tag: undefined, digest: undefined }],
    [`app:1@sha256:${HEX}`, { registry: undefined, repository: 'app', tag: '1', digest: `sha256:${HEX}` }],
  ])('tells port from tag in %s', (text, expected) => {
    expect(parseImage(text)).toEqual(expected);
  });

  test.each([
    `app@sha256:${HEX.slice(1)}`,
    `app@sha256:${HEX}0`,
    `app@sha256:${HEX.toUpperCase()}`,
    `app@sha512:${HEX}`,
    'app@md5:d41d8cd98f00b204e9800998ecf8427e',
    `app@${HEX}`,
    'registry.example.com/web:{{ .Values.tag }}',
    'registry.example.com/Web:1',
    `app:${'t'.repeat(129)}`,
    'app:1 ',
    ' app:1',
  ])('refuses %j', (text) => {
    expect(parseImage(text)).toBeUndefined();
  });

  test('takes names of up to 255 characters', () => {
    expect(parseImage('x'.repeat(255))).toBeDefined();
    expect(parseImage(`reg.io/${'x'.repeat(248)}:1@sha256:${HEX}`)).toBeDefined();
    expect(parseImage('x'.repeat(256))).toBeUndefined();
  });

  test.each(['a', '-', 'a-', 'a.', 'a/', '_', ':', '@', '[', 'A.a-'])('takes linear time for many %s', (unit) => {
    expect(parseImage(unit.repeat(10_000))).toBeUndefined();
    const texts = (size: number): string[] => {
      const many = unit.repeat(size);
      return [many, `${many}!`, `x.io/${many}!`, `${many}!/x`];
    };
    // The longest are just within what is looked at, the others beyond.
    for (const size of [3, 250]) {
      expect(slowdown(texts, (all) => all.map(parseImage), size)).toBeLessThan(LINEAR);
    }
  });
});
