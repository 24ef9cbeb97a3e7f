import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { withholdCredentials } from '../../../src/controller/withhold.ts';
import hardcodedCredentials from '../../../src/checks/hardcodedCredentials.ts';
import placeholderValues from '../../../src/checks/placeholderValues.ts';
import type { Check } from '../../../src/engine/check.ts';
import { configCredentialsOf } from '../../../src/engine/config-credentials.ts';
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
  readonly paths: readonly string[];
  readonly images: readonly string[];
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly annotations: Readonly<Record<string, string>>;
}

interface Literals {
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly texts: readonly string[];
  readonly scripts: readonly string[];
  readonly programs: readonly (readonly [command: string, index: number])[];
  readonly paths: readonly string[];
  readonly images: readonly string[];
  readonly weak: readonly (readonly [key: string, value: string, told: string])[];
}

function read(file: string): unknown {
  return parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
}

const FORMATS = read('formats.yaml') as readonly Format[];
const INNOCENT = read('innocent.yaml') as Innocent;
const LITERALS = read('literals.yaml') as Literals;
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

function probePath(path: string): object {
  return { readinessProbe: { httpGet: { port: 80, path } } };
}

/** A command of a container, of an exec probe, and of a hook. */
function eachCommand(command: readonly string[]): object[] {
  return [{ command }, { livenessProbe: { exec: { command } } }, { lifecycle: { postStart: { exec: { command } } } }];
}

/** What is found in a ConfigMap, a line each. */
function inConfigMap(key: string, value: string): string[] {
  return configCredentialsOf({ [key]: value }).found.map(
    ({ setting, what }) => `${key}${setting === undefined ? '' : ` (${setting})`}: ${what}`,
  );
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
    const { env, words, scripts, paths, images, headers, annotations } = INNOCENT;
    const parts = [env, words, scripts, paths, images, headers, Object.keys(annotations)];
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(550);
    expect(Object.values(LITERALS).reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(110);
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

describe('no format, but', () => {
  const { env, texts, scripts, programs, paths, images, weak } = LITERALS;
  const ONE = [expect.stringMatching(/ holds a (?:literal credential|.*with a password|password in SQL)$/)];

  test.each(env)('under its name: %s: %j', (name, value) => {
    expect(findings(deployment({ env: [{ name, value }] }))).toEqual(ONE);
    expect(findings(deployment({ args: [`${flagOf(name)}=${value}`] }))).toEqual(ONE);
    expect(findings(deployment({ command: ['app', flagOf(name), value] }))).toEqual(ONE);
    expect(findings(deployment({ args: [`${name}=${value}`] }))).toEqual(ONE);
    expect(findings(deployment(probe(name, value)))).toEqual(ONE);
    expect(inConfigMap(name, value)).toEqual([`${name}: a literal credential`]);
  });

  test.each(texts)('as a setting: %j', (text) => {
    expect(findings(deployment({ env: [{ name: 'SETTING', value: text }] }))).toEqual(ONE);
    expect(findings(deployment({ args: [`--config=${text}`] }))).toEqual(ONE);
    expect(findings(deployment({ args: ['--config', text] }))).toEqual(ONE);
    expect(findings(deployment({}, { 'example.com/setting': text }))).toEqual(ONE);
    expect(inConfigMap('setting', text)).toHaveLength(1);
  });

  test.each(scripts)('in a script: %j', (script) => {
    for (const one of eachCommand(['sh', '-c', script])) expect(findings(deployment(one))).toEqual(ONE);
    expect(findings(deployment({ command: ['bash', '-ec'], args: [`set -e\n${script}\n`] }))).toEqual(ONE);
    expect(inConfigMap('run.sh', `#!/bin/sh\n${script}\n`)).toHaveLength(1);
  });

  test.each(programs)('for a program: %j', (text, index) => {
    const words = text.split(' ');
    const says = (place: string) => [expect.stringMatching(new RegExp(`${place} holds a password for [a-z_-]+$`))];
    expect(findings(deployment({ command: words }))).toEqual(says(`command\\[${index}\\]`));
    expect(findings(deployment({ args: words }))).toEqual(says(`args\\[${index}\\]`));
    const [program = '', ...rest] = words;
    expect(findings(deployment({ command: [program], args: rest }))).toEqual(says(`args\\[${index - 1}\\]`));
    for (const script of [
      text,
      `set -e; A=b ${text} | grep x`,
      `until ${text}; do sleep 1; done`,
      `if (${text}); then x; fi`,
    ]) {
      for (const one of eachCommand(['sh', '-c', script])) expect(findings(deployment(one))).toEqual(says('2\\]'));
    }
  });

  test.each(paths)('in the path of a probe: %j', (path) => {
    expect(findings(deployment(probePath(path)))).toHaveLength(1);
    expect(findings(deployment({ lifecycle: { preStop: { httpGet: { port: 80, path } } } }))).toHaveLength(1);
  });

  test.each(images)('in an image: %j', (image) => {
    expect(findings(deployment({ image }))).toHaveLength(1);
  });

  test.each(weak)('weak in a ConfigMap: %s: %j', (key, value, told) => {
    expect(inConfigMap(key, value)).toEqual([told]);
  });

  test('never stays in memory', () => {
    if (DEPLOYMENT === undefined) throw new Error('no Deployments');
    const objects = [
      ...env.map(([name, value]) => deployment({ env: [{ name, value }] })),
      ...texts.map((text) => deployment({ env: [{ name: 'SETTING', value: text }] })),
      ...scripts.flatMap((script) => eachCommand(['sh', '-c', script]).map((one) => deployment(one))),
      ...programs.flatMap(([text]) => [
        ...eachCommand(['sh', '-c', text]).map((one) => deployment(one)),
        deployment({ command: text.split(' ').slice(0, 1), args: text.split(' ').slice(1) }),
      ]),
      ...paths.map((path) => deployment(probePath(path))),
      ...images.map((image) => deployment({ image })),
    ];
    for (const object of objects) {
      const kept = withholdCredentials(object, DEPLOYMENT);
      expect(findings(kept)).toEqual(findings(object));
      expect(JSON.stringify(kept)).not.toMatch(/S3cr3t|FAKEFAKE/);
    }
  });
});

describe('a text longer than is looked through', () => {
  const long = `${'x '.repeat(65_536)}y`;

  test('is no pass, wherever it stands, and is not kept', () => {
    if (DEPLOYMENT === undefined) throw new Error('no Deployments');
    const object = deployment({ env: [{ name: 'SETTING', value: long }], args: [long] }, { 'example.com/note': long });
    expect(findings(object)).toEqual([
      expect.stringMatching(/ SETTING holds more text than is looked through$/),
      expect.stringMatching(/ holds more text than is looked through$/),
      expect.stringMatching(/ holds more text than is looked through$/),
    ]);
    const kept = withholdCredentials(object, DEPLOYMENT);
    expect(findings(kept)).toEqual(findings(object));
    expect(JSON.stringify(kept)).not.toContain('x x');
  });

  test('is no pass for placeholders', () => {
    if (DEPLOYMENT === undefined) throw new Error('no Deployments');
    const statusOf = (count: number): string => {
      const env = Array.from({ length: count }, (_, index) => ({ name: `SETTING_${index}`, value: long.slice(1) }));
      const read = readWorkload(deployment({ env }), DEPLOYMENT);
      if ('problem' in read) throw new Error(read.problem.message);
      const parameters = placeholderValues.prepare?.({} as never);
      const enabled = { check: placeholderValues, priority: 'Critical', exclude: [], parameters } as const;
      return evaluateCheck(enabled, read.workload, NOTHING_RELATED, 0).status;
    };
    expect([statusOf(4), statusOf(5)]).toEqual(['Met', 'Unknown']);
  });

  test('is one as long as Linux takes no more, and all texts of a workload together', () => {
    expect(findings(deployment({ args: [long.slice(1)] }))).toEqual([]);
    const many = Array.from({ length: 6 }, () => long.slice(1));
    expect(findings(deployment({ args: many }))).toHaveLength(2);
  });
});

describe('innocent', () => {
  const { env, words, scripts, paths, images, headers, annotations } = INNOCENT;

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
    expect(findings(deployment({ args: list, command: list }), placeholderValues)).toEqual([]);
    expect(findings(deployment({ args: list }))).toEqual([]);
    expect(findings(deployment({ command: list }))).toEqual([]);
    expect(findings(deployment({ command: ['sh', '-c', `app ${list.join(' ')}`] }))).toEqual([]);
  });

  test.each(scripts)('%s', (script) => {
    expect(findings(deployment({ command: ['sh', '-c', script] }))).toEqual([]);
    expect(findings(deployment({ command: ['bash', '-ec'], args: [`set -e\n${script}\n`] }))).toEqual([]);
  });

  test.each(env)('%s: %j in a ConfigMap', (name, value) => {
    expect(inConfigMap(name, value)).toEqual([]);
    if (!value.includes('\n')) expect(inConfigMap('app.conf', `first\n${name}=${value}\n`)).toEqual([]);
  });

  test.each(scripts)('%s in a ConfigMap', (script) => {
    expect(inConfigMap('run.sh', `#!/bin/sh\n${script}\n`)).toEqual([]);
  });

  test.each(paths)('path %s', (path) => {
    expect(findings(deployment(probePath(path)))).toEqual([]);
  });

  test.each(images)('image %s', (image) => {
    expect(findings(deployment({ image }))).toEqual([]);
  });

  test.each(headers)('header %s: %s', (name, value) => {
    expect(findings(deployment(probe(name, value)))).toEqual([]);
  });

  test.each(Object.entries(annotations))('annotation %s', (name, value) => {
    expect(findings(deployment({}, { [name]: value }))).toEqual([]);
  });
});
