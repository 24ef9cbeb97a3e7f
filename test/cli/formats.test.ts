/** What `check` writes for programs, beside JSON. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { checkText, fixture, run, textOf } from './run.ts';

const MEMORY = textOf('memory-policy.yaml');
const NO_LIMIT = textOf('no-limit.yaml');
const UNKNOWN_SECRET = `---
apiVersion: v1
kind: Pod
metadata: { name: p }
spec:
  containers: [{ name: app, image: app:1, envFrom: [{ secretRef: { name: s } }] }]
`;
const policy = (checks: string, more = ''): string =>
  `---\napiVersion: readiness-operator.dev/v1alpha1\nkind: ReadinessPolicy\nmetadata: { name: p }\nspec: { profile: none, checks: ${checks}${more} }\n---\n`;

const folder = mkdtempSync(join(tmpdir(), 'readiness-formats-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly kind?: string;
  readonly message: { readonly text: string };
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly locations: readonly [
    {
      readonly physicalLocation: {
        readonly artifactLocation: { readonly uri: string };
        readonly region: { readonly startLine: number; readonly startColumn: number };
      };
    },
  ];
}

interface Sarif {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly SarifResult[];
    },
  ];
}

describe('sarif', () => {
  // The official schema (OASIS, 2.1.0 errata 01) is draft 4, of which ajv lacks nothing that the schema uses but the ids.
  const { $schema, id, ...schema } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'schemas/sarif-schema-2.1.0.json'), 'utf8'),
  ) as Record<string, unknown>;
  expect([$schema, typeof id]).toEqual(['http://json-schema.org/draft-04/schema#', 'string']);
  const validate = new Ajv({
    strict: false,
    allErrors: true,
    formats: {
      uri: (text: string) => URL.canParse(text),
      'uri-reference': (text: string) => URL.canParse(text, 'file:///') && !/[\s<>"{}|\\^`]/.test(text),
      'date-time': true,
    },
  }).compile(schema);

  function valid(stdout: string): Sarif {
    const log = JSON.parse(stdout) as Sarif;
    validate(log);
    expect(validate.errors).toBeNull();
    const [{ tool, results }] = log.runs;
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    return log;
  }

  test('the schema notices what is wrong', () => {
    expect(validate({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [{}] }] })).toBe(false);
    expect(validate({ version: '2.2.0', runs: [] })).toBe(false);
  });

  test.each([
    ['realistic manifests', ['-f', fixture('shop.yaml')]],
    ['with --strict', ['-f', fixture('shop.yaml'), '--strict']],
    ['with another profile', ['-f', fixture('shop.yaml'), '--profile', 'baseline-v1']],
    ['nothing unmet', ['-f', fixture('ready.yaml'), '--policy', fixture('memory-policy.yaml')]],
  ])('%s: valid', async (_, args) => {
    valid((await run(['check', ...args, '-o', 'sarif'])).stdout);
  });

  /** Where the one finding on memory limits stands: line and column. */
  async function placeOf(text: string): Promise<[number, number]> {
    const { status, stdout } = await checkText(text, '--policy', fixture('memory-policy.yaml'), '-o', 'sarif');
    expect(status).toBe(1);
    const [{ results }] = valid(stdout).runs;
    expect(results.map(({ ruleId, level }) => [ruleId, level])).toEqual([['memoryLimits', 'error']]);
    const region = results[0]?.locations[0].physicalLocation.region;
    return [region?.startLine ?? 0, region?.startColumn ?? 0];
  }

  const POD = 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec:\n';
  test.each<[string, string, [number, number]]>([
    ['a missing field: its nearest ancestor', `${POD}  containers:\n    - name: app\n      image: a:1\n`, [6, 7]],
    ['CRLF', `${POD}  containers:\n    - name: app\n      image: a:1\n`.replaceAll('\n', '\r\n'), [6, 7]],
    ['a byte order mark', `\ufeff${POD}  containers:\n    - name: app\n`, [6, 7]],
    [
      'flow style',
      `${POD}  containers: [{ name: b, resources: { limits: { memory: 1Gi } } }, { name: app }]\n`,
      [5, 69],
    ],
    ['an anchor: where it was written', `x-app: &app { name: app }\n${POD}  containers:\n    - *app\n`, [7, 7]],
    [
      'a field that comes in by an anchor',
      `x-r: &r\n  limits:\n    cpu: 1\n${POD}  containers:\n    - name: app\n      resources: *r\n`,
      [2, 3],
    ],
    [
      'a merge key',
      `x-r: &r { limits: { cpu: 1 } }\n${POD}  containers:\n    - name: app\n      resources:\n        <<: *r\n`,
      [1, 11],
    ],
    ['a later document', `a: 1\n---\n# words\n---\n${POD}  containers:\n    - name: app\n`, [10, 7]],
    [
      'an entry of a List',
      `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Pod\n    metadata: { name: a }\n    spec:\n      containers:\n        - name: app\n`,
      [9, 11],
    ],
    ['JSON', `{"apiVersion":"v1","kind":"Pod",\n "spec":{"containers":[\n  {"name":"app"}]}}`, [3, 3]],
    [
      'JSON values one after the other',
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}\n{"apiVersion":"v1","kind":"Pod",\n "spec":{"containers":[{"name":"app"}]}}`,
      [3, 24],
    ],
    ['beyond the basic plane', `${POD}  containers: [{ image: "\u{1f600}", name: app }]\n`, [5, 16]],
  ])('%s', async (_, text, place) => {
    expect(await placeOf(text)).toEqual(place);
  });

  test('names files so that they are valid references', async () => {
    const name = join(folder, 'a b#c?d%e:ü.yaml');
    writeFileSync(name, NO_LIMIT);
    const { stdout } = await run(['check', '-f', name, '--policy', fixture('memory-policy.yaml'), '-o', 'sarif']);
    const uri = valid(stdout).runs[0].results[0]?.locations[0].physicalLocation.artifactLocation.uri ?? '';
    expect(decodeURIComponent(new URL(uri).pathname)).toBe(name);
  });

  test('a finding keeps its fingerprint when it moves', async () => {
    const printsOf = async (text: string) => {
      const { stdout } = await checkText(text, '--policy', fixture('memory-policy.yaml'), '-o', 'sarif');
      return valid(stdout).runs[0].results.map(({ partialFingerprints }) => partialFingerprints);
    };
    const before = await printsOf(NO_LIMIT);
    expect(before).toHaveLength(1);
    expect(await printsOf(`# more\n# lines\n${NO_LIMIT}`)).toEqual(before);
    expect(await printsOf(NO_LIMIT.replace('name: web\n', 'name: other\n'))).not.toEqual(before);
  });

  test('what could not be found out is open; with --strict it fails', async () => {
    const text = policy('{ secretReferences: { priority: Critical } }') + UNKNOWN_SECRET;
    const of = async (...args: string[]) => {
      const { status, stdout } = await checkText(text, '-o', 'sarif', ...args);
      const [one] = valid(stdout).runs[0].results;
      return [status, one?.kind, one?.level];
    };
    expect(await of()).toEqual([0, 'open', 'none']);
    expect(await of('--strict')).toEqual([1, 'fail', 'error']);
  });
});

describe('junit', () => {
  test('has a suite a workload and a case a check', async () => {
    const text = policy(
      '{ memoryLimits: { priority: Critical }, secretReferences: { priority: Critical }, imageTag: { priority: NiceToHave } }',
    );
    const { status, stdout } = await checkText(
      `${text}${NO_LIMIT}${UNKNOWN_SECRET}`.replace('image: app:1,', 'image: app,'),
      '-o',
      'junit',
    );
    expect(status).toBe(1);
    const elements = elementsOf(stdout);
    expect(elements.filter(({ name }) => name === 'testsuite').map(({ attributes }) => attributes)).toEqual([
      { name: 'Deployment default/web', tests: '3', failures: '1', errors: '0', skipped: '0', file: 'stdin' },
      { name: 'Pod default/p', tests: '3', failures: '1', errors: '0', skipped: '1', file: 'stdin' },
    ]);
    expect(elements[0]).toEqual({
      name: 'testsuites',
      attributes: { name: 'readiness-operator', tests: '6', failures: '2', errors: '0', skipped: '1' },
      text: '',
    });
    expect(elements.filter(({ name }) => name === 'testcase').map(({ attributes }) => attributes['name'])).toEqual([
      'imageTag',
      'memoryLimits',
      'secretReferences',
      'imageTag',
      'memoryLimits',
      'secretReferences',
    ]);
    const failures = elements.filter(({ name }) => name === 'failure');
    expect(failures.map(({ attributes }) => attributes)).toEqual([
      { message: 'no memory limit', type: 'Critical' },
      { message: 'no memory limit', type: 'Critical' },
    ]);
    expect(failures[1]?.text).toMatch(
      /^stdin:\d+:16: Critical: spec\.containers\[app\]\.resources\.limits: no memory limit; /,
    );
    expect(elements.find(({ name }) => name === 'skipped')?.attributes).toEqual({
      message: 'could not find out: Secret s: it is not among the manifests',
    });
    // A finding that does not fail is told as the case's output.
    expect(elements.find(({ name }) => name === 'system-out')?.text).toContain(
      'NiceToHave: spec.containers[app].image: ',
    );
  });

  test('is well-formed whatever stands in the manifests', async () => {
    const name = String.raw`"a<b>&'c]]>\u0000\u001b\ud800\ufffe"`;
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec: { containers: [{ name: ${name} }] }\n`;
    const { stdout } = await checkText(pod, '--policy', fixture('memory-policy.yaml'), '-o', 'junit');
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/);
    expect(stdout.isWellFormed()).toBe(true);
    expect(elementsOf(stdout).find((element) => element.name === 'testsuite')?.attributes['name']).toBe(
      String.raw`Pod default/a<b>&'c]]>\u0000\u001b` + '\ufffd\ufffd',
    );
  });
});

/** A strict reader of the little XML that is used: throws on anything that is not well-formed. */
function elementsOf(xml: string) {
  const elements: { name: string; attributes: Record<string, string>; text: string }[] = [];
  const open: typeof elements = [];
  const unescape = (text: string): string => {
    if (/[<>]|&(?!amp;|lt;|gt;|quot;)/.test(text)) throw new Error(`not escaped: ${text}`);
    return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  };
  const body = xml.replace('<?xml version="1.0" encoding="UTF-8"?>\n', '');
  if (body === xml) throw new Error('no declaration');
  const token = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let end = 0;
  for (const match of body.matchAll(token)) {
    end = match.index + match[0].length;
    const [, closing, name = '', attributes = '', empty, text] = match;
    if (text !== undefined) {
      const top = open.at(-1);
      if (top === undefined && text.trim() !== '') throw new Error(`text outside: ${text}`);
      if (top !== undefined) top.text = (top.text + unescape(text)).trim();
    } else if (closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`${name} closes nothing`);
    } else {
      const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(
        ([, key = '', value = '']) => [key, unescape(value)] as const,
      );
      const element = { name, attributes: Object.fromEntries(pairs), text: '' };
      if (Object.keys(element.attributes).length !== pairs.length) throw new Error('an attribute twice');
      elements.push(element);
      if (empty !== '/') open.push(element);
    }
  }
  if (end !== body.length || open.length > 0) throw new Error(`not well-formed at ${end}`);
  return elements;
}

describe('github', () => {
  test('one command a finding, worst first, and the summary', async () => {
    const checks = policy(
      '{ imageTag: { priority: NiceToHave }, memoryLimits: { priority: Critical }, secretReferences: { priority: Important } }',
    );
    const { status, stdout } = await checkText(`${checks}${UNKNOWN_SECRET.replace('app:1', 'app')}`, '-o', 'github');
    expect(status).toBe(1);
    expect(stdout.split('\n').map((line) => line.replace(/line=\d+/, 'line=N'))).toEqual([
      '::error file=stdin,line=N,col=16,title=memoryLimits%3A Pod default/p::spec.containers[app].resources.limits: no memory limit; set resources.limits.memory',
      expect.stringMatching(/^::notice file=stdin,line=N,col=36,title=imageTag%3A Pod default\/p::/),
      '::notice file=stdin,line=N,col=1,title=secretReferences%3A Pod default/p::could not find out: Secret s: it is not among the manifests',
      '1 workload checked with p: 1 not ready',
      '2 findings: 1 critical, 1 nice to have; 1 workload would be denied',
      'Explained: kubectl readiness explain memoryLimits',
      '',
    ]);
  });

  test('nothing in a manifest becomes a command or a property', async () => {
    const name = String.raw`"x\n::error file=a::b,line=1%0A::warning::c"`;
    const pod = `apiVersion: v1\nkind: Pod\nmetadata: { name: ${name} }\nspec: { containers: [{ name: ${name} }] }\n`;
    const { stdout } = await checkText(pod, '--policy', fixture('memory-policy.yaml'), '-o', 'github');
    const commands = stdout.split('\n').filter((line) => line.startsWith('::'));
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatch(/^::error file=stdin,line=4,col=22,title=[^:,]*::/);
    expect(commands[0]).not.toMatch(/%(?!25|3A|2C)/);
  });
});

test('yaml says what json says', async () => {
  const args = ['check', '-f', fixture('shop.yaml')];
  const yaml = await run([...args, '-o', 'yaml']);
  const json = await run([...args, '-o', 'json']);
  expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  expect(yaml.status).toBe(json.status);
});

describe('--fail-on', () => {
  const all = `{ memoryLimits: { priority: PRIORITY } }, enforcement: { critical: Audit, important: Audit }`;
  test.each([
    ['Critical', 'critical', 1],
    ['Important', 'critical', 0],
    ['Important', 'important', 1],
    ['NiceToHave', 'important', 0],
    ['NiceToHave', 'niceToHave', 1],
    ['Critical', 'niceToHave', 1],
    ['Critical', 'none', 0],
  ])('a finding of priority %s with %s: %i', async (priority, failOn, status) => {
    const text = policy(all.replace('PRIORITY', priority)) + NO_LIMIT;
    for (const format of ['table', 'json', 'yaml', 'sarif', 'junit', 'github']) {
      expect((await checkText(text, '--fail-on', failOn, '-o', format)).status).toBe(status);
    }
  });

  test('spares what would be denied, if asked to', async () => {
    expect((await checkText(MEMORY + '---\n' + NO_LIMIT)).status).toBe(1);
    expect((await checkText(MEMORY + '---\n' + NO_LIMIT, '--fail-on', 'none')).status).toBe(0);
  });

  test('what could not be found out fails with --strict alone', async () => {
    const text = policy('{ secretReferences: { priority: Important } }') + UNKNOWN_SECRET;
    expect((await checkText(text, '--fail-on', 'important')).status).toBe(0);
    expect((await checkText(text, '--fail-on', 'critical', '--strict')).status).toBe(0);
    expect((await checkText(text, '--fail-on', 'important', '--strict')).status).toBe(1);
  });
});
