import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { withholdCredentials } from '../../../src/controller/withhold.ts';
import hardcodedCredentials from '../../../src/checks/hardcodedCredentials.ts';
import placeholderValues from '../../../src/checks/placeholderValues.ts';
import type { Check } from '../../../src/engine/check.ts';
import { evaluateCheck } from '../../../src/engine/evaluate.ts';
import { workloadKindOf } from '../../../src/engine/kinds.ts';
import { formatPath } from '../../../src/engine/path.ts';
import { readWorkload, type RawObject } from '../../../src/engine/workload.ts';
import { NOTHING_RELATED } from '../../support/related.ts';
import { randomOf, sampleOf } from '../../support/samples.ts';

interface Format {
  readonly issuer: string;
  readonly what: string;
  readonly found?: string;
  readonly format: string;
  readonly names: readonly string[];
}

interface Innocent {
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly words: readonly (readonly string[])[];
  readonly scripts: readonly string[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly annotations: Readonly<Record<string, string>>;
}

function read(file: string): unknown {
  return parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
}

const FORMATS = read('formats.yaml') as readonly Format[];
const INNOCENT = read('innocent.yaml') as Innocent;
const SAMPLES = 25;

const DEPLOYMENT = workloadKindOf('apps/v1', 'Deployment');

function deployment(container: object, annotations: object = {}): RawObject {
  const containers = [{ name: 'app', image: 'registry.example.com/shop/app:1.0.0', ...container }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app', namespace: 'shop' },
    spec: {
      selector: { matchLabels: { app: 'app' } },
      template: { metadata: { labels: { app: 'app' }, annotations }, spec: { containers } },
    },
  };
}

/** What a check finds in a Deployment, a line each. */
function findings(object: RawObject, check: Check = hardcodedCredentials): string[] {
  if (DEPLOYMENT === undefined) throw new Error('no Deployments');
  const read = readWorkload(object, DEPLOYMENT);
  if ('problem' in read) throw new Error(read.problem.message);
  const enabled = { check, priority: 'Critical', exclude: [], parameters: check.prepare?.({} as never) } as const;
  const { unmet, status } = evaluateCheck(enabled, read.workload, NOTHING_RELATED, 0);
  if (status === 'Error') throw new Error('the check failed');
  return unmet.map(({ path, message }) => `${formatPath(path.slice(4))} ${message}`);
}

function probe(name: string, value: string): object {
  return { livenessProbe: { httpGet: { port: 80, httpHeaders: [{ name, value }] } } };
}

function samplesOf({ format }: Format): string[] {
  const random = randomOf(42);
  return Array.from({ length: SAMPLES }, () => sampleOf(format, random));
}

const flagOf = (name: string): string =>
  `--${name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[._]+/g, '-')
    .toLowerCase()}`;
const asCase = (format: Format) => [`${format.issuer}: ${format.what}`, format] as const;

describe('the two sets', () => {
  test('are large enough to mean something', () => {
    expect(FORMATS.length).toBeGreaterThanOrEqual(160);
    expect(new Set(FORMATS.map(({ issuer }) => issuer)).size).toBeGreaterThanOrEqual(75);
    const { env, words, scripts, headers, annotations } = INNOCENT;
    const parts = [env, words, scripts, headers, Object.keys(annotations)];
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(460);
  });

  test('hold no example of a token', () => {
    // A scanner would report the file, a source host would refuse the push.
    const text = readFileSync(join(import.meta.dirname, 'formats.yaml'), 'utf8');
    for (const format of FORMATS) for (const sample of samplesOf(format)) expect(text).not.toContain(sample);
  });
});

describe.each(FORMATS.map(asCase))('%s', (_, format) => {
  test('is found in each variable and under each flag that people keep it in', () => {
    for (const value of samplesOf(format)) {
      for (const name of format.names) {
        expect([value, findings(deployment({ env: [{ name, value }] }))]).toEqual([value, [expect.anything()]]);
        expect([value, findings(deployment({ args: [`${flagOf(name)}=${value}`] }))]).toHaveProperty('1.length', 1);
        expect([value, findings(deployment({ command: ['app', flagOf(name), value] }))]).toHaveProperty('1.length', 1);
        const header = findings(deployment(probe(name.replaceAll('_', '-'), value)));
        expect([value, header]).toHaveProperty('1.length', 1);
      }
    }
  });

  test('never stays in memory', () => {
    if (DEPLOYMENT === undefined) throw new Error('no Deployments');
    for (const value of samplesOf(format)) {
      const object = deployment({ env: format.names.map((name) => ({ name, value })), args: ['--x', value] });
      const kept = withholdCredentials(object, DEPLOYMENT);
      expect(findings(kept)).toEqual(findings(object));
      for (const line of findings(object)) expect(line).not.toContain(value);
    }
  });
});

describe.each(FORMATS.filter(({ found }) => found !== undefined).map(asCase))('%s', (_, format) => {
  const { found } = format;

  test('is found and named wherever it stands', () => {
    for (const value of samplesOf(format)) {
      const places = {
        variable: deployment({ env: [{ name: 'SETTING', value }] }),
        flag: deployment({ args: [`--setting=${value}`] }),
        word: deployment({ args: [value] }),
        script: deployment({ command: ['sh', '-c', `exec app --setting '${value}' --verbose`] }),
        header: deployment(probe('X-Setting', value)),
        annotation: deployment({}, { 'example.com/setting': value }),
        'annotation of a sentence': deployment({}, { 'example.com/note': `The value is ${value} since May.` }),
      };
      for (const [place, object] of Object.entries(places)) {
        expect([place, value, findings(object)]).toEqual([
          place,
          value,
          [expect.stringMatching(new RegExp(` holds ${found}$`))],
        ]);
      }
    }
  });
});

describe('innocent', () => {
  const { env, words, scripts, headers, annotations } = INNOCENT;

  test.each(env)('%s: %j', (name, value) => {
    expect(findings(deployment({ env: [{ name, value }] }))).toEqual([]);
    expect(findings(deployment({ args: [`${flagOf(name)}=${value}`] }))).toEqual([]);
    expect(findings(deployment({ command: ['app', flagOf(name), value] }))).toEqual([]);
    expect(findings(deployment({ args: [`${name}=${value}`] }))).toEqual([]);
    expect(findings(deployment(probe(name, value)))).toEqual([]);
    expect(findings(deployment({}, { [`example.com/${name}`]: value }))).toEqual([]);
  });

  test.each(env)('%s: %j is no placeholder', (name, value) => {
    expect(findings(deployment({ env: [{ name, value }] }), placeholderValues)).toEqual([]);
  });

  test.each(words.map((list) => [list.join(' '), list] as const))('%s', (_, list) => {
    expect(findings(deployment({ args: list }))).toEqual([]);
    expect(findings(deployment({ command: list }))).toEqual([]);
    expect(findings(deployment({ command: ['sh', '-c', `app ${list.join(' ')}`] }))).toEqual([]);
  });

  test.each(scripts)('%s', (script) => {
    expect(findings(deployment({ command: ['sh', '-c', script] }))).toEqual([]);
    expect(findings(deployment({ command: ['bash', '-ec'], args: [`set -e\n${script}\n`] }))).toEqual([]);
  });

  test.each(headers)('header %s: %s', (name, value) => {
    expect(findings(deployment(probe(name, value)))).toEqual([]);
  });

  test.each(Object.entries(annotations))('annotation %s', (name, value) => {
    expect(findings(deployment({}, { [name]: value }))).toEqual([]);
  });
});
