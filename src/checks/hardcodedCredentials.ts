import { Type } from 'typebox';
import { defineCheck, unmetAt, type Report } from '../engine/check.ts';
import { credentialIn, LITERAL, loginIn } from '../engine/credentials.ts';
import { flaggedWords } from '../engine/flags.ts';
import { isInnocent } from '../engine/innocent-values.ts';
import { matchesNamePattern } from '../engine/names.ts';
import { Names } from '../engine/parameters.ts';
import type { Path } from '../engine/path.ts';
import type { HttpGet, Volume } from '../engine/pod.ts';
import { PROBE_FIELDS } from '../engine/probes.ts';
import { isProgramPassword, programPasswords } from '../engine/program-passwords.ts';
import { roleOfName } from '../engine/secret-names.ts';
import { LONGEST_TEXT, MOST_TEXT, TOO_LONG, type Syntax } from '../engine/settings.ts';
import { textSearchOf, type TextSearch } from '../engine/text-search.ts';
import { LAST_APPLIED, type Container } from '../engine/workload.ts';

const MOVE = 'move it into a Secret and name it with valueFrom.secretKeyRef';
const PROBE_ANOTHER = 'probe an endpoint that needs no credential';

export default defineCheck({
  name: 'hardcodedCredentials',
  title: 'Hardcoded credentials',
  metWhen:
    'No credential stands as a literal in environment variables, args, command, probes, lifecycle hooks, images, attributes of volumes or annotations: known token formats, private keys, URLs with a password, and literals under a name that says secret, also as settings in JSON, YAML or a script, and passwords as programs take them (`redis-cli -a`, `mysql -p`, `curl -u`).',
  group: 'Secret references',
  items: ['security.secrets.no-hardcoded-credentials', 'security.secrets.secure-api-key-storage'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  parameters: Type.Object({
    allow: Names(
      'Names of environment variables, flags, settings, headers and annotations that hold no credential; `*` at the end allowed.',
    ),
  }),
  rationale:
    'A credential in a manifest is readable by everyone who may read the workload or the repository, and stays in the history of both.',
  remediation: MOVE,
  source: 'https://kubernetes.io/docs/concepts/security/secrets-good-practices/',
  prepare: ({ allow = [] }) => ({ allow }),
  run({ workload, containers, parameters: { allow } }, report) {
    const search: Search = { allow, texts: textSearchOf(workload), left: MOST_TEXT };
    for (const container of containers) {
      judgeEnvironment(container, search, report);
      const { command, args } = container.spec;
      judgeWords(container, ['command'], command, search, report);
      judgeWords(container, ['args'], args, search, report, command ?? []);
      judgeHandlers(container, search, report);
      judgeImage(container, report);
    }
    judgeVolumes(workload.pod.volumes ?? [], workload.podPath, search, report);
    judgeAnnotations(workload.annotations, ['metadata', 'annotations'], search, report);
    if (workload.kind.template.length > 0) {
      const path = [...workload.kind.template, 'metadata', 'annotations'];
      judgeAnnotations(workload.template.metadata?.annotations ?? {}, path, search, report);
    }
  },
});

/** What is looked for in one workload. */
interface Search {
  readonly allow: readonly string[];
  readonly texts: TextSearch;
  /** How much text may yet be looked at, in characters. */
  left: number;
}

/** What `find` finds in a text, if that may be looked at; else it could be a credential. */
function look(search: Search, text: string, find: () => string | undefined): string | undefined {
  search.left -= text.length;
  return text.length > LONGEST_TEXT || search.left < 0 ? TOO_LONG : find();
}

function judgeEnvironment(container: Container, search: Search, report: Report): void {
  const env = container.spec.env ?? [];
  for (let index = 0; index < env.length; index++) {
    const { name, value } = env[index] as (typeof env)[number];
    if (!value || matchesNamePattern(name, search.allow)) continue;
    const found = credentialUnder(name, value, search);
    if (found !== undefined) report(unmetAt(container, ['env', index, 'value'], `${name} holds ${found}`));
  }
}

/** A flag whose value is a configuration as text, not a script. */
const CONFIG_FLAG = /conf|settings|yaml|json|values/i;

/**
 * Flags: `--token=x`, `--token x`; assignments; settings in a text; passwords as programs take them; and formats anywhere in
 * a word.
 *
 * @param begun - words of the same command that stand before these
 */
function judgeWords(
  container: Container,
  at: Path,
  words: readonly string[] | null | undefined,
  search: Search,
  report: Report,
  begun: readonly string[] = [],
): void {
  if (!words) return;
  const passwords = new Map(programPasswords([...begun, ...words]).map(({ index, found }) => [index, found]));
  for (const [index, { word, flag, value }] of flaggedWords(words).entries()) {
    const name = flag?.name;
    if (name !== undefined && matchesNamePattern(name, search.allow)) continue;
    const found = look(
      search,
      word,
      () =>
        search.texts.credentialIn(word) ??
        passwords.get(begun.length + index) ??
        search.texts.programPasswordIn(word) ??
        (name !== undefined && value !== undefined ? literalUnder(name, value, search) : undefined) ??
        literalWithin(value ?? word, CONFIG_FLAG.test(name ?? '') ? 'config' : 'shell', search),
    );
    if (found === undefined) continue;
    // A short flag can stand in one word with the password, which is not to be told.
    const who = flag === undefined || isProgramPassword(found) ? '' : `${flag.dashes}${flag.name} `;
    report(unmetAt(container, [...at, index], `${who}holds ${found}`));
  }
}

/** A name and a value as one word, which no shell takes apart. */
const ASSIGNMENT = /^([A-Za-z_][\w.-]{0,128})=([^]*)$/;

/** The literals within a word: an assignment, or the settings of a text. */
function literalWithin(word: string, syntax: Syntax, search: Search): string | undefined {
  const [, name = '', value = ''] = ASSIGNMENT.exec(word) ?? [];
  if (roleOfName(name) !== undefined && (isInnocent(value) || !/\s/.test(value))) {
    return matchesNamePattern(name, search.allow) ? undefined : literalUnder(name, value, search);
  }
  const isFound = search.texts.literalsIn(word, syntax).some((one) => !matchesNamePattern(one, search.allow));
  return isFound ? LITERAL : undefined;
}

/** Probes and lifecycle hooks: commands, headers and paths. */
function judgeHandlers(container: Container, search: Search, report: Report): void {
  const { spec } = container;
  for (const field of PROBE_FIELDS) judgeHandler(container, [field], spec[field], search, report);
  for (const field of ['postStart', 'preStop'] as const) {
    judgeHandler(container, ['lifecycle', field], spec.lifecycle?.[field], search, report);
  }
}

interface Handler {
  readonly httpGet?: HttpGet | null;
  readonly exec?: { readonly command?: readonly string[] | null } | null;
}

function judgeHandler(
  container: Container,
  at: Path,
  handler: Handler | null | undefined,
  search: Search,
  report: Report,
): void {
  judgeWords(container, [...at, 'exec', 'command'], handler?.exec?.command, search, report);
  const { path, httpHeaders } = handler?.httpGet ?? {};
  const inPath = path
    ? look(search, path, () => search.texts.credentialIn(path) ?? literalWithin(path, 'code', search))
    : undefined;
  if (inPath !== undefined) {
    report(unmetAt(container, [...at, 'httpGet', 'path'], `holds ${inPath}`, PROBE_ANOTHER));
  }
  for (const [index, { name, value }] of (httpHeaders ?? []).entries()) {
    if (!value || matchesNamePattern(name, search.allow)) continue;
    const [, credential] = (/^authorization$/i.test(name) && /^(?:basic|bearer|token) +(\S{6,})/i.exec(value)) || [];
    const isCredential = credential !== undefined && !isInnocent(credential);
    const found = isCredential ? 'a credential' : credentialUnder(name, value, search);
    if (found === undefined) continue;
    const place = [...at, 'httpGet', 'httpHeaders', index, 'value'];
    report(unmetAt(container, place, `header ${name} holds ${found}`, PROBE_ANOTHER));
  }
}

/** More than twice the characters that a reference can have. */
const LONGEST_IMAGE = 1024;
const LOG_IN = 'log in with imagePullSecrets';

function judgeImage(container: Container, report: Report): void {
  const found = inImage(container.spec.image);
  if (found !== undefined) report(unmetAt(container, ['image'], `holds ${found}`, LOG_IN));
}

/** An image's name is short, so it does not count for the text that is looked at: other checks read it too. */
function inImage(image: string | null | undefined): string | undefined {
  if (!image) return undefined;
  return image.length > LONGEST_IMAGE ? TOO_LONG : (credentialIn(image) ?? loginIn(image));
}

/** Images that are mounted, and attributes for drivers of volumes, which take a Secret by its name too. */
function judgeVolumes(volumes: readonly Volume[], podPath: Path, search: Search, report: Report): void {
  for (const [index, { csi, flexVolume, image }] of volumes.entries()) {
    const login = inImage(image?.reference);
    if (login !== undefined) {
      const path = [...podPath, 'volumes', index, 'image', 'reference'];
      report({ type: 'unmet', path, message: `holds ${login}`, remediation: LOG_IN });
    }
    const maps = {
      csi: ['volumeAttributes', csi?.volumeAttributes],
      flexVolume: ['options', flexVolume?.options],
    } as const;
    for (const [source, [field, attributes]] of Object.entries(maps)) {
      for (const [name, value] of Object.entries(attributes ?? {})) {
        if (matchesNamePattern(name, search.allow)) continue;
        const found = credentialUnder(name, value, search);
        if (found === undefined) continue;
        const path = [...podPath, 'volumes', index, source, field, name];
        report({
          type: 'unmet',
          path,
          message: `holds ${found}`,
          remediation: 'move it into a Secret that the volume names',
        });
      }
    }
  }
}

function judgeAnnotations(
  annotations: Readonly<Record<string, string>>,
  path: Path,
  search: Search,
  report: Report,
): void {
  for (const name of Object.keys(annotations)) {
    if (name === LAST_APPLIED || matchesNamePattern(name, search.allow)) continue;
    const text = annotations[name] ?? '';
    const found = look(search, text, () => search.texts.credentialIn(text) ?? literalWithin(text, 'config', search));
    if (found === undefined) continue;
    report({ type: 'unmet', path: [...path, name], message: `holds ${found}`, remediation: 'move it into a Secret' });
  }
}

/** What a value is if it is or holds a credential, judged by its format and by the names that it stands under. */
function credentialUnder(name: string, value: string, search: Search): string | undefined {
  return look(
    search,
    value,
    () =>
      search.texts.credentialIn(value) ??
      literalUnder(name, value, search) ??
      literalWithin(value, syntaxOf(value), search),
  );
}

function syntaxOf(text: string): Syntax {
  return text.startsWith('#!') ? 'shell' : 'config';
}

/** Placeholders are left to placeholderValues: one thing, one finding. */
function literalUnder(name: string, value: string, { texts }: Search): string | undefined {
  return texts.isLiteral(name, value) ? LITERAL : undefined;
}
